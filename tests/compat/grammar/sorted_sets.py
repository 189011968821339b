"""The sorted set family."""

from compat.grammar.rule import Compared, Rule
from compat.grammar.source import INTEGERS, WRONG_NUMBERS, Source
from harness.sorted_set_payload import binary_payload, packed_payload, text_payload, ziplist_payload

_MEMBERS = tuple(b"m%d" % number for number in range(150)) + tuple(b"%d" % number for number in range(-5, 30))
_ODD_MEMBERS = (b"", b"a", b"n\x00\xff", b"9223372036854775807", b"-0", b"01", b"1.50", b"w" * 64, b"w" * 65, b"v" * 300)
# Without -0: a packed set does not keep its sign, and after SORT that of the reference is not packed (D26).
_SCORES = (
    b"0", b"1", b"2.5", b"-1.5", b"0.1", b"1e3", b"inf", b"-inf", b"+inf", b"1e17", b"1e300", b"0x10", b".5",
    b"3.0", b"123456789012345678", b"4611686018427387904", b"9.3e18", b"1e-7", b"-1e-300", b"0.30000000000000004",
)  # fmt: skip
_WRONG_SCORES = (b"abc", b"", b" 1", b"1 ", b"nan", b"1e5000", b"1e-5000", b"1\x00")
# Members between two texts: only where all scores are the same is the answer defined.
_LEX_KEYS = tuple(b"lex%d" % number for number in range(4))
_LEX_MEMBERS = tuple(bytes([first, second]) for first in b"abc" for second in b"abcdefghijklmnopqrstuvwxyz") + (b"", b"5")


def _member(source: Source) -> bytes:
    return source.pick(_MEMBERS if source.random() < 0.95 else _ODD_MEMBERS)


def _score(source: Source) -> bytes:
    dice = source.random()
    if dice < 0.5:
        return b"%d" % (source.below(40) - 10)
    if dice < 0.7:
        return b"%.*f" % (source.below(8), source.random() * 50)
    return source.pick(_SCORES if dice < 0.98 else _WRONG_SCORES)


def _bound(source: Source) -> bytes:
    if source.chance(0.2):
        return source.pick((b"-inf", b"+inf", b"(inf", b"(-inf", b"", b"(", b" 1", b"1 ", b"1e400", b"nan", b"((1", b"abc"))
    return source.pick((b"", b"(")) + _score(source)


def _index(source: Source) -> bytes:
    if source.chance(0.9):
        return b"%d" % (source.below(60) - 20)
    return source.pick(INTEGERS + WRONG_NUMBERS)


def _lex_bound(source: Source) -> bytes:
    if source.chance(0.25):
        return source.pick((b"-", b"+", b"-", b"+", b"(", b"[", b"", b"a", b"+a", b"-x", b"inf"))
    return source.pick((b"[", b"(")) + source.pick(_LEX_MEMBERS)


def _limit(source: Source) -> list[bytes]:
    count = source.pick((b"-1", b"0", b"1", b"5", b"100", _index(source)))
    return [b"LIMIT", source.pick((b"0", b"1", b"3", b"-1", _index(source))), count]


def _pairs(source: Source, most: int) -> list[bytes]:
    return [word for _ in range(1 + source.below(most)) for word in (_score(source), _member(source))]


def _zadd(source: Source) -> list[bytes]:
    options = []
    if source.chance(0.4):
        options = source.some([b"NX"], [b"XX"], [b"GT"], [b"LT"], [b"CH"], [b"INCR"], probability=0.3)
    most = 1 if b"INCR" in options and source.chance(0.8) else 80 if source.chance(0.1) else 5
    return [source.key()] + options + _pairs(source, most)


def _zrange_options(source: Source, by: list[bytes], reverse: list[bytes]) -> list[bytes]:
    return source.some(by, reverse, [b"WITHSCORES"], _limit(source) if by else [])


def _zrange(source: Source) -> list[bytes]:
    key = source.key()
    reverse = source.pick(([], [b"REV"]))
    dice = source.random()
    if dice < 0.4:
        return [key, _index(source), _index(source)] + source.some(reverse, [b"WITHSCORES"], probability=0.5)
    if dice < 0.9:
        options = source.some(reverse, [b"WITHSCORES"], _limit(source), probability=0.5)
        return [key, _bound(source), _bound(source), b"BYSCORE"] + options
    options = source.some([b"REV"], [b"BYSCORE"], [b"WITHSCORES"], _limit(source), probability=0.5)
    return [key, _index(source), _index(source)] + options


def _lex_range(source: Source) -> list[bytes]:
    options = [b"BYLEX"] + source.some([b"REV"], _limit(source), [b"WITHSCORES"], probability=0.3)
    return [source.pick(_LEX_KEYS), _lex_bound(source), _lex_bound(source)] + options


def _by_score(source: Source) -> list[bytes]:
    options = source.some([b"WITHSCORES"], _limit(source), probability=0.4)
    return [source.key(), _bound(source), _bound(source)] + options


def _by_lex(source: Source) -> list[bytes]:
    return [source.pick(_LEX_KEYS), _lex_bound(source), _lex_bound(source)] + source.some(_limit(source))


def _zmpop(source: Source) -> list[bytes]:
    keys = source.keys()
    number = b"%d" % len(keys) if source.chance(0.9) else source.integer()
    count = [b"COUNT", source.pick((b"1", b"2", b"10", b"0", b"-1", b"abc"))] if source.chance(0.6) else []
    return [number] + keys + [source.pick((b"MIN", b"MAX", b"MIN", b"MAX", b"FOO"))] + count


def _inputs(source: Source) -> list[bytes]:
    keys = source.keys()
    return [b"%d" % len(keys) if source.chance(0.95) else source.integer()] + keys


def _combined(source: Source, scores: bool) -> list[bytes]:
    arguments = _inputs(source)
    weights = [b"WEIGHTS"] + [_score(source) for _ in range(len(arguments) - 1)]
    aggregate = [b"AGGREGATE", source.pick((b"SUM", b"MIN", b"MAX", b"MIN", b"AVG"))]
    return arguments + source.some(weights, aggregate, [b"WITHSCORES"] if scores else [])


def _randmember_all(source: Source) -> list[bytes]:
    return [source.key(), b"100000"] + source.some([b"WITHSCORES"], probability=0.5)


def _randmember(source: Source) -> list[bytes]:
    count = source.pick((b"-3", b"-1", b"0", b"abc", b"-9223372036854775808", b"9223372036854775807"))
    return [source.key(), count] + source.some([b"WITHSCORES"], [b"FOO"], probability=0.3)


def _zscan(source: Source) -> list[bytes]:
    pattern = source.pick((b"*", b"m*", b"m1?", b"[0-9]*", b"", b"nothing"))
    return [source.key(), b"0", b"COUNT", b"100000"] + source.some([b"MATCH", pattern], probability=0.4)


_PAIRS = ((b"b", b"-inf"), (b"7", b"0"), (b"a", b"1.5"), (b"c", b"1.5"), (b"m1", b"17"), (b"x" * 40, b"inf"))
_PAYLOADS = tuple(make(_PAIRS[:count]) for make in (packed_payload, ziplist_payload, text_payload) for count in (1, 6)) + (
    binary_payload([(b"m%d" % number, number / 8) for number in range(200)]),
    binary_payload([(b"m2", -0.0), (b"m1", float("inf")), (b"w" * 65, 1e300)]),
    # a NaN, a member twice, nothing
    binary_payload([(b"a", float("nan"))]),
    text_payload([(b"a", b"nan")]),
    text_payload([(b"a", b"1"), (b"a", b"2")]),
    binary_payload([]),
)


def _restore(source: Source) -> list[bytes]:
    return [source.key(), b"0", source.pick(_PAYLOADS), b"REPLACE"]


RULES = [
    Rule(b"ZADD", 10, _zadd),
    Rule(b"ZADD", 2, lambda s: [s.pick(_LEX_KEYS)] + [w for _ in range(1 + s.below(9)) for w in (b"0", s.pick(_LEX_MEMBERS))], mutable=False),
    Rule(b"ZINCRBY", 4, lambda s: [s.key(), _score(s), _member(s)]),
    Rule(b"ZREM", 3, lambda s: [s.key()] + [_member(s) for _ in range(1 + s.below(4))]),
    Rule(b"ZREM", 0.5, lambda s: [s.pick(_LEX_KEYS), s.pick(_LEX_MEMBERS)], mutable=False),
    Rule(b"ZCARD", 1, lambda s: [s.key()]),
    Rule(b"ZCOUNT", 2, lambda s: [s.key(), _bound(s), _bound(s)]),
    Rule(b"ZSCORE", 2, lambda s: [s.key(), _member(s)]),
    Rule(b"ZMSCORE", 1, lambda s: [s.key()] + [_member(s) for _ in range(1 + s.below(4))]),
    Rule(b"ZRANK", 2, lambda s: [s.key(), _member(s)], mutable=False),
    Rule(b"ZREVRANK", 2, lambda s: [s.key(), _member(s)], mutable=False),
    Rule(b"ZRANGE", 5, _zrange),
    Rule(b"ZRANGE", 2, _lex_range, mutable=False),
    Rule(b"ZRANGESTORE", 2, lambda s: [s.key()] + _zrange(s)),
    Rule(b"ZRANGEBYSCORE", 2, _by_score),
    Rule(b"ZREVRANGEBYSCORE", 2, _by_score),
    Rule(b"ZRANGEBYLEX", 1, _by_lex, mutable=False),
    Rule(b"ZREVRANGEBYLEX", 1, _by_lex, mutable=False),
    Rule(b"ZREVRANGE", 2, lambda s: [s.key(), _index(s), _index(s)] + s.some([b"WITHSCORES"])),
    Rule(b"ZLEXCOUNT", 1, lambda s: [s.pick(_LEX_KEYS), _lex_bound(s), _lex_bound(s)], mutable=False),
    Rule(b"ZREMRANGEBYRANK", 1, lambda s: [s.key(), _index(s), _index(s)]),
    Rule(b"ZREMRANGEBYSCORE", 1, lambda s: [s.key(), _bound(s), _bound(s)]),
    Rule(b"ZREMRANGEBYLEX", 0.3, lambda s: [s.pick(_LEX_KEYS), _lex_bound(s), _lex_bound(s)], mutable=False),
    Rule(b"ZPOPMIN", 1, lambda s: [s.key()] + s.some([_index(s)])),
    Rule(b"ZPOPMAX", 1, lambda s: [s.key()] + s.some([_index(s)])),
    Rule(b"ZMPOP", 1, _zmpop),
    Rule(b"BZPOPMIN", 0.5, lambda s: s.keys() + [s.wait_seconds()], mutable=False, waits=True),
    Rule(b"BZPOPMAX", 0.5, lambda s: s.keys() + [s.wait_seconds()], mutable=False, waits=True),
    Rule(b"BZMPOP", 0.5, lambda s: [s.wait_seconds()] + _zmpop(s), mutable=False, waits=True),
    Rule(b"ZUNION", 1.5, lambda s: _combined(s, True)),
    Rule(b"ZINTER", 1.5, lambda s: _combined(s, True)),
    Rule(b"ZDIFF", 1.5, lambda s: _inputs(s) + s.some([b"WITHSCORES"], [b"WEIGHTS"], probability=0.2)),
    Rule(b"ZINTERCARD", 1, lambda s: _inputs(s) + s.some([b"LIMIT", _index(s)])),
    Rule(b"ZUNIONSTORE", 1.5, lambda s: [s.key()] + _combined(s, False)),
    Rule(b"ZINTERSTORE", 1.5, lambda s: [s.key()] + _combined(s, False)),
    Rule(b"ZDIFFSTORE", 1.5, lambda s: [s.key()] + _inputs(s)),
    Rule(b"ZRANDMEMBER", 1, _randmember_all, Compared.UNORDERED, mutable=False),
    Rule(b"ZRANDMEMBER", 0.5, _randmember, Compared.BY_KIND, mutable=False),
    Rule(b"ZRANDMEMBER", 0.3, lambda s: [s.key()], Compared.BY_KIND),
    Rule(b"ZSCAN", 1, _zscan, Compared.UNORDERED, mutable=False),
    Rule(b"RESTORE", 1, _restore, mutable=False),
]
