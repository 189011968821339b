"""The hash family."""

from compat.grammar.rule import Compared, Rule
from compat.grammar.source import Source

# Hashes have keys of their own besides the common ones, so that they grow to some size.
_HASHES = tuple(b"h%d" % number for number in range(8))
_FIELDS = tuple(b"f%d" % number for number in range(40)) + (b"", b"12", b"-7", b"012", b"\x00\xff", b"F" * 64, b"F" * 65)
_PATTERNS = (b"*", b"f*", b"f?", b"f[1-3]*", b"", b"nothing", b"[", b"1*", b"\\f1")
_COUNTS = (b"0", b"100", b"1000", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"abc", b"")
_HASH_CHANCE = 0.8


def _key(source: Source) -> bytes:
    return source.pick(_HASHES) if source.chance(_HASH_CHANCE) else source.key()


def _field(source: Source) -> bytes:
    return source.pick(_FIELDS)


def _value(source: Source) -> bytes:
    # Mostly short, so that hashes stay packed for a while.
    return source.value() if source.chance(0.1) else b"%d" % (source.below(400) - 200)


def _fields(source: Source, most: int = 5) -> list[bytes]:
    return [_key(source)] + [_field(source) for _ in range(1 + source.below(most))]


def _pairs(source: Source) -> list[bytes]:
    arguments = [_key(source)]
    for _ in range(1 + source.below(6)):
        arguments += [_field(source), _value(source)]
    return arguments


def _random_fields(source: Source) -> list[bytes]:
    # With a count of at least the size the result is the whole hash.
    arguments = [_key(source), source.pick(_COUNTS)]
    return arguments + source.some([b"WITHVALUES"], [b"FOO"], probability=0.3)


def _scan(source: Source) -> list[bytes]:
    arguments = [_key(source), source.pick((b"0", b"0", b"0", b"abc", b"-1x"))]
    options = [[b"MATCH", source.pick(_PATTERNS)], [b"FOO"]]
    # A hash is far smaller than any of these, so one call sees all of it.
    arguments += [b"COUNT", source.pick((b"1000", b"5000", b"1000000", b"0", b"-1", b"abc"))]
    return arguments + source.some(*options, probability=0.3)


RULES = [
    Rule(b"HSET", 8, _pairs),
    Rule(b"HMSET", 3, _pairs),
    Rule(b"HSETNX", 3, lambda s: [_key(s), _field(s), _value(s)]),
    Rule(b"HGET", 4, lambda s: [_key(s), _field(s)]),
    Rule(b"HMGET", 3, _fields),
    Rule(b"HGETALL", 1.5, lambda s: [_key(s)], Compared.UNORDERED),
    Rule(b"HKEYS", 1, lambda s: [_key(s)], Compared.UNORDERED),
    Rule(b"HVALS", 1, lambda s: [_key(s)], Compared.UNORDERED),
    Rule(b"HLEN", 1.5, lambda s: [_key(s)]),
    Rule(b"HSTRLEN", 1.5, lambda s: [_key(s), _field(s)]),
    Rule(b"HEXISTS", 1.5, lambda s: [_key(s), _field(s)]),
    Rule(b"HDEL", 4, _fields),
    Rule(b"HDEL", 0.3, lambda s: [s.pick(_HASHES), *_FIELDS]),
    Rule(b"HINCRBY", 3, lambda s: [_key(s), _field(s), s.integer()]),
    Rule(b"HINCRBYFLOAT", 3, lambda s: [_key(s), _field(s), s.float_text()]),
    Rule(b"HRANDFIELD", 1, _random_fields, Compared.UNORDERED, mutable=False),
    Rule(b"HSCAN", 1, _scan, Compared.UNORDERED, mutable=False),
    Rule(b"OBJECT", 0.7, lambda s: [b"ENCODING", s.pick(_HASHES)]),
    Rule(b"DEL", 0.4, lambda s: [s.pick(_HASHES)]),
    Rule(b"COPY", 0.5, lambda s: [s.pick(_HASHES), s.pick(_HASHES), b"REPLACE"]),
    Rule(b"DEBUG", 0.3, lambda s: [b"DIGEST-VALUE", s.pick(_HASHES)]),
    Rule(b"CONFIG", 0.05, lambda s: [b"SET", b"hash-max-listpack-entries", s.pick((b"10", b"30", b"512"))], mutable=False),
]
