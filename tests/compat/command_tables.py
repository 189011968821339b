"""What is compared of COMMAND, COMMAND LIST, COMMAND INFO and COMMAND DOCS.

Taken out: commands of later versions that only the candidate has (D06), commands that come later, where the candidate
lacks them (D11), the wording of documentation (D10), and the arguments of commands that take more of them (D24).
"""

from typing import Callable, Iterable

from compat.later_commands import is_later
from harness.resp import Kind, Reply

Both = tuple[Reply, Reply]

# The commands of D05.
ADDED_NAMES = frozenset(
    "client|setinfo client|no-touch waitaof hexpire hpexpire hexpireat hpexpireat httl hpttl hexpiretime hpexpiretime "
    "hpersist hgetex hsetex hgetdel health "
    "slowlog|waits latency|queueing topkeys topkeys|big topkeys|hot topkeys|help replicaproof replicaproof|run "
    "replicaproof|last replicaproof|keys replicaproof|help".split()
)

# Commands that take more arguments than in 7.0 (D24).
EXTENDED_NAMES = frozenset({"zrank", "zrevrank"})

_WORDING = (b"summary", b"complexity")
_BLANK = Reply(Kind.BULK, b"#")
_SEQUENCES = (Kind.ARRAY, Kind.SET)


def common_names(reference: Iterable[str], candidate: Iterable[str]) -> tuple[set[str], set[str]]:
    """Names that are to be compared: without later ones the candidate lacks and added ones the reference lacks."""
    expected, found = set(reference), set(candidate)
    left = {name for name in expected if name in found or not is_later(name)}
    right = {name for name in found if name in expected or name not in ADDED_NAMES}
    return left, right


def _of_both(reference: Reply, candidate: Reply, name_of: Callable[[Reply], str]) -> Both:
    """Both sequences reduced to their common names."""
    kept = common_names(map(name_of, reference.value), map(name_of, candidate.value))
    left, right = (
        Reply(reply.kind, tuple(element for element in reply.value if name_of(element) in names))
        for reply, names in zip((reference, candidate), kept)
    )
    return left, right


def listed(reference: Reply, candidate: Reply) -> Both:
    """COMMAND LIST: an array of names."""
    if reference.kind is not Kind.ARRAY or candidate.kind is not Kind.ARRAY:
        return reference, candidate
    return _of_both(reference, candidate, lambda name: name.value.decode())


def described_all(reference: Reply, candidate: Reply) -> Both:
    """COMMAND: descriptions of all commands; their order is that of a hash table."""
    if not all(reply.kind is Kind.ARRAY and all(map(_name, reply.value)) for reply in (reference, candidate)):
        return reference, candidate
    both = (Reply(r.kind, tuple(sorted(r.value, key=_name))) for r in _of_both(reference, candidate, _name))
    return described(*both)


def described(reference: Reply, candidate: Reply) -> Both:
    """COMMAND INFO NAME...: an array of descriptions, null for unknown names."""
    if reference.kind is not Kind.ARRAY or candidate.kind is not Kind.ARRAY:
        return reference, candidate
    if len(reference.value) != len(candidate.value):
        return reference, candidate
    both = [_describe_one(left, right) for left, right in zip(reference.value, candidate.value)]
    return Reply(Kind.ARRAY, tuple(left for left, _ in both)), Reply(Kind.ARRAY, tuple(right for _, right in both))


def _describe_one(reference: Reply, candidate: Reply) -> Both:
    """One description of each side: the last element holds the descriptions of the subcommands."""
    name, found = _name(reference), _name(candidate)
    if candidate.is_null() and is_later(name):
        return candidate, candidate
    if reference.is_null() and found in ADDED_NAMES:
        return reference, reference
    if not name or name != found:
        return reference, candidate
    if name in EXTENDED_NAMES:
        reference = Reply(reference.kind, reference.value[:1] + candidate.value[1:2] + reference.value[2:])
    subcommands = reference.value[-1], candidate.value[-1]
    if any(part.kind not in _SEQUENCES or not all(map(_name, part.value)) for part in subcommands):
        return reference, candidate
    left, right = _of_both(*subcommands, _name)
    return _with_last(reference, left), _with_last(candidate, right)


def _with_last(description: Reply, last: Reply) -> Reply:
    return Reply(description.kind, description.value[:-1] + (last,))


def _name(description: Reply) -> str:
    """`get` of a description, an empty text of anything else."""
    is_description = description.kind is Kind.ARRAY and description.value and description.value[0].kind is Kind.BULK
    return description.value[0].value.decode() if is_description else ""


def documented(reference: Reply, candidate: Reply) -> Both:
    """COMMAND DOCS: names and documents, a map in RESP3 and flat in RESP2."""
    if not (_is_paired(reference) and _is_paired(candidate)):
        return reference, candidate
    left, right = _pairs(reference), _pairs(candidate)
    names = common_names((name.decode() for name in left), (name.decode() for name in right))
    documents = [
        {name: document for name, document in side.items() if name.decode() in kept}
        for side, kept in zip((left, right), names)
    ]
    for name in documents[0].keys() & documents[1].keys():
        documents[0][name], documents[1][name] = _document_one(documents[0][name], documents[1][name])
        if name.decode() in EXTENDED_NAMES:
            documents[0][name], documents[1][name] = map(_without_arguments, (documents[0][name], documents[1][name]))
    return _paired(reference.kind, documents[0]), _paired(candidate.kind, documents[1])


def _document_one(reference: Reply, candidate: Reply) -> Both:
    if not (_is_paired(reference) and _is_paired(candidate)):
        return reference, candidate
    left, right = (_without_wording(_pairs(document)) for document in (reference, candidate))
    subcommands = b"subcommands"
    if subcommands in left and subcommands in right:
        left[subcommands], right[subcommands] = documented(left[subcommands], right[subcommands])
    return _paired(reference.kind, left), _paired(candidate.kind, right)


def _without_arguments(document: Reply) -> Reply:
    fields = {key: value for key, value in _pairs(document).items() if key not in (b"arguments", b"history")}
    return _paired(document.kind, fields)


def _without_wording(fields: dict[bytes, Reply]) -> dict[bytes, Reply]:
    for key in _WORDING:
        if key in fields and fields[key].kind is Kind.BULK:
            fields[key] = _BLANK
    history = fields.get(b"history")
    if history is not None and history.kind in _SEQUENCES:
        fields[b"history"] = Reply(history.kind, tuple(map(_history_entry, history.value)))
    return fields


def _history_entry(entry: Reply) -> Reply:
    """[version, text] with the text blanked."""
    if entry.kind is not Kind.ARRAY or len(entry.value) != 2:
        return entry
    return Reply(entry.kind, (entry.value[0], _BLANK))


def _is_paired(reply: Reply) -> bool:
    keyed = reply.kind in (Kind.ARRAY, Kind.MAP) and len(reply.value) % 2 == 0
    names = [key.value for key in reply.value[::2] if key.kind is Kind.BULK] if keyed else []
    return keyed and 2 * len(names) == len(reply.value) and len(set(names)) == len(names)


def _pairs(reply: Reply) -> dict[bytes, Reply]:
    return {key.value: value for key, value in zip(reply.value[::2], reply.value[1::2])}


def _paired(kind: Kind, fields: dict[bytes, Reply]) -> Reply:
    return Reply(kind, tuple(element for key, value in fields.items() for element in (Reply(Kind.BULK, key), value)))
