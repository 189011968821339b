"""DUMP payloads made and checked by hand, so that a test can restore what no server has dumped.

Layout: type byte, value, version as 2 bytes little endian, CRC64 (Jones, reflected) of all before it.
"""

DUMP_VERSION = 10
FOOTER_BYTES = 10
_POLYNOMIAL = 0x95AC9329AC4BC9B5


def _make_table() -> list[int]:
    table = []
    for index in range(256):
        crc = index
        for _ in range(8):
            crc = (crc >> 1) ^ _POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return table


_TABLE = _make_table()


def crc64(data: bytes, crc: int = 0) -> int:
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc


def seal(body: bytes, version: int = DUMP_VERSION) -> bytes:
    """`body` is the type byte and the value; adds the footer."""
    covered = body + version.to_bytes(2, "little")
    return covered + crc64(covered).to_bytes(8, "little")


def length(value: int) -> bytes:
    """The length encoding: 6, 14, 32 or 64 bits."""
    if value < 1 << 6:
        return bytes([value])
    if value < 1 << 14:
        return bytes([0x40 | value >> 8, value & 0xFF])
    if value < 1 << 32:
        return b"\x80" + value.to_bytes(4, "big")
    return b"\x81" + value.to_bytes(8, "big")


def string_payload(value: bytes, version: int = DUMP_VERSION) -> bytes:
    """A string stored as plain bytes, never as an integer and never compressed."""
    return seal(b"\x00" + length(len(value)) + value, version)


def integer_payload(value: int) -> bytes:
    """A string stored in one of the three integer forms; `value` fits in 32 bits signed."""
    for code, size in ((0xC0, 1), (0xC1, 2), (0xC2, 4)):
        if -(1 << 8 * size - 1) <= value < 1 << 8 * size - 1:
            return seal(b"\x00" + bytes([code]) + value.to_bytes(size, "little", signed=True))
    raise ValueError(value)
