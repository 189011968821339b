"""DUMP payloads of streams: made by hand, and taken apart.

RDB types 15, 19 and 21: LEN nodes, then for each a key (the id that the ids inside count from, 16 bytes) and a listpack;
LEN live entries; ids and counters; groups with their pending lists and consumers.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Sequence

from harness.list_payload import PayloadReader, listpack, listpack_elements
from harness.payload import FOOTER_BYTES, length, seal

_DELETED, _SAME_FIELDS = 1, 2
_UNKNOWN = (1 << 64) - 1

Id = tuple[int, int]


class Entry(NamedTuple):
    """`texts`: field, value, field, value ..."""

    id: Id
    texts: tuple[bytes, ...]
    deleted: bool = False


@dataclass
class Group:
    """`pending` is (id, delivered at in ms, deliveries, name of the consumer); `consumers` those that have nothing, too."""

    name: bytes
    last_id: Id = (0, 0)
    entries_read: int = _UNKNOWN
    pending: Sequence[tuple[Id, int, int, bytes]] = ()
    consumers: Sequence[bytes] = ()


@dataclass
class Stream:
    """What a payload holds. `nodes` are not empty."""

    nodes: Sequence[Sequence[Entry]]
    last_id: Id
    max_deleted_id: Id = (0, 0)
    entries_added: int = 0
    groups: Sequence[Group] = field(default_factory=tuple)

    def entries(self) -> list[Entry]:
        return [entry for node in self.nodes for entry in node if not entry.deleted]


def _string(value: bytes) -> bytes:
    return length(len(value)) + value


def _id(id_: Id) -> bytes:
    return length(id_[0]) + length(id_[1])


def _raw_id(id_: Id) -> bytes:
    return id_[0].to_bytes(8, "big") + id_[1].to_bytes(8, "big")


def _node(entries: Sequence[Entry]) -> bytes:
    """The names in front are those of the first entry."""
    key, names = entries[0].id, entries[0].texts[::2]
    deleted = sum(entry.deleted for entry in entries)
    elements: list[bytes | int] = [len(entries) - deleted, deleted, len(names), *names, 0]
    for entry in entries:
        same = entry.texts[::2] == names
        flags = (_DELETED if entry.deleted else 0) | (_SAME_FIELDS if same else 0)
        body = [flags, entry.id[0] - key[0], entry.id[1] - key[1]]
        body += entry.texts[1::2] if same else [len(entry.texts) // 2, *entry.texts]
        elements += [*body, len(body)]
    return _string(_raw_id(key)) + _string(listpack(elements))


def _group(group: Group, version: int) -> bytes:
    out = _string(group.name) + _id(group.last_id)
    if version > 1:
        out += length(group.entries_read)
    out += length(len(group.pending))
    for id_, delivered_ms, deliveries, _ in group.pending:
        out += _raw_id(id_) + delivered_ms.to_bytes(8, "little") + length(deliveries)
    names = sorted({*group.consumers, *(pending[3] for pending in group.pending)})
    out += length(len(names))
    for name in names:
        owned = [id_ for id_, _, _, owner in group.pending if owner == name]
        out += _string(name) + (1).to_bytes(8, "little") * (2 if version > 2 else 1)
        out += length(len(owned)) + b"".join(map(_raw_id, owned))
    return out


def stream_payload(stream: Stream, version: int = 2) -> bytes:
    """Of type 15, 19 or 21 for version 1, 2 or 3."""
    live = stream.entries()
    out = bytes([{1: 15, 2: 19, 3: 21}[version]]) + length(len(stream.nodes)) + b"".join(map(_node, stream.nodes))
    out += length(len(live)) + _id(stream.last_id)
    if version > 1:
        out += _id(live[0].id if live else (0, 0)) + _id(stream.max_deleted_id) + length(stream.entries_added)
    out += length(len(stream.groups)) + b"".join(_group(group, version) for group in stream.groups)
    return seal(out, 11 if version > 2 else 10)


# ---- taking apart; the bytes are trusted ----


def is_stream_payload(payload: bytes) -> bool:
    """Whether this is a payload of type 19, which is what servers write."""
    return len(payload) > FOOTER_BYTES and payload[0] == 19


def _read_raw_id(reader: PayloadReader) -> Id:
    return int.from_bytes(reader.take(8), "big"), int.from_bytes(reader.take(8), "big")


def _read_id(reader: PayloadReader) -> Id:
    return reader.length(), reader.length()


def _read_node(reader: PayloadReader) -> list[Entry]:
    key = _read_raw_id(PayloadReader(reader.string()))
    elements = listpack_elements(reader.string())
    count, deleted, names_count = (int(next(elements)) for _ in range(3))
    names = [next(elements) for _ in range(names_count)]
    next(elements)
    entries = []
    for _ in range(count + deleted):
        flags, ms, seq = (int(next(elements)) for _ in range(3))
        if flags & _SAME_FIELDS:
            texts = [text for name in names for text in (name, next(elements))]
        else:
            texts = [next(elements) for _ in range(2 * int(next(elements)))]
        next(elements)
        id_ = (key[0] + ms) % (1 << 64), (key[1] + seq) % (1 << 64)
        entries.append(Entry(id_, tuple(texts), bool(flags & _DELETED)))
    return entries


def _read_group(reader: PayloadReader) -> Group:
    name, last_id, entries_read = reader.string(), _read_id(reader), reader.length()
    details = {}
    for _ in range(reader.length()):
        id_ = _read_raw_id(reader)
        details[id_] = int.from_bytes(reader.take(8), "little", signed=True), reader.length()
    owners, consumers = {}, []
    for _ in range(reader.length()):
        consumers.append(reader.string())
        reader.take(8)
        owners.update({_read_raw_id(reader): consumers[-1] for _ in range(reader.length())})
    pending = [(id_, *detail, owners[id_]) for id_, detail in details.items()]
    return Group(name, last_id, entries_read, pending, consumers)


def read_stream(payload: bytes) -> Stream:
    """Of type 19."""
    reader = PayloadReader(payload[1:-FOOTER_BYTES])
    nodes = [_read_node(reader) for _ in range(reader.length())]
    reader.length()
    last_id, _, max_deleted_id, added = _read_id(reader), _read_id(reader), _read_id(reader), reader.length()
    return Stream(nodes, last_id, max_deleted_id, added, [_read_group(reader) for _ in range(reader.length())])
