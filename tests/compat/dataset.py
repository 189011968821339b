"""Compares everything two servers hold: digest, keys, values, encodings, expiry times."""

from dataclasses import dataclass

from compat.differences import without_wanted_differences
from compat.pair import DATABASES
from compat.stream_replies import without_times
from harness import Client, Kind, Reply, format_reply

# Two servers execute the same relative expiry at slightly different moments.
EXPIRY_TOLERANCE_MS = 5000


@dataclass(frozen=True)
class KeyState:
    """What is compared of one key. `value` is the reply of the type's reader, see _reader."""

    type: bytes
    encoding: Reply
    expires_at_ms: int
    value: str


def _reader(key: bytes, type_name: bytes) -> tuple:
    """The command that shows a value without what may differ: iteration order, the text of scores (D01), times."""
    if type_name == b"string":
        return ("DUMP", key)
    if type_name == b"zset":
        return ("ZRANGE", key, 0, -1, "WITHSCORES")
    if type_name == b"stream":
        return ("XINFO", "STREAM", key, "FULL", "COUNT", 0)
    return ("DEBUG", "DIGEST-VALUE", key)


def _score_blind(reply: Reply) -> str:
    members = reply.value[::2]
    scores = [repr(float(score.value)) for score in reply.value[1::2]]
    return " ".join(f"{format_reply(member)}={score}" for member, score in zip(members, scores))


def _value_text(type_name: bytes, reply: Reply) -> str:
    if type_name == b"zset":
        return _score_blind(reply)
    return format_reply(without_times(reply) if type_name == b"stream" else reply)


def _scan(client: Client) -> set[bytes]:
    """All keys of the selected database. Unlike KEYS this deletes the expired ones, which DEBUG DIGEST still counts."""
    keys: set[bytes] = set()
    cursor = b"0"
    while True:
        cursor_reply, elements = client.must("SCAN", cursor, "COUNT", 1000).value
        keys.update(element.value for element in elements.value)
        cursor = cursor_reply.value
        if cursor == b"0":
            return keys


def read_dataset(client: Client) -> dict[tuple[int, bytes], KeyState]:
    """All keys of all databases; leaves the connection in database 0."""
    states: dict[tuple[int, bytes], KeyState] = {}
    for database in range(DATABASES):
        client.must("SELECT", database)
        keys = sorted(_scan(client))
        types = client.pipeline([("TYPE", key) for key in keys])
        values = client.pipeline([_reader(key, type_.value) for key, type_ in zip(keys, types)])
        encodings = client.pipeline([("OBJECT", "ENCODING", key) for key in keys])
        expiries = client.pipeline([("PEXPIRETIME", key) for key in keys])
        for key, type_, value, encoding, expiry in zip(keys, types, values, encodings, expiries):
            text = _value_text(type_.value, value)
            states[database, key] = KeyState(type_.value, encoding, int(expiry.value), text)
    client.must("SELECT", 0)
    return states


def compare_states(expected: dict[tuple[int, bytes], KeyState], found: dict[tuple[int, bytes], KeyState]) -> list[str]:
    """One line for each difference of what `read_dataset` has read; `expected` is of the reference."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        lines += _compare_key(name, expected.get(name), found.get(name))
    return lines


def compare_datasets(reference: Client, candidate: Client) -> list[str]:
    """One line for each difference; the connections must be in RESP2 and outside MULTI."""
    lines = compare_states(read_dataset(reference), read_dataset(candidate))
    digests = [client.command("DEBUG", "DIGEST") for client in (reference, candidate)]
    if digests[0] != digests[1]:
        lines.append(f"DEBUG DIGEST: {format_reply(digests[0])} against {format_reply(digests[1])}")
    if digests[1].kind is not Kind.STATUS:
        lines.append(f"DEBUG DIGEST of the candidate: {format_reply(digests[1])}")
    return lines


def _compare_key(name: tuple[int, bytes], expected: KeyState | None, found: KeyState | None) -> list[str]:
    label = f"db {name[0]} key {name[1]!r}"
    if expected is None or found is None:
        return [f"{label}: only in the {'candidate' if expected is None else 'reference'}"]
    if expected.type != found.type:
        return [f"{label}: type {expected.type!r} against {found.type!r}"]
    lines = []
    encodings = expected.encoding, found.encoding
    # A hash must be a hash table when it is one there; the difference is one of sets.
    if expected.type != b"hash":
        encodings = without_wanted_differences("OBJECT ENCODING key", *encodings)
    if encodings[0] != encodings[1]:
        lines.append(f"{label}: OBJECT ENCODING {' against '.join(map(format_reply, encodings))}")
    if expected.value != found.value:
        lines.append(f"{label}: value {expected.value[:200]} against {found.value[:200]}")
    has_expiry = expected.expires_at_ms >= 0, found.expires_at_ms >= 0
    if has_expiry[0] != has_expiry[1] or abs(expected.expires_at_ms - found.expires_at_ms) > EXPIRY_TOLERANCE_MS:
        lines.append(f"{label}: PEXPIRETIME {expected.expires_at_ms} against {found.expires_at_ms}")
    return lines
