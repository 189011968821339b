"""Lists."""

from compat.grammar.rule import Rule
from compat.grammar.source import WRONG_NUMBERS, Source
from harness.list_payload import list_payload, old_list_payload, ziplist_payload, ziplists_payload
from harness.payload import seal

# Few words, so that searches meet them.
_WORDS = (b"a", b"b", b"c", b"1", b"2", b"-1", b"", b"01", b"100", b"x" * 70, b"y" * 1100)


def _element(source: Source) -> bytes:
    return source.pick(_WORDS) if source.chance(0.6) else source.value()


def _elements(source: Source) -> list[bytes]:
    most = 200 if source.chance(0.02) else 5
    return [_element(source) for _ in range(1 + source.below(most))]


def _index(source: Source) -> bytes:
    if source.chance(0.9):
        return b"%d" % (source.below(24) - 12)
    return source.pick((b"0", b"9223372036854775807", b"-9223372036854775808", b"1000", b"-1000", *WRONG_NUMBERS))


def _count(source: Source) -> bytes:
    return b"%d" % source.below(8) if source.chance(0.85) else source.integer()


def _push(source: Source) -> list[bytes]:
    return [source.key()] + _elements(source)


def _pop(source: Source) -> list[bytes]:
    return [source.key()] + source.some([_count(source)], probability=0.4)


def _side(source: Source) -> bytes:
    return source.any_case(source.pick((b"LEFT", b"RIGHT"))) if source.chance(0.95) else source.pick((b"UP", b"", b"LEF"))


def _insert(source: Source) -> list[bytes]:
    where = source.pick((b"BEFORE", b"AFTER")) if source.chance(0.95) else b"NEAR"
    return [source.key(), source.any_case(where), _element(source), _element(source)]


def _pos(source: Source) -> list[bytes]:
    options = source.some([b"RANK", _index(source)], [b"COUNT", _count(source)], [b"MAXLEN", _count(source)], [b"FOO"], probability=0.3)
    return [source.key(), _element(source)] + options


def _mpop(source: Source) -> list[bytes]:
    keys = source.keys(3)
    number = b"%d" % len(keys) if source.chance(0.9) else source.integer()
    return [number, *keys, _side(source)] + source.some([b"COUNT", _count(source)], [b"FOO"], probability=0.3)


_PATTERNS = (b"*", b"k*", b"*->f", b"#", b"nosort", b"k1*", b"", b"k*->", b"nothing*", b"*\xff")


def _sort(source: Source, may_store: bool = True) -> list[bytes]:
    """Not ALPHA together with BY: Redis leaves the order of equal keys open. Not BY without a `*`, which does not sort: the
    order of a set is open too (lists have a dialogue)."""
    by = [b"BY", source.pick([pattern for pattern in _PATTERNS if b"*" in pattern])]
    # Not stored where numbers decide: by D21 only one of the servers would store anything.
    order = source.pick(([b"ALPHA"], [b"BY", b"nosort"])) if may_store and source.chance(0.3) else None
    if order is not None:
        limit = source.some([b"LIMIT", _index(source), _count(source)])
        return [source.key()] + limit + order + [b"GET", source.pick(_PATTERNS), b"STORE", source.key()]
    options = source.some(
        [b"LIMIT", _index(source), _count(source)],
        [b"GET", source.pick(_PATTERNS)],
        [b"GET", source.pick(_PATTERNS)],
        source.pick(([b"ALPHA"], by)),
        [source.pick((b"ASC", b"DESC"))],
        [b"FOO"] if source.chance(0.05) else [],
    )
    return [source.key()] + options


def _make_payloads() -> tuple[bytes, ...]:
    short, long = (b"a", b"1", b"", b"b"), tuple(b"element:%d" % number for number in range(120))
    good = [list_payload([short]), list_payload([short, b"plain" * 30, long]), list_payload([long] * 9), list_payload([[], short])]
    good += [old_list_payload(short), old_list_payload(long), ziplist_payload(short), ziplist_payload([b"x" * 60] * 3)]
    good += [ziplists_payload([short, [], long[:5]]), ziplists_payload([short])]
    bad = [list_payload([]), list_payload([[]]), list_payload([b""]), old_list_payload(()), ziplist_payload(()), seal(b"\x12\x01\x03\x01a")]
    bad += [seal(b"\x12\x01\x02\x07\x08\x00\x00\x00\x00\x00\xff"), seal(b"\x12\x02\x01\x01a"), seal(b"\x0a\x03abc"), seal(b"\x01\x05\x01a")]
    return tuple(good * 2 + bad)


_PAYLOADS = _make_payloads()

def _move(source: Source) -> list[bytes]:
    return [source.key(), source.key(), _side(source), _side(source), source.wait_seconds()]


RULES = [
    Rule(b"RPUSH", 10, _push),
    Rule(b"LPUSH", 8, _push),
    Rule(b"RPUSHX", 2, _push),
    Rule(b"LPUSHX", 2, _push),
    Rule(b"LPOP", 4, _pop),
    Rule(b"RPOP", 4, _pop),
    Rule(b"LLEN", 2, lambda s: [s.key()]),
    Rule(b"LINDEX", 3, lambda s: [s.key(), _index(s)]),
    Rule(b"LSET", 3, lambda s: [s.key(), _index(s), _element(s)]),
    Rule(b"LINSERT", 3, _insert),
    Rule(b"LRANGE", 5, lambda s: [s.key(), _index(s), _index(s)]),
    Rule(b"LTRIM", 1.5, lambda s: [s.key(), _index(s), _index(s)]),
    Rule(b"LREM", 3, lambda s: [s.key(), _index(s), _element(s)]),
    Rule(b"LPOS", 4, _pos),
    Rule(b"LMOVE", 4, lambda s: [s.key(), s.key(), _side(s), _side(s)]),
    Rule(b"RPOPLPUSH", 2, lambda s: [s.key(), s.key()]),
    Rule(b"LMPOP", 3, _mpop),
    Rule(b"BLPOP", 0.8, lambda s: s.keys() + [s.wait_seconds()], mutable=False, waits=True),
    Rule(b"BRPOP", 0.8, lambda s: s.keys() + [s.wait_seconds()], mutable=False, waits=True),
    Rule(b"BLMPOP", 0.8, lambda s: [s.wait_seconds()] + _mpop(s), mutable=False, waits=True),
    Rule(b"BLMOVE", 0.8, _move, mutable=False, waits=True),
    Rule(b"BRPOPLPUSH", 0.5, lambda s: [s.key(), s.key(), s.wait_seconds()], mutable=False, waits=True),
    Rule(b"SORT", 4, _sort, mutable=False),
    Rule(b"SORT_RO", 1, lambda s: _sort(s, may_store=False), mutable=False),
    Rule(b"RESTORE", 1.5, lambda s: [s.key(), b"0", s.pick(_PAYLOADS), b"REPLACE"], mutable=False),
]
