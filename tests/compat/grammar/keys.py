"""Generic key commands and expiry."""

from compat.grammar.rule import Compared, Rule
from compat.grammar.source import KEYS, WRONG_NUMBERS, Source
from harness.payload import FOOTER_BYTES, integer_payload, seal, string_payload

_PATTERNS = (
    b"*", b"k*", b"k?", b"k[1-3]", b"k[^1-3]", b"k1*", b"\\k1", b"{tag}*", b"", b"[", b"k[", b"k[0-", b"**1", b"*\xff*",
    b"k[32-1]", b"nothing*", b"\\", b"k\\", b"[]", b"[^]", b"?", b"K1",
)  # fmt: skip
_TYPES = (b"string", b"STRING", b"list", b"hash", b"zset", b"set", b"stream", b"foo", b"")


def _make_payloads() -> tuple[bytes, ...]:
    texts = (b"", b"a", b"hello", b"12345", b"012", b"x" * 44, b"y" * 45, b"\x00\xff" * 50)
    good = [string_payload(text) for text in texts]
    good += [integer_payload(number) for number in (0, 12, -129, 32767, 100000, -2147483648)]
    good.append(seal(b"\x00\xc3\x09\x40\x64\x01aa\xe0W\x00\x01aa"))
    bad = [b"", b"abc", good[2][:-1], good[2][:3] + b"?" + good[2][4:], string_payload(b"new", version=0xFFFF)]
    # No payload whose value ends inside the footer: Redis accepts "\0" * FOOTER_BYTES (D14).
    bad += [b"\xff" * FOOTER_BYTES, seal(b"\x00\xc4abc"), seal(b"\x00\x7f\xffabc"), seal(b"\x1eabc"), seal(b"\xff")]
    # Good ones are met more often.
    return tuple(good * 3 + bad)


_PAYLOADS = _make_payloads()


def _restore(source: Source) -> list[bytes]:
    arguments = [source.key()]
    options = source.some([b"REPLACE"], probability=0.7)
    dice = source.random()
    if dice < 0.5:
        arguments.append(b"0")
    elif dice < 0.7:
        arguments.append(b"%d" % (200_000_000 + source.below(1_000_000_000)))
    elif dice < 0.9:
        arguments.append(source.pick((b"20000000000000", b"1", b"1600000000000")))
        options.append(b"ABSTTL")
    else:
        arguments.append(source.pick((b"-1", b"-9223372036854775808", *WRONG_NUMBERS)))
    idle = [b"IDLETIME", source.pick((b"0", b"1000", b"-1", b"abc"))]
    frequency = [b"FREQ", source.pick((b"0", b"255", b"256", b"-1", b"abc"))]
    return arguments + [source.pick(_PAYLOADS)] + options + source.some(idle, frequency, [b"FOO"], probability=0.06)


def _expire(time_of) -> object:
    def make(source: Source) -> list[bytes]:
        arguments = [source.key(), time_of(source)]
        if source.chance(0.5):
            arguments += source.some([b"NX"], [b"XX"], [b"GT"], [b"LT"], probability=0.35)
        return arguments

    return make


def _copy(source: Source) -> list[bytes]:
    return [source.key(), source.key()] + source.some([b"REPLACE"], [b"DB", source.database()])


def _scan(source: Source) -> list[bytes]:
    # The key space is far smaller than COUNT, so one call sees all of it.
    options = source.some([b"MATCH", source.pick(_PATTERNS)], [b"TYPE", source.pick(_TYPES)])
    return [b"0", b"COUNT", source.pick((b"1000", b"5000", b"100000"))] + options


RULES = [
    Rule(b"DEL", 3, lambda s: s.keys()),
    Rule(b"UNLINK", 2, lambda s: s.keys()),
    Rule(b"EXISTS", 2, lambda s: s.keys()),
    Rule(b"TOUCH", 1, lambda s: s.keys()),
    Rule(b"TYPE", 1, lambda s: [s.key()]),
    Rule(b"RENAME", 2, lambda s: [s.key(), s.key()]),
    Rule(b"RENAMENX", 2, lambda s: [s.key(), s.key()]),
    Rule(b"COPY", 3, _copy),
    Rule(b"MOVE", 2, lambda s: [s.key(), s.database()]),
    Rule(b"EXPIRE", 3, _expire(Source.seconds)),
    Rule(b"PEXPIRE", 3, _expire(Source.milliseconds)),
    Rule(b"EXPIREAT", 3, _expire(Source.unix_seconds)),
    Rule(b"PEXPIREAT", 3, _expire(Source.unix_milliseconds)),
    Rule(b"PERSIST", 2, lambda s: [s.key()]),
    Rule(b"TTL", 1, lambda s: [s.key()], Compared.NEAR),
    Rule(b"PTTL", 1, lambda s: [s.key()], Compared.NEAR),
    Rule(b"EXPIRETIME", 1, lambda s: [s.key()], Compared.NEAR),
    Rule(b"PEXPIRETIME", 1, lambda s: [s.key()], Compared.NEAR),
    # Not REFCOUNT, which tells what Redis happens to share (D15).
    Rule(b"OBJECT", 2, lambda s: [s.pick((b"ENCODING", b"FREQ", b"FOO")), s.key()]),
    Rule(b"DUMP", 2, lambda s: [s.key()], Compared.PAYLOAD),
    Rule(b"RESTORE", 4, _restore, mutable=False),
    Rule(b"KEYS", 0.2, lambda s: [s.pick(_PATTERNS)], Compared.UNORDERED),
    Rule(b"SCAN", 0.2, _scan, Compared.UNORDERED, mutable=False),
    Rule(b"RANDOMKEY", 0.1, lambda s: [], Compared.BY_KIND),
]

assert len(KEYS) < 1000, "a SCAN with the smallest COUNT of _scan must see every key"
