"""DUMP payloads of sets, made by hand. RDB type 2: LEN members, then each of them; type 11: an int set as one string."""

from typing import Sequence

from harness.payload import length, seal


def _string(value: bytes) -> bytes:
    return length(len(value)) + value


def set_payload(members: Sequence[bytes]) -> bytes:
    """Type 2; every member is written as text."""
    return seal(b"\x02" + length(len(members)) + b"".join(map(_string, members)))


def int_set_payload(numbers: Sequence[int]) -> bytes:
    """Type 11, in the order that is given; a sound one is ascending."""
    width = next(width for width in (2, 4, 8) if all(-(1 << 8 * width - 1) <= n < 1 << 8 * width - 1 for n in numbers))
    packed = width.to_bytes(4, "little") + len(numbers).to_bytes(4, "little")
    packed += b"".join(number.to_bytes(width, "little", signed=True) for number in numbers)
    return seal(b"\x0b" + _string(packed))
