"""Compares the replies of a pipeline of commands, each as its rule in the grammar says."""

from typing import NamedTuple, Sequence

from compat.dataset import EXPIRY_TOLERANCE_MS
from compat.differences import command_line, without_wanted_differences
from compat.grammar import load_rules
from compat.grammar.rule import Compared
from compat.replies import unordered, within
from compat.stream_replies import with_times_of
from harness import Kind, Reply, format_reply
from harness.resp import Incomplete, ProtocolViolation, parse_all

SHOWN_REPLY_MAX = 600
_QUEUED = Reply(Kind.STATUS, b"QUEUED")
# Sets and hashes that are hash tables.
_UNORDERED_TYPES = (b"\x02", b"\x04")
_CHECKSUM_BYTES = 8
_COMPARED = {rule.name: rule.compared for rule in load_rules()}


class Spoken(NamedTuple):
    """A command and the number of the connection it went through."""

    connection: int
    command: list[bytes]


class Judge:
    """Compares reply after reply of one connection; remembers what is queued, for the elements of EXEC."""

    def __init__(self) -> None:
        self._queued: list[list[bytes]] = []

    def same(self, command: list[bytes], reference: Reply, candidate: Reply) -> bool:
        name = command[0].upper() if command else b""
        if reference == _QUEUED:
            self._queued.append(command)
            return candidate == _QUEUED
        if name in (b"MULTI", b"DISCARD"):
            same = reference == candidate
            if not reference.is_error():
                self._queued = []
            return same
        if name != b"EXEC":
            return reference == candidate or _same_as_ruled(command, reference, candidate)
        queued, self._queued = self._queued, []
        if reference == candidate:
            return True
        if reference.kind is not Kind.ARRAY or candidate.kind is not Kind.ARRAY:
            return False
        if not len(queued) == len(reference.value) == len(candidate.value):
            return False
        triples = zip(queued, reference.value, candidate.value)
        return all(r == c or _same_as_ruled(one, r, c) for one, r, c in triples)


def _same_as_ruled(command: list[bytes], reference: Reply, candidate: Reply) -> bool:
    reference, candidate = without_wanted_differences(command_line(command), reference, candidate)
    compared = _COMPARED.get(command[0].upper(), Compared.EXACTLY)
    if compared is Compared.UNORDERED:
        return unordered(reference) == unordered(candidate)
    if compared is Compared.NEAR:
        return reference == within(reference, candidate, EXPIRY_TOLERANCE_MS)
    if compared is Compared.TIMES:
        return reference == with_times_of(reference, candidate, EXPIRY_TOLERANCE_MS)
    if compared is Compared.PAYLOAD:
        return _payload_parts(reference) == _payload_parts(candidate)
    if compared is Compared.BY_KIND:
        return reference.kind is candidate.kind
    return reference == candidate


def _payload_parts(reply: Reply) -> object:
    """A payload of an unordered type as its type and sorted bytes, without the checksum; anything else as it is."""
    if reply.kind is not Kind.BULK or reply.value[:1] not in _UNORDERED_TYPES:
        return reply
    return reply.value[:1], sorted(reply.value[:-_CHECKSUM_BYTES])


def first_difference(commands: Sequence[list[bytes]], reference: bytes, candidate: bytes) -> tuple[int, str] | None:
    """The index of the first command answered differently and a text about it. Equal bytes are not even parsed."""
    if reference == candidate:
        return None
    try:
        expected, found = parse_all(reference), parse_all(candidate)
    except (Incomplete, ProtocolViolation) as error:
        return 0, f"the replies cannot be read: {type(error).__name__}: {error}"
    judge = Judge()
    for index, (command, left, right) in enumerate(zip(commands, expected, found)):
        if not judge.same(command, left, right):
            return index, describe(command, left, right)
    if len(expected) != len(commands) or len(found) != len(commands):
        return 0, f"{len(commands)} commands, {len(expected)} replies of the reference, {len(found)} of the candidate"
    return None


def describe(command: list[bytes], reference: Reply, candidate: Reply) -> str:
    texts = [format_reply(reply) for reply in (reference, candidate)]
    shown = [text if len(text) <= SHOWN_REPLY_MAX else text[:SHOWN_REPLY_MAX] + "..." for text in texts]
    return f"> {command_line(command)}\n  reference {shown[0]}\n  candidate {shown[1]}"
