"""What is compared of the HELP of a container command (D09): its frame and the subcommands it names."""

from compat.command_tables import common_names
from harness.resp import Kind, Reply

_FRAME_LAST_LINES = 2


def help_text(reference: Reply, candidate: Reply) -> tuple[Reply, Reply]:
    """Both reduced to the first line, the subcommands that both must have, and the last lines."""
    if not _is_help(reference) or not _is_help(candidate):
        return reference, candidate
    names = common_names(_subcommands(reference), _subcommands(candidate))
    return _reduced(reference, names[0]), _reduced(candidate, names[1])


def _is_help(reply: Reply) -> bool:
    enough = reply.kind is Kind.ARRAY and len(reply.value) > _FRAME_LAST_LINES
    return enough and all(line.kind is Kind.STATUS for line in reply.value)


def _subcommands(reply: Reply) -> list[str]:
    """`client|kill`: from the first words of the lines that are neither indented nor remarks like `(no subcommand)`."""
    container, *lines = (line.value.decode().lower() for line in reply.value[:-_FRAME_LAST_LINES])
    words = [line.split(" ")[0] for line in lines if line and line[0] not in " ("]
    return [f"{container.split(' ')[0]}|{word}" for word in words]


def _reduced(reply: Reply, subcommands: set[str]) -> Reply:
    names = tuple(Reply(Kind.STATUS, name.encode()) for name in sorted(subcommands))
    return Reply(Kind.ARRAY, reply.value[:1] + names + reply.value[-_FRAME_LAST_LINES:])
