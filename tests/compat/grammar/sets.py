"""Sets. Which members SPOP and SRANDMEMBER choose is chance, so they are only asked for all or none."""

from compat.grammar.rule import Compared, Rule
from compat.grammar.source import WRONG_NUMBERS, Source
from harness.set_payload import int_set_payload, set_payload
from harness.payload import seal

# Sets have keys of their own besides the common ones, so that they grow to some size.
_SETS = tuple(b"s%d" % number for number in range(8))
_SET_CHANCE = 0.85
# A zero byte not as the first: SORT ALPHA of Redis leaves open where such a member stands beside the empty one.
_WORDS = (b"", b"a", b"b", b"01", b"-0", b"+1", b" 1", b"1.0", b"x" * 64, b"y" * 65, b"z" * 1100, b"n\x00\xff")
_EDGES = (b"32767", b"-32769", b"2147483648", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808")
_PATTERNS = (b"*", b"m*", b"m?", b"m[1-3]*", b"", b"nothing", b"[", b"1*", b"\\m1")
_ALL_OR_NONE = (b"0", b"100000", b"100000", b"9223372036854775807")


def _key(source: Source) -> bytes:
    return source.pick(_SETS) if source.chance(_SET_CHANCE) else source.key()


def _keys(source: Source, most: int = 4) -> list[bytes]:
    count = 8 if source.chance(0.03) else 1 + source.below(most)
    return [_key(source) for _ in range(count)]


def _member(source: Source) -> bytes:
    dice = source.random()
    if dice < 0.55:
        return b"%d" % source.below(40)
    if dice < 0.85:
        return b"m%d" % source.below(40)
    return source.pick(_WORDS) if dice < 0.95 else source.pick(_EDGES)


def _members(source: Source) -> list[bytes]:
    if source.chance(0.04):
        first, prefix = source.below(700), source.pick((b"", b"", b"m"))
        return [prefix + b"%d" % (first + number) for number in range(source.below(400) + 1)]
    if source.chance(0.5):
        return [b"%d" % source.below(40) for _ in range(1 + source.below(6))]
    return [_member(source) for _ in range(1 + source.below(6))]


def _intersection_count(source: Source) -> list[bytes]:
    keys = _keys(source)
    number = b"%d" % len(keys) if source.chance(0.9) else source.integer()
    limit = b"%d" % source.below(20) if source.chance(0.8) else source.integer()
    return [number, *keys] + source.some([b"LIMIT", limit], [b"FOO"], probability=0.3)


def _scan(source: Source) -> list[bytes]:
    arguments = [_key(source), source.pick((b"0", b"0", b"0", b"abc", b"-1x"))]
    # A set is far smaller than any of these, so one call sees all of it.
    arguments += [b"COUNT", source.pick((b"5000", b"1000000", b"0", b"-1", b"abc"))]
    return arguments + source.some([b"MATCH", source.pick(_PATTERNS)], [b"FOO"], [b"NOVALUES"], probability=0.3)


def _counted(source: Source) -> list[bytes]:
    count = source.pick(_ALL_OR_NONE) if source.chance(0.85) else source.pick((b"-0", b"9223372036854775808", *WRONG_NUMBERS[:6]))
    return [_key(source), count]


def _make_payloads() -> tuple[bytes, ...]:
    many = [b"member:%d" % number for number in range(200)]
    good = [set_payload([b"a", b"b", b"1"]), set_payload([b"1", b"2"]), set_payload(many), set_payload([b"x" * 70, b""])]
    good += [int_set_payload([1, 2, 3]), int_set_payload([-70000, 5, 1 << 40]), int_set_payload(list(range(600)))]
    bad = [set_payload([]), set_payload([b"a", b"a"]), set_payload([b"1", b"1"]), int_set_payload([])]
    # Not integers that are out of order (D20).
    bad += [seal(b"\x02\x05\x01a"), seal(b"\x0b\x03abc")]
    return tuple(good * 2 + bad)


_PAYLOADS = _make_payloads()

RULES = [
    Rule(b"SADD", 12, lambda s: [_key(s), *_members(s)]),
    Rule(b"SREM", 6, lambda s: [_key(s), *_members(s)]),
    Rule(b"SMOVE", 4, lambda s: [_key(s), _key(s), _member(s)]),
    Rule(b"SISMEMBER", 4, lambda s: [_key(s), _member(s)]),
    Rule(b"SMISMEMBER", 3, lambda s: [_key(s), *_members(s)]),
    Rule(b"SCARD", 2, lambda s: [_key(s)]),
    Rule(b"SMEMBERS", 2, lambda s: [_key(s)], Compared.UNORDERED),
    Rule(b"SINTER", 3, _keys, Compared.UNORDERED),
    Rule(b"SUNION", 3, _keys, Compared.UNORDERED),
    Rule(b"SDIFF", 3, _keys, Compared.UNORDERED),
    Rule(b"SINTERCARD", 3, _intersection_count),
    Rule(b"SINTERSTORE", 1.5, lambda s: [_key(s), *_keys(s)]),
    Rule(b"SUNIONSTORE", 1.5, lambda s: [_key(s), *_keys(s)]),
    Rule(b"SDIFFSTORE", 1.5, lambda s: [_key(s), *_keys(s)]),
    Rule(b"SPOP", 0.7, _counted, Compared.UNORDERED, mutable=False),
    Rule(b"SRANDMEMBER", 1.5, _counted, Compared.UNORDERED, mutable=False),
    Rule(b"SSCAN", 1.5, _scan, Compared.UNORDERED, mutable=False),
    Rule(b"OBJECT", 0.7, lambda s: [b"ENCODING", s.pick(_SETS)]),
    Rule(b"DEL", 0.4, lambda s: [s.pick(_SETS)]),
    Rule(b"COPY", 0.5, lambda s: [s.pick(_SETS), s.pick(_SETS), b"REPLACE"]),
    Rule(b"DEBUG", 0.3, lambda s: [b"DIGEST-VALUE", s.pick(_SETS)]),
    Rule(b"RESTORE", 1, lambda s: [_key(s), b"0", s.pick(_PAYLOADS), b"REPLACE"], mutable=False),
    Rule(b"CONFIG", 0.05, lambda s: [b"SET", b"set-max-intset-entries", s.pick((b"10", b"30", b"512"))], mutable=False),
]
