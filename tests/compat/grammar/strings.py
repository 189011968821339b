"""The string family."""

from compat.grammar.rule import Rule
from compat.grammar.source import LCS_KEYS, Source


def _set(source: Source) -> list[bytes]:
    arguments = [source.key(), source.value()]
    if source.chance(0.45):
        return arguments
    expiry = source.expiry_option() if source.chance(0.6) else [b"KEEPTTL"]
    return arguments + source.some([b"NX"], [b"XX"], [b"GET"], expiry, probability=0.35)


def _getex(source: Source) -> list[bytes]:
    if source.chance(0.3):
        return [source.key()]
    return [source.key()] + source.some([b"PERSIST"], source.expiry_option(), probability=0.6)


def _pairs(source: Source) -> list[bytes]:
    return [word for key in source.keys() for word in (key, source.value())]


def _lcs_write(source: Source) -> list[bytes]:
    letters = bytes(source.pick(b"abcd") for _ in range(source.below(40)))
    return [source.pick(LCS_KEYS), letters]


def _lcs(source: Source) -> list[bytes]:
    pick = source.pick
    options = source.some([b"IDX"], [b"LEN"], [b"MINMATCHLEN", source.integer()], [b"WITHMATCHLEN"])
    return [pick(LCS_KEYS), pick(LCS_KEYS)] + options


RULES = [
    Rule(b"SET", 14, _set),
    Rule(b"GET", 8, lambda s: [s.key()]),
    Rule(b"GETEX", 4, _getex),
    Rule(b"GETDEL", 2, lambda s: [s.key()]),
    Rule(b"GETSET", 2, lambda s: [s.key(), s.value()]),
    Rule(b"SETNX", 2, lambda s: [s.key(), s.value()]),
    Rule(b"SETEX", 2, lambda s: [s.key(), s.seconds(), s.value()]),
    Rule(b"PSETEX", 2, lambda s: [s.key(), s.milliseconds(), s.value()]),
    Rule(b"APPEND", 4, lambda s: [s.key(), s.value()]),
    Rule(b"STRLEN", 2, lambda s: [s.key()]),
    Rule(b"SETRANGE", 3, lambda s: [s.key(), s.offset(), s.value()]),
    Rule(b"GETRANGE", 3, lambda s: [s.key(), s.offset(), s.offset()]),
    Rule(b"SUBSTR", 1, lambda s: [s.key(), s.offset(), s.offset()]),
    Rule(b"INCR", 4, lambda s: [s.key()]),
    Rule(b"DECR", 3, lambda s: [s.key()]),
    Rule(b"INCRBY", 4, lambda s: [s.key(), s.integer()]),
    Rule(b"DECRBY", 4, lambda s: [s.key(), s.integer()]),
    Rule(b"INCRBYFLOAT", 4, lambda s: [s.key(), s.float_text()]),
    Rule(b"MSET", 2, _pairs),
    Rule(b"MSETNX", 1, _pairs),
    Rule(b"MGET", 2, lambda s: s.keys(6)),
    Rule(b"SET", 1, _lcs_write, mutable=False),
    Rule(b"LCS", 1.5, _lcs, mutable=False),
]
