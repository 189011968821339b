"""The differences from the reference that are wanted, machine readable.

Each entry has its row, with the reason, in `docs/differences.md`; `test_differences.py` holds the two together.
An entry sees both replies of a command that matches and takes out of them exactly what may differ. Differences that
no entry could take out without hiding others (AVOIDED) are said neither by a dialogue nor by the generator; each has a
test of its own in `test_avoided_differences.py`.
"""

import re
from dataclasses import dataclass
from typing import Callable

from compat.command_tables import described, described_all, documented, listed
from compat.help_text import help_text
from compat.replies import map_leaves, map_texts
from compat.stream_replies import payloads_by_content, without_consumer_times, without_tree_shape
from harness.list_payload import is_list_payload, list_elements
from harness.resp import Kind, Reply, quote
from harness.sorted_set_payload import sorted_set_pairs

Both = tuple[Reply, Reply]


@dataclass(frozen=True)
class Difference:
    """`command` is searched in the command written as one line, its first word in upper case.

    ids  of the rows, separated by spaces
    """

    ids: str
    command: re.Pattern
    normalise: Callable[[Reply, Reply], Both]


def command_line(arguments: list[bytes]) -> str:
    """One line, as a dialogue has it: plain words as they are, everything else quoted; the name in upper case."""
    words = [a.decode() if re.fullmatch(rb"[!#-&(-\[\]-~]+", a) else quote(a) for a in arguments]
    return " ".join([words[0].upper()] + words[1:]) if words else ""


def _shortest_doubles(reference: Reply, candidate: Reply) -> Both:
    def shortest(leaf: Reply) -> Reply:
        if leaf.kind not in (Kind.BULK, Kind.DOUBLE):
            return leaf
        # Only texts that can come from a double: a digit-only member of a sorted set must stay as it is.
        if not re.fullmatch(rb"-?\d+(\.\d+)?(e[+-]?\d+)?", leaf.value):
            return leaf
        return Reply(leaf.kind, repr(float(leaf.value)).encode())

    return map_leaves(reference, shortest), map_leaves(candidate, shortest)


def _shortest_doubles_of_transaction(reference: Reply, candidate: Reply) -> Both:
    """A text of the reference gives way to the candidate's when both are the same double, in 17 and in fewest digits."""
    sequences = (Kind.ARRAY, Kind.SET, Kind.MAP)
    if reference.kind in sequences and reference.kind is candidate.kind and len(reference.value) == len(candidate.value):
        pairs = [_shortest_doubles_of_transaction(r, c) for r, c in zip(reference.value, candidate.value)]
        return Reply(reference.kind, tuple(r for r, _ in pairs)), Reply(candidate.kind, tuple(c for _, c in pairs))
    if reference != candidate and reference.kind is candidate.kind and reference.kind in (Kind.BULK, Kind.DOUBLE):
        try:
            same = b"%.17g" % float(candidate.value) == reference.value
        except (TypeError, ValueError):
            same = False
        if same and len(candidate.value) <= len(reference.value) + 1:
            return candidate, candidate
    return _dumped_pairs(*_sorted_set_encoding(reference, candidate))


def _dumped_pairs(reference: Reply, candidate: Reply) -> Both:
    """Payloads of sorted sets are held against each other by their pairs: packed ones have scores as text (D01), and after
    SORT that of the reference is not packed (D26)."""
    if reference.kind is Kind.BULK and candidate.kind is Kind.BULK and reference != candidate:
        pairs = sorted_set_pairs(reference.value)
        if pairs is not None and pairs == sorted_set_pairs(candidate.value):
            return reference, reference
    return reference, candidate


def _sorted_set_encoding(reference: Reply, candidate: Reply) -> Both:
    """What the reference calls a skiplist may be a listpack."""
    if reference == Reply(Kind.BULK, b"skiplist") and candidate == Reply(Kind.BULK, b"listpack"):
        return reference, reference
    return reference, candidate


def _info_additions(reference: Reply, candidate: Reply) -> Both:
    """Lines of the candidate whose field the reference does not know are dropped."""
    if not isinstance(reference.value, bytes) or not isinstance(candidate.value, bytes):
        return reference, candidate
    known_text = reference.value[4:] if reference.kind is Kind.VERBATIM else reference.value
    known = {line.partition(b":")[0] for line in known_text.split(b"\r\n")}

    def without_additions(text: bytes) -> bytes:
        return b"\r\n".join(line for line in text.split(b"\r\n") if line.partition(b":")[0] in known)

    return reference, map_texts(candidate, without_additions)


def _version_text(reference: Reply, candidate: Reply) -> Both:
    def masked(text: bytes) -> bytes:
        text = re.sub(rb"(redis_version:|Redis ver\. )[\d.]*", rb"\1#", text)
        return b"#" if re.fullmatch(rb"7\.(0\.15|2\.4)", text) else text

    return map_texts(reference, masked), map_texts(candidate, masked)


def _client_library(reference: Reply, candidate: Reply) -> Both:
    return reference, map_texts(candidate, lambda text: re.sub(rb" lib-name=[^ \n]* lib-ver=[^ \n]*", b"", text))


def _new_commands(reference: Reply, candidate: Reply) -> Both:
    """The reference must not know the command or its option; what the candidate says is checked by tests of its own."""
    known = not (reference.kind is Kind.ERROR and reference.value.startswith((b"ERR unknown", b"ERR syntax")))
    return (reference, candidate) if known else (reference, reference)


def _rank_with_more(reference: Reply, candidate: Reply) -> Both:
    """The reference must refuse the number of arguments; what the candidate says is checked by tests of its own."""
    refused = reference.kind is Kind.ERROR and b"wrong number of arguments" in reference.value
    return (reference, reference) if refused else (reference, candidate)


def _command_count(reference: Reply, candidate: Reply) -> Both:
    same_kind = reference.kind is Kind.INTEGER and candidate.kind is Kind.INTEGER
    return (reference, reference) if same_kind else (reference, candidate)


def _events_of_the_doctor(reference: Reply, candidate: Reply) -> Both:
    """Only the lines `<number>. <event>: ...`; errors stay as they are."""

    def events(text: bytes) -> bytes:
        return text if text.startswith(b"ERR ") else b"\n".join(re.findall(rb"(?m)^\d+\. \S+: .*$", text))

    return map_texts(reference, events), map_texts(candidate, events)


def _encoding(reference_name: bytes, name: bytes) -> Callable[[Reply, Reply], Both]:
    """What the reference calls by the one name may have the other one."""

    def accepted(reference: Reply, candidate: Reply) -> Both:
        wanted = reference == Reply(Kind.BULK, reference_name) and candidate == Reply(Kind.BULK, name)
        return (reference, reference) if wanted else (reference, candidate)

    return accepted


def _forgotten_error(reference: Reply, candidate: Reply) -> Both:
    """The reference may refuse numbers that the candidate sorts."""
    refused = reference == Reply(Kind.ERROR, b"ERR One or more scores can't be converted into double")
    return (reference, reference) if refused and candidate.kind is Kind.ARRAY else (reference, candidate)


def _list_nodes(reference: Reply, candidate: Reply) -> Both:
    """Payloads of lists are held against each other by their elements, wherever the nodes are cut."""
    if not all(reply.kind is Kind.BULK and is_list_payload(reply.value) for reply in (reference, candidate)):
        return reference, candidate
    left, right = (
        Reply(Kind.ARRAY, tuple(Reply(Kind.BULK, element) for element in list_elements(reply.value)))
        for reply in (reference, candidate)
    )
    return left, right


_DOUBLE_REPLIES = (
    r"^(ZSCORE|ZMSCORE|ZINCRBY|ZADD|ZRANGE\w*|ZREVRANGE\w*|ZPOP\w*|BZPOP\w*|BZMPOP|ZMPOP|ZUNION|ZINTER|ZDIFF|"
    r"ZRANDMEMBER|ZSCAN)\b"
)

_ADDED_COMMANDS = (
    r"^(CLIENT (SETINFO|NO-TOUCH)|WAITAOF|HP?EXPIRE(AT|TIME)?|HP?TTL|HPERSIST|HGETEX|HSETEX|HGETDEL)\b|"
    r"^HSCAN .*\bNOVALUES\b"
)

_LATER_LOG_FIELDS = frozenset({b"entry-id", b"timestamp-created", b"timestamp-last-updated"})


def _log_entries(reference: Reply, candidate: Reply) -> Both:
    """Takes the fields of 7.2 out of the candidate's entries."""

    def of_entry(entry: Reply) -> Reply:
        if entry.kind not in (Kind.ARRAY, Kind.MAP):
            return entry
        fields = zip(entry.value[::2], entry.value[1::2])
        kept = [part for name, value in fields if name.value not in _LATER_LOG_FIELDS for part in (name, value)]
        return Reply(entry.kind, tuple(kept))

    if candidate.kind is Kind.ARRAY:
        candidate = Reply(candidate.kind, tuple(of_entry(entry) for entry in candidate.value))

    def without_library(text: bytes) -> bytes:
        return re.sub(rb" lib-name=\S* lib-ver=\S*$", b"", text)

    return reference, map_texts(candidate, without_library)


def _single_commands(reference: Reply, candidate: Reply) -> Both:
    """Rules about single commands, where several follow each other, in the order of their text."""

    def ordered(text: bytes) -> bytes:
        def in_order(match: re.Match) -> bytes:
            return b" ".join(sorted(match[0].split(b" ")))

        return re.sub(rb"[+-][a-z][^ ()]*(?: [+-][a-z][^ ()]*)+", in_order, text)

    return map_texts(reference, ordered), map_texts(candidate, ordered)


DIFFERENCES = [
    Difference("D01", re.compile(_DOUBLE_REPLIES, re.IGNORECASE), _shortest_doubles),
    Difference("D01 D26", re.compile(r"^EXEC$"), _shortest_doubles_of_transaction),
    Difference("D01 D26", re.compile(r"^DUMP\b", re.IGNORECASE), _dumped_pairs),
    Difference("D26", re.compile(r"^OBJECT ENCODING\b", re.IGNORECASE), _sorted_set_encoding),
    Difference("D02", re.compile(r"^INFO\b"), _info_additions),
    Difference("D03", re.compile(r"^(INFO|HELLO|LOLWUT)\b"), _version_text),
    # EXEC: a transaction may hold one of them.
    Difference("D04", re.compile(r"^(CLIENT (LIST|INFO)\b|EXEC$)", re.IGNORECASE), _client_library),
    Difference("D05", re.compile(_ADDED_COMMANDS, re.IGNORECASE), _new_commands),
    Difference("D07", re.compile(r"^COMMAND COUNT\b", re.IGNORECASE), _command_count),
    Difference("D60", re.compile(r"^ACL LOG\b", re.IGNORECASE), _log_entries),
    Difference("D61", re.compile(r"^ACL (LIST|GETUSER)\b", re.IGNORECASE), _single_commands),
    Difference("D06 D11", re.compile(r"^ACL CAT \S", re.IGNORECASE), listed),
    Difference("D09", re.compile(r"^\w+ HELP$", re.IGNORECASE), help_text),
    Difference("D06 D10 D11 D24", re.compile(r"^COMMAND DOCS\b", re.IGNORECASE), documented),
    Difference("D06 D11", re.compile(r"^COMMAND LIST\b", re.IGNORECASE), listed),
    Difference("D06 D11 D24", re.compile(r"^COMMAND( INFO)?$", re.IGNORECASE), described_all),
    Difference("D06 D11 D24", re.compile(r"^COMMAND INFO .", re.IGNORECASE), described),
    Difference("D24", re.compile(r"^Z(REV)?RANK \S+ \S+ \S", re.IGNORECASE), _rank_with_more),
    Difference("D12", re.compile(r"^LATENCY DOCTOR\b", re.IGNORECASE), _events_of_the_doctor),
    Difference("D17", re.compile(r"^OBJECT ENCODING\b", re.IGNORECASE), _encoding(b"quicklist", b"listpack")),
    Difference("D21", re.compile(r"^SORT(_RO)?\b(?!.* STORE )", re.IGNORECASE), _forgotten_error),
    # Of hashes this is checked where the type is known.
    Difference("D22", re.compile(r"^OBJECT ENCODING\b", re.IGNORECASE), _encoding(b"hashtable", b"listpack")),
    Difference("D96", re.compile(r"^OBJECT ENCODING\b", re.IGNORECASE), _encoding(b"hashtable", b"intset")),
    Difference("D18", re.compile(r"^DUMP\b", re.IGNORECASE), _list_nodes),
    Difference("D27", re.compile(r"^XINFO (CONSUMERS|STREAM)\b", re.IGNORECASE), without_consumer_times),
    Difference("D28", re.compile(r"^XINFO STREAM\b", re.IGNORECASE), without_tree_shape),
    Difference("D29", re.compile(r"^DUMP\b", re.IGNORECASE), payloads_by_content),
]

AVOIDED = {"D13", "D14", "D15", "D16", "D19", "D20", "D23", "D25", "D30", "D31", "D32", "D33", "D34", "D35",
           "D36", "D37", "D38", "D39", "D40", "D41", "D58", "D59", "D62", "D63", "D64", "D65", "D66",
           "D75", "D76", "D77", "D80", "D91", "D92", "D93", "D94", "D95", "D97", "D98"}


def without_wanted_differences(command: str, reference: Reply, candidate: Reply) -> Both:
    """Both replies of `command` (as `command_line` writes it) without what may differ."""
    for difference in DIFFERENCES:
        if difference.command.search(command):
            reference, candidate = difference.normalise(reference, candidate)
    return reference, candidate
