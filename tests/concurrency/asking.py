"""Short ways to ask for plain values."""

from typing import Optional, Sequence

from harness import Client, Kind, encode_command


def plain(reply: object) -> object:
    """The value of a reply with the values of its elements in place of them. Raises on an error."""
    assert not reply.is_error(), reply
    return [plain(element) for element in reply.value] if isinstance(reply.value, tuple) else reply.value


def ask(client: Client, *words: object) -> object:
    return plain(client.command(*words))


def transaction(client: Client, commands: Sequence[Sequence[object]]) -> Optional[list]:
    """MULTI, the commands, EXEC in one write. What EXEC answers; None when a watched key was touched."""
    *queued, answer = client.pipeline([("MULTI",), *commands, ("EXEC",)])
    assert [reply.value for reply in queued] == [b"OK"] + [b"QUEUED"] * len(commands), queued
    return None if answer.kind is Kind.NULL_ARRAY else plain(answer)


def exchange(clients: Sequence[Client], batches: Sequence[Sequence[Sequence[object]]]) -> list[list[object]]:
    """Sends every client its batch before any reply is read, so that all of them are served at once."""
    for client, batch in zip(clients, batches):
        client.send_raw(b"".join(encode_command(command) for command in batch))
    return [[plain(client.read_reply()) for _ in batch] for client, batch in zip(clients, batches)]


def statistic(client: Client, section: str, field: str) -> int:
    """A number out of INFO."""
    for line in ask(client, "INFO", section).decode().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value)
    raise AssertionError(f"INFO {section} has no {field}")
