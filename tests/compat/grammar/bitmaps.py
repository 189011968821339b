"""Bitmaps, bit fields and HyperLogLogs."""

from compat.grammar.rule import Rule
from compat.grammar.source import Source

_HLL_KEYS = tuple(b"hll%d" % number for number in range(6))
_TYPES = (b"u1", b"u8", b"i8", b"u5", b"i16", b"u32", b"i64", b"u63", b"i1", b"u64", b"i65", b"x8", b"u0", b"")


def _bit_offset(source: Source) -> bytes:
    dice = source.random()
    if dice < 0.85:
        return b"%d" % source.below(400)
    return source.pick((b"0", b"7", b"8", b"4000", b"-1", b"4294967296", b"abc", b""))


def _bit(source: Source) -> bytes:
    return source.pick((b"0", b"1", b"1", b"0", b"1", b"0", b"2", b"-1", b"a"))


def _range(source: Source, unit: bool = True) -> list[bytes]:
    words = [source.offset(), source.offset()]
    if unit and source.chance(0.5):
        words.append(source.pick((b"BIT", b"BYTE", b"bit", b"byte", b"nibble")))
    return words


def _bitcount(source: Source) -> list[bytes]:
    dice = source.random()
    if dice < 0.3:
        return [source.key()]
    return [source.key()] + (_range(source) if dice < 0.95 else [source.offset()])


def _bitpos(source: Source) -> list[bytes]:
    dice = source.random()
    arguments = [source.key(), _bit(source)]
    if dice < 0.3:
        return arguments
    return arguments + ([source.offset()] if dice < 0.5 else _range(source))


def _bitop(source: Source) -> list[bytes]:
    operation = source.pick((b"AND", b"OR", b"XOR", b"NOT", b"and", b"NAND"))
    return [operation, source.key()] + source.keys(1 if operation == b"NOT" and source.chance(0.8) else 4)


def _field_offset(source: Source) -> bytes:
    return (b"#%d" % source.below(40)) if source.chance(0.3) else _bit_offset(source)


def _bitfield(source: Source, reads_only: bool = False) -> list[bytes]:
    arguments = [source.key()]
    for _ in range(source.below(4)):
        kind = source.below(4)
        if kind == 0 and source.chance(0.9):
            arguments += [b"OVERFLOW", source.pick((b"WRAP", b"SAT", b"FAIL", b"sat", b"bad"))]
        if kind <= 1 or (reads_only and source.chance(0.9)):
            arguments += [b"GET", source.pick(_TYPES), _field_offset(source)]
        else:
            arguments += [source.pick((b"SET", b"INCRBY")), source.pick(_TYPES), _field_offset(source), source.integer()]
    # At least one write does not fail (D97).
    return arguments + [b"SET", b"u1", b"0", b"1"] if b"FAIL" in arguments and not reads_only else arguments


def _hll(source: Source) -> bytes:
    return source.pick(_HLL_KEYS) if source.chance(0.95) else source.key()


def _pfadd(source: Source) -> list[bytes]:
    return [_hll(source)] + [b"%d" % source.below(5000) for _ in range(source.below(12))]


RULES = [
    Rule(b"SETBIT", 4, lambda s: [s.key(), _bit_offset(s), _bit(s)]),
    Rule(b"GETBIT", 2, lambda s: [s.key(), _bit_offset(s)]),
    Rule(b"BITCOUNT", 2, _bitcount),
    Rule(b"BITPOS", 2, _bitpos),
    Rule(b"BITOP", 2, _bitop),
    Rule(b"BITFIELD", 3, _bitfield),
    Rule(b"BITFIELD_RO", 1, lambda s: _bitfield(s, reads_only=True)),
    Rule(b"PFADD", 3, _pfadd),
    Rule(b"PFCOUNT", 2, lambda s: [_hll(s) for _ in range(1 + s.below(3))]),
    Rule(b"PFMERGE", 1, lambda s: [_hll(s) for _ in range(1 + s.below(3))]),
    Rule(b"PFDEBUG", 0.5, lambda s: [s.pick((b"ENCODING", b"TODENSE", b"DECODE", b"encoding")), _hll(s)]),
]
