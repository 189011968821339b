"""The stream family. Ids ascend with every XADD, so most are taken; what is asked for lies mostly among the last ones."""

from compat.grammar.rule import Compared, Rule
from compat.grammar.source import INTEGERS, WRONG_NUMBERS, Source
from harness.payload import seal
from harness.stream_payload import Entry, Group, Stream, stream_payload

_STREAM_KEYS = tuple(b"st%d" % number for number in range(5))
_GROUPS = (b"g0", b"g1", b"g2", b"g2", b"g1", b"g0", b"", b"\x00\xffg")
_CONSUMERS = (b"alice", b"bob", b"carol", b"c0", b"c1", b"", b"\xff\x00", b"d" * 100)
_FIELDS = (b"f", b"g", b"temperature", b"", b"5", b"\x00\xff", b"h" * 70)
_IDS_BY_MS = 3
_RECENT = 40
_ODD_IDS = (
    b"0", b"0-0", b"0-1", b"18446744073709551615-18446744073709551615", b"18446744073709551615-18446744073709551614",
    b"18446744073709551615", b"9223372036854775808-1", b"1-18446744073709551615",
)  # fmt: skip
_WRONG_IDS = (
    b"abc", b"", b"-", b"+", b"$", b">", b"1-", b"-1", b"1-1-1", b"1-abc", b" 1-1", b"1-1 ", b"18446744073709551616",
    b"1-18446744073709551616", b"-1-1", b"1--1", b"1-*-", b"*-1", b"*-*", b"01-01", b"+1-1", b"(1-1", b"1" * 130,
)  # fmt: skip
# Idle times are either some seconds or longer than Unix time: which of the two does not depend on the clock.
_IDLE_MINS = (b"0", b"0", b"0", b"-1", b"900000000000", b"9223372036854775807", b"abc")
_IDLES = (b"0", b"500000000000", b"-1", b"-9223372036854775808", b"9223372036854775807", b"abc")
_TIMES = (b"0", b"1", b"1000000", b"-1", b"9223372036854775807", b"1.5")
_COUNTS = (b"0", b"1", b"2", b"5", b"100", b"-1", b"1000000", b"abc", b"9223372036854775807", b"")


def _key(source: Source) -> bytes:
    return source.pick(_STREAM_KEYS) if source.random() < 0.85 else source.key()


def _id_of(number: int) -> bytes:
    return b"%d-%d" % (number // _IDS_BY_MS, number % _IDS_BY_MS)


def _new_id(source: Source) -> bytes:
    dice = source.random()
    if dice < 0.85:
        return _id_of(source.ascend(3))
    if dice < 0.95:
        return b"%d-*" % (source.ascend(2) // _IDS_BY_MS)
    if dice < 0.97:
        return b"%d" % (source.ascend(3) // _IDS_BY_MS)
    # The last ids of all end a stream for good, so they are rare.
    return source.pick(_WRONG_IDS + _ODD_IDS[:3]) if dice < 0.999 else source.pick(_ODD_IDS)


def _id(source: Source) -> bytes:
    dice = source.random()
    if dice < 0.85:
        return _id_of(max(0, source.ascend(1) + 2 - source.below(_RECENT)))
    if dice < 0.9:
        return b"%d" % max(0, source.ascend(1) // _IDS_BY_MS - source.below(_RECENT))
    return source.pick(_ODD_IDS if dice < 0.97 else _WRONG_IDS)


def _ids(source: Source, most: int = 8) -> list[bytes]:
    return [_id(source) for _ in range(1 + source.below(most))]


def _bound(source: Source) -> bytes:
    dice = source.random()
    if dice < 0.4:
        return source.pick((b"-", b"+"))
    return (b"(" if dice < 0.6 else b"") + _id(source)


def _ends(source: Source) -> list[bytes]:
    """Of a range, mostly not an empty one."""
    return [b"-", b"+"] if source.chance(0.3) else [_bound(source), _bound(source)]


def _count(source: Source) -> list[bytes]:
    return [b"COUNT", source.pick(_COUNTS)]


def _group(source: Source) -> bytes:
    return source.pick(_GROUPS)


def _consumer(source: Source) -> bytes:
    return source.pick(_CONSUMERS)


def _pairs(source: Source) -> list[bytes]:
    if source.chance(0.6):
        return [b"f", source.value(), b"g", source.value()]
    if source.chance(0.1):
        return [b"f", b"v" * (300 + source.below(900))]
    return [word for _ in range(1 + source.below(4)) for word in (source.pick(_FIELDS), source.value())]


def _trim(source: Source) -> list[bytes]:
    if source.chance(0.6):
        threshold = b"%d" % source.below(60) if source.chance(0.9) else source.pick(INTEGERS + WRONG_NUMBERS)
        words = [b"MAXLEN", threshold]
    else:
        words = [b"MINID", _id(source)]
    if source.chance(0.5):
        words.insert(1, source.pick((b"=", b"~", b"~")))
    limit = [b"LIMIT", source.pick((b"0", b"1", b"10", b"100", b"-1", b"abc"))]
    return words + source.some(limit, probability=0.3 if b"~" in words else 0.05)


def _xadd(source: Source) -> list[bytes]:
    options = []
    if source.chance(0.25):
        options = source.some([b"NOMKSTREAM"], _trim(source), _trim(source) if source.chance(0.05) else [], probability=0.6)
    return [_key(source)] + options + [_new_id(source)] + _pairs(source)


def _xrange(source: Source) -> list[bytes]:
    return [_key(source)] + _ends(source) + source.some(_count(source))


def _xrevrange(source: Source) -> list[bytes]:
    return [_key(source)] + _ends(source)[::-1] + source.some(_count(source))


def _streams(source: Source, last: bytes) -> list[bytes]:
    keys = [_key(source) for _ in range(1 if source.chance(0.7) else 1 + source.below(3))]
    ids = [last if source.chance(0.7) else _id(source) for _ in keys]
    return [b"STREAMS"] + keys + (ids if source.chance(0.98) else ids[1:])


def _xread(source: Source) -> list[bytes]:
    return source.some(_count(source)) + _streams(source, source.pick((b"0", b"$", b"0-0", b">")))


def _xreadgroup(source: Source) -> list[bytes]:
    options = source.some([b"COUNT", b"%d" % (1 + source.below(5))], [b"NOACK"], probability=0.45)
    return [b"GROUP", _group(source), _consumer(source)] + options + _streams(source, b"$" if source.chance(0.02) else b">")


def _waiting_read(source: Source) -> list[bytes]:
    return [b"BLOCK", source.pick((b"1", b"2", b"-1", b"1.5", b"x"))] + _xread(source)


def _waiting_group_read(source: Source) -> list[bytes]:
    words = _xreadgroup(source)
    return words[:3] + [b"BLOCK", b"1"] + words[3:]


def _xsetid(source: Source) -> list[bytes]:
    added = [b"ENTRIESADDED", source.pick((b"100000", b"50", b"0", b"-1", b"9223372036854775807", b"x"))]
    deleted = [b"MAXDELETEDID", _id(source)]
    id_ = _id_of(source.ascend(2)) if source.chance(0.7) else _id(source)
    return [_key(source), id_] + source.some(added, deleted)


def _xgroup(source: Source) -> list[bytes]:
    key, group = _key(source), _group(source)
    read = [b"ENTRIESREAD", source.pick((b"0", b"3", b"100", b"-1", b"-2", b"9223372036854775807", b"x"))]
    id_ = source.pick((b"0", b"$", b"$", _id(source)))
    dice = source.random()
    if dice < 0.45:
        return [b"CREATE", key, group, id_] + source.some([b"MKSTREAM"], read)
    if dice < 0.6:
        return [b"SETID", key, group, id_] + source.some(read)
    if dice < 0.75:
        return [b"CREATECONSUMER", key, group, _consumer(source)]
    if dice < 0.88:
        return [b"DELCONSUMER", key, group, _consumer(source)]
    if dice < 0.98:
        return [b"DESTROY", key, group]
    return [source.pick((b"FOO", b"create", b"SETID", b"")), key, group]


def _xpending(source: Source) -> list[bytes]:
    arguments = [_key(source), _group(source)]
    if source.chance(0.3):
        return arguments
    idle = [b"IDLE", source.pick(_IDLE_MINS)] if source.chance(0.3) else []
    count = source.pick((b"1", b"2", b"10", b"1000", *_COUNTS))
    return arguments + idle + _ends(source) + [count] + source.some([_consumer(source)])


def _xclaim(source: Source) -> list[bytes]:
    options = source.some(
        [b"IDLE", source.pick(_IDLES)],
        [b"TIME", source.pick(_TIMES)],
        [b"RETRYCOUNT", source.pick((b"0", b"1", b"7", b"-1", b"9223372036854775807", b"x"))],
        [b"FORCE"],
        [b"JUSTID"],
        [b"LASTID", _id(source)],
        probability=0.25,
    )
    return [_key(source), _group(source), _consumer(source), source.pick(_IDLE_MINS)] + _ids(source) + options


def _xautoclaim(source: Source) -> list[bytes]:
    start = b"-" if source.chance(0.4) else _bound(source)
    options = source.some([b"COUNT", source.pick((b"1", b"2", b"3", *_COUNTS))], [b"JUSTID"])
    return [_key(source), _group(source), _consumer(source), source.pick(_IDLE_MINS), start] + options


def _xinfo(source: Source) -> list[bytes]:
    key, dice = _key(source), source.random()
    if dice < 0.35:
        return [b"STREAM", key]
    if dice < 0.6:
        return [b"STREAM", key, b"FULL"] + source.some(_count(source))
    if dice < 0.8:
        return [b"GROUPS", key]
    if dice < 0.97:
        return [b"CONSUMERS", key, _group(source)]
    return [source.pick((b"FOO", b"STREAM", b"GROUPS", b"")), key, b"x"]


def _make_payloads() -> tuple[bytes, ...]:
    def entry(number: int, *texts: bytes, deleted: bool = False) -> Entry:
        return Entry((number // 10, number % 10), texts or (b"f", b"%d" % number, b"g", b"text"), deleted)

    one = Stream([[entry(1)]], last_id=(0, 1), entries_added=1)
    holes = [entry(n, deleted=n % 4 == 1) for n in range(1, 60)] + [entry(60, b"other", b"")]
    nodes = Stream([holes, [entry(n) for n in range(61, 90)]], (12, 5), max_deleted_id=(5, 7), entries_added=100)
    empty = Stream([], (7, 7), max_deleted_id=(7, 7), entries_added=9)
    pending = [((n // 10, n % 10), 1_000_000 + n, n % 3, b"bob" if n % 2 else b"alice") for n in range(3, 50, 5)]
    group = Group(b"g0", (4, 9), 40, pending, [b"carol"])
    groups = Stream(nodes.nodes, nodes.last_id, nodes.max_deleted_id, nodes.entries_added, [group, Group(b"g1", (1, 0))])
    good = [stream_payload(stream, version) for stream in (one, nodes, groups) for version in (1, 2)] + [stream_payload(empty)]
    bad = [
        seal(b"\x13\x01\x03abc\x01a" + b"\x00" * 8),
        seal(b"\x13\x00\x01" + b"\x00" * 8),
        seal(b"\x13\x01"),
    ]
    return tuple(good + bad)


_PAYLOADS = _make_payloads()

RULES = [
    Rule(b"XADD", 40, _xadd),
    Rule(b"XLEN", 2, lambda s: [_key(s)]),
    Rule(b"XDEL", 5, lambda s: [_key(s)] + _ids(s)),
    Rule(b"XTRIM", 3, lambda s: [_key(s)] + (_trim(s) if s.chance(0.97) else [b"LIMIT", s.pick((b"0", b"1"))])),
    Rule(b"XSETID", 1, _xsetid),
    Rule(b"XRANGE", 5, _xrange),
    Rule(b"XREVRANGE", 5, _xrevrange),
    Rule(b"XREAD", 4, _xread),
    Rule(b"XGROUP", 8, _xgroup),
    Rule(b"XREADGROUP", 12, _xreadgroup),
    Rule(b"XREAD", 1, _waiting_read, mutable=False, waits=True),
    Rule(b"XREADGROUP", 2, _waiting_group_read, mutable=False, waits=True),
    Rule(b"XACK", 4, lambda s: [_key(s), _group(s)] + _ids(s)),
    Rule(b"XPENDING", 5, _xpending, Compared.TIMES),
    Rule(b"XCLAIM", 6, _xclaim, mutable=False),
    Rule(b"XAUTOCLAIM", 4, _xautoclaim, mutable=False),
    Rule(b"XINFO", 5, _xinfo, Compared.TIMES),
    Rule(b"DEL", 0.5, lambda s: [s.pick(_STREAM_KEYS)], mutable=False),
    Rule(b"COPY", 0.5, lambda s: [s.pick(_STREAM_KEYS), s.pick(_STREAM_KEYS), b"REPLACE"], mutable=False),
    Rule(b"RENAME", 0.5, lambda s: [s.pick(_STREAM_KEYS), s.pick(_STREAM_KEYS)], mutable=False),
    Rule(b"DUMP", 1, lambda s: [s.pick(_STREAM_KEYS)], Compared.PAYLOAD, mutable=False),
    Rule(b"RESTORE", 0.7, lambda s: [s.pick(_STREAM_KEYS), b"0", s.pick(_PAYLOADS), b"REPLACE"], mutable=False),
]
