"""DUMP payloads of lists: made by hand, and taken apart into elements.

RDB type 18: LEN nodes, then for each LEN 1 and the element itself (plain), or LEN 2 and a listpack. Types 1, 10 and 14 are
older: elements, one ziplist, several ziplists.
"""

from typing import Iterator, Sequence

from harness.payload import FOOTER_BYTES, length, seal

_PLAIN, _PACKED = 1, 2


def _string(value: bytes) -> bytes:
    return length(len(value)) + value


def _entry(element: bytes | int) -> bytes:
    """An integer, or a text of up to 4095 bytes, as an entry of a listpack. Digits stay a text."""
    if isinstance(element, int):
        head, text = (bytes([element]), b"") if 0 <= element < 128 else (b"\xf4" + element.to_bytes(8, "little", signed=True), b"")
    else:
        head, text = _text_head(element), element
    size = len(head) + len(text)
    backlen = bytes([size]) if size < 128 else bytes([size >> 7, 0x80 | size & 127])
    return head + text + backlen


def _text_head(text: bytes) -> bytes:
    return bytes([0x80 | len(text)]) if len(text) < 64 else bytes([0xE0 | len(text) >> 8, len(text) & 0xFF])


def listpack(texts: Sequence[bytes | int]) -> bytes:
    entries = b"".join(map(_entry, texts))
    return (7 + len(entries)).to_bytes(4, "little") + len(texts).to_bytes(2, "little") + entries + b"\xff"


def ziplist(texts: Sequence[bytes]) -> bytes:
    """Of texts up to 63 bytes."""
    entries, previous, last = b"", 0, 10
    for text in texts:
        last = 10 + len(entries)
        entry = bytes([previous, len(text)]) + text
        entries += entry
        previous = len(entry)
    total = 11 + len(entries)
    return b"".join(number.to_bytes(size, "little") for number, size in ((total, 4), (last, 4), (len(texts), 2))) + entries + b"\xff"


def list_payload(nodes: Sequence[Sequence[bytes] | bytes]) -> bytes:
    """Type 18. A node that is bytes is a plain one."""
    body = b"\x12" + length(len(nodes))
    for node in nodes:
        plain = isinstance(node, bytes)
        body += bytes([_PLAIN if plain else _PACKED]) + _string(node if plain else listpack(node))
    return seal(body)


def old_list_payload(texts: Sequence[bytes]) -> bytes:
    """Type 1."""
    return seal(b"\x01" + length(len(texts)) + b"".join(map(_string, texts)))


def ziplist_payload(texts: Sequence[bytes]) -> bytes:
    """Type 10."""
    return seal(b"\x0a" + _string(ziplist(texts)))


def ziplists_payload(nodes: Sequence[Sequence[bytes]]) -> bytes:
    """Type 14."""
    return seal(b"\x0e" + length(len(nodes)) + b"".join(_string(ziplist(node)) for node in nodes))


# ---- taking apart; the bytes are trusted ----


def is_list_payload(payload: bytes) -> bool:
    """Whether this is a payload of type 18, which is what servers write."""
    return len(payload) > FOOTER_BYTES and payload[0] == 0x12


def list_elements(payload: bytes) -> list[bytes]:
    reader = PayloadReader(payload[1:-FOOTER_BYTES])
    elements: list[bytes] = []
    for _ in range(reader.length()):
        kind, content = reader.length(), reader.string()
        elements += [content] if kind == _PLAIN else listpack_elements(content)
    return elements


class PayloadReader:
    """Lengths and strings one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        self._at += size
        return self._data[self._at - size : self._at]

    def length(self) -> int:
        first = self.take(1)[0]
        if first < 0x40:
            return first
        if first < 0x80:
            return (first & 0x3F) << 8 | self.take(1)[0]
        return int.from_bytes(self.take(4 if first == 0x80 else 8), "big")

    def string(self) -> bytes:
        first = self._data[self._at]
        if first < 0xC0:
            return self.take(self.length())
        self._at += 1
        if first == 0xC3:
            packed, size = self.length(), self.length()
            return _unpacked(self.take(packed), size)
        number = self.take(1 << first - 0xC0)
        return b"%d" % int.from_bytes(number, "little", signed=True)


def _unpacked(packed: bytes, size: int) -> bytes:
    """LZF."""
    out, at = bytearray(), 0
    while at < len(packed):
        control = packed[at]
        at += 1
        if control < 32:
            out += packed[at : at + control + 1]
            at += control + 1
            continue
        count = control >> 5
        if count == 7:
            count += packed[at]
            at += 1
        start = len(out) - ((control & 31) << 8 | packed[at]) - 1
        at += 1
        for offset in range(count + 2):
            out.append(out[start + offset])
    assert len(out) == size
    return bytes(out)


def listpack_elements(packed: bytes) -> Iterator[bytes]:
    """Integers as their texts."""
    at = 6
    while (head := packed[at]) != 0xFF:
        if head < 0x80:
            header, size, element = 1, 0, b"%d" % head
        elif head < 0xC0:
            header, size, element = 1, head & 0x3F, None
        elif head < 0xE0:
            number = (head & 0x1F) << 8 | packed[at + 1]
            header, size, element = 2, 0, b"%d" % (number - 8192 if number >= 4096 else number)
        elif head < 0xF0:
            header, size, element = 2, (head & 0x0F) << 8 | packed[at + 1], None
        elif head == 0xF0:
            header, size, element = 5, int.from_bytes(packed[at + 1 : at + 5], "little"), None
        else:
            width = {0xF1: 2, 0xF2: 3, 0xF3: 4, 0xF4: 8}[head]
            number = int.from_bytes(packed[at + 1 : at + 1 + width], "little", signed=True)
            header, size, element = 1 + width, 0, b"%d" % number
        yield packed[at + header : at + header + size] if element is None else element
        total = header + size
        at += total + (1 if total < 128 else 2 if total < 16384 else 3 if total < 2097152 else 4 if total < 268435456 else 5)
