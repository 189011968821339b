"""WATCH and UNWATCH. MULTI blocks are built by the generator, around commands of every family."""

from compat.grammar.rule import Rule

RULES = [
    Rule(b"WATCH", 1, lambda s: s.keys()),
    Rule(b"UNWATCH", 0.3, lambda s: []),
    Rule(b"EXEC", 0.1, lambda s: []),
    Rule(b"DISCARD", 0.1, lambda s: []),
]
