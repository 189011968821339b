"""DUMP payloads of sorted sets: made by hand, and taken apart.

RDB type 17: a listpack of member, score, member, score ...; 12 the same as a ziplist; 5 and 3: LEN pairs, then for each the
member and the score, which is a binary64 or a text with its length in one byte.
"""

import struct
from typing import Sequence

from harness.list_payload import PayloadReader, listpack, listpack_elements, ziplist
from harness.payload import FOOTER_BYTES, length, seal

Pairs = Sequence[tuple[bytes, bytes]]


def _string(value: bytes) -> bytes:
    return length(len(value)) + value


def packed_payload(pairs: Pairs) -> bytes:
    """Type 17, in the order given."""
    return seal(b"\x11" + _string(listpack([text for pair in pairs for text in pair])))


def ziplist_payload(pairs: Pairs) -> bytes:
    """Type 12."""
    return seal(b"\x0c" + _string(ziplist([text for pair in pairs for text in pair])))


def binary_payload(pairs: Sequence[tuple[bytes, float]]) -> bytes:
    """Type 5."""
    return seal(b"\x05" + length(len(pairs)) + b"".join(_string(m) + struct.pack("<d", s) for m, s in pairs))


def text_payload(pairs: Pairs) -> bytes:
    """Type 3; scores of up to 252 bytes, `inf` and `-inf` in their one-byte form."""
    special = {b"nan": b"\xfd", b"inf": b"\xfe", b"-inf": b"\xff"}
    scores = [special.get(score, bytes([len(score)]) + score) for _, score in pairs]
    return seal(b"\x03" + length(len(pairs)) + b"".join(_string(m) + s for (m, _), s in zip(pairs, scores)))


def sorted_set_pairs(payload: bytes) -> list[tuple[bytes, float]] | None:
    """Members and scores, in order, of a payload of type 17 or 5, which are what servers write; None: it is none."""
    if len(payload) <= FOOTER_BYTES or payload[0] not in (0x11, 0x05):
        return None
    reader = PayloadReader(payload[1:-FOOTER_BYTES])
    if payload[0] == 0x11:
        elements = list(listpack_elements(reader.string()))
        return [(member, float(score)) for member, score in zip(elements[::2], elements[1::2])]
    pairs = [(reader.string(), struct.unpack("<d", reader.take(8))[0]) for _ in range(reader.length())]
    return pairs[::-1]
