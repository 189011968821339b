"""RESP2 and RESP3: commands to bytes, bytes to typed replies.

A reply keeps the exact kind that was on the wire, so `$-1`, `*-1` and `_` are three different things and a status
is not a bulk string of the same text. Nothing is decoded: texts stay `bytes`.
"""

import enum
from typing import Iterable, NamedTuple, Union

Argument = Union[bytes, str, int, float]


class Kind(enum.Enum):
    """The kinds of the wire; the value is the word used in reports."""

    STATUS = "status"
    ERROR = "error"
    INTEGER = "integer"
    BULK = "bulk"
    NULL_BULK = "null bulk"
    NULL_ARRAY = "null array"
    NULL = "null"
    ARRAY = "array"
    MAP = "map"
    SET = "set"
    PUSH = "push"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    BIG_NUMBER = "big number"
    VERBATIM = "verbatim"
    BULK_ERROR = "bulk error"
    ATTRIBUTE = "attribute"


class Reply(NamedTuple):
    """One reply. `value` is:

    bytes             status, error (without `+`/`-`), bulk, double (its text), big number, verbatim (with `txt:`)
    int / bool        integer / boolean
    None              the three nulls
    tuple of Reply    array, set, push; for a map keys and values in turn
    (tuple, Reply)    attribute: its flat pairs, then the reply it decorates
    """

    kind: Kind
    value: object

    def is_error(self) -> bool:
        return self.kind in (Kind.ERROR, Kind.BULK_ERROR)

    def is_null(self) -> bool:
        return self.value is None


class Incomplete(Exception):
    """The buffer ends before the reply does."""


class ProtocolViolation(Exception):
    """The bytes are not RESP."""


_TEXT_KINDS = {
    ord("+"): Kind.STATUS,
    ord("-"): Kind.ERROR,
    ord(","): Kind.DOUBLE,
    ord("("): Kind.BIG_NUMBER,
}
_BLOB_KINDS = {ord("$"): Kind.BULK, ord("="): Kind.VERBATIM, ord("!"): Kind.BULK_ERROR}
_AGGREGATE_KINDS = {ord("*"): Kind.ARRAY, ord("~"): Kind.SET, ord(">"): Kind.PUSH, ord("%"): Kind.MAP}


def encode_argument(argument: Argument) -> bytes:
    if isinstance(argument, (bytes, bytearray)):
        return bytes(argument)
    return str(argument).encode()


def encode_command(arguments: Iterable[Argument]) -> bytes:
    """The multibulk form of one command."""
    encoded = [encode_argument(argument) for argument in arguments]
    parts = [b"*%d\r\n" % len(encoded)]
    for argument in encoded:
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)


def parse_reply(buffer: Union[bytes, bytearray], position: int = 0) -> tuple[Reply, int]:
    """The reply at `position` and the position after it. Raises Incomplete or ProtocolViolation."""
    end = buffer.find(b"\r\n", position)
    if end < 0:
        raise Incomplete
    kind_byte = buffer[position]
    line = bytes(buffer[position + 1 : end])
    position = end + 2
    kind = _TEXT_KINDS.get(kind_byte)
    if kind is not None:
        return Reply(kind, line), position
    if kind_byte == ord(":"):
        return Reply(Kind.INTEGER, _number(line)), position
    kind = _BLOB_KINDS.get(kind_byte)
    if kind is not None:
        return _parse_blob(kind, line, buffer, position)
    kind = _AGGREGATE_KINDS.get(kind_byte)
    if kind is not None:
        return _parse_aggregate(kind, line, buffer, position)
    if kind_byte == ord("_") and not line:
        return Reply(Kind.NULL, None), position
    if kind_byte == ord("#") and line in (b"t", b"f"):
        return Reply(Kind.BOOLEAN, line == b"t"), position
    if kind_byte == ord("|"):
        pairs, position = _parse_many(2 * _number(line), buffer, position)
        decorated, position = parse_reply(buffer, position)
        return Reply(Kind.ATTRIBUTE, (pairs, decorated)), position
    raise ProtocolViolation(f"no RESP reply starts like this: {(bytes([kind_byte]) + line)[:80]!r}")


def _number(line: bytes) -> int:
    digits = line[1:] if line[:1] == b"-" else line
    if not digits.isdigit():
        raise ProtocolViolation(f"not a number: {line[:80]!r}")
    return int(line)


def _parse_blob(kind: Kind, line: bytes, buffer: Union[bytes, bytearray], position: int) -> tuple[Reply, int]:
    length = _number(line)
    if length < 0:
        if kind is not Kind.BULK or length != -1:
            raise ProtocolViolation(f"negative length of a {kind.value}: {length}")
        return Reply(Kind.NULL_BULK, None), position
    end = position + length
    if len(buffer) < end + 2:
        raise Incomplete
    if buffer[end : end + 2] != b"\r\n":
        raise ProtocolViolation(f"a {kind.value} of {length} bytes is not closed by CRLF")
    return Reply(kind, bytes(buffer[position:end])), end + 2


def _parse_aggregate(kind: Kind, line: bytes, buffer: Union[bytes, bytearray], position: int) -> tuple[Reply, int]:
    count = _number(line)
    if count < 0:
        if kind is not Kind.ARRAY or count != -1:
            raise ProtocolViolation(f"negative length of a {kind.value}: {count}")
        return Reply(Kind.NULL_ARRAY, None), position
    elements, position = _parse_many(2 * count if kind is Kind.MAP else count, buffer, position)
    return Reply(kind, elements), position


def _parse_many(count: int, buffer: Union[bytes, bytearray], position: int) -> tuple[tuple[Reply, ...], int]:
    elements = []
    for _ in range(count):
        element, position = parse_reply(buffer, position)
        elements.append(element)
    return tuple(elements), position


def parse_all(buffer: bytes) -> list[Reply]:
    """Every reply of a buffer that holds nothing but whole replies."""
    replies = []
    position = 0
    while position < len(buffer):
        reply, position = parse_reply(buffer, position)
        replies.append(reply)
    return replies


_ESCAPES = {ord("\n"): "\\n", ord("\r"): "\\r", ord("\t"): "\\t", ord('"'): '\\"', ord("\\"): "\\\\"}


def quote(text: bytes) -> str:
    """A double-quoted form that the inline protocol and the dialogue files read back to the same bytes."""
    body = "".join(_ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in text)
    return f'"{body}"'


def format_reply(reply: Reply) -> str:
    """One line that shows kind and value without loss, e.g. `:1`, `+OK`, `"bulk"`, `nil`, `[:1 "a"]`, `{"k": ,1.5}`."""
    kind, value = reply
    if kind is Kind.STATUS:
        return "+" + _one_line(value)
    if kind is Kind.ERROR:
        return "-" + _one_line(value)
    if kind is Kind.INTEGER:
        return f":{value}"
    if kind is Kind.BULK:
        return quote(value)
    if kind is Kind.DOUBLE:
        return "," + _one_line(value)
    if kind is Kind.BIG_NUMBER:
        return "(" + _one_line(value)
    if kind is Kind.BOOLEAN:
        return "#t" if value else "#f"
    if kind is Kind.NULL_BULK:
        return "nil"
    if kind is Kind.NULL_ARRAY:
        return "nil-array"
    if kind is Kind.NULL:
        return "_"
    if kind is Kind.VERBATIM:
        return "=" + quote(value)
    if kind is Kind.BULK_ERROR:
        return "!" + quote(value)
    if kind is Kind.ATTRIBUTE:
        pairs, decorated = value
        return "|" + _pairs(pairs) + " " + format_reply(decorated)
    if kind is Kind.MAP:
        return _pairs(value)
    brackets = {Kind.ARRAY: "[]", Kind.SET: "~[]", Kind.PUSH: ">[]"}[kind]
    return brackets[:-1] + " ".join(format_reply(element) for element in value) + brackets[-1]


def _one_line(text: bytes) -> str:
    return quote(text)[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def _pairs(flat: tuple) -> str:
    pairs = zip(flat[::2], flat[1::2])
    return "{" + " ".join(f"{format_reply(key)}: {format_reply(value)}" for key, value in pairs) + "}"
