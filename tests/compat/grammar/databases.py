"""Commands about whole databases, and some that only look."""

from compat.grammar.rule import Rule
from compat.grammar.source import Source


def _flush(source: Source) -> list[bytes]:
    return source.some([source.pick((b"ASYNC", b"SYNC", b"sync", b"FOO", b""))])


RULES = [
    Rule(b"SELECT", 2, lambda s: [s.database()]),
    Rule(b"SWAPDB", 0.4, lambda s: [s.database(), s.database()]),
    Rule(b"DBSIZE", 0.5, lambda s: []),
    Rule(b"FLUSHDB", 0.05, _flush),
    Rule(b"FLUSHALL", 0.02, _flush),
    Rule(b"ECHO", 0.3, lambda s: [s.value()]),
    Rule(b"PING", 0.3, lambda s: s.some([s.value()])),
    Rule(b"DEBUG", 0.1, lambda s: [b"DIGEST-VALUE"] + s.keys()),
    Rule(b"NOSUCHCOMMAND", 0.1, lambda s: s.keys()),
]
