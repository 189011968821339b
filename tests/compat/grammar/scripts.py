"""EVAL and EVAL_RO: small scripts that declare their keys and call commands of other families."""

from compat.grammar.rule import Rule
from compat.grammar.source import Source

_CALLS = ("redis.call", "redis.pcall")
_ENDS = (
    "return {0}",
    "return {{{0}, #KEYS}}",
    "local r = {0} if type(r) == 'table' and r.err then return {{err = r.err}} end return r",
    "local a, b = pcall(function() return {0} end) return {{tostring(a), b}}",
    "redis.setresp(3) return {0}",
    "redis.setresp(3) local r = {0} return r == nil and 'nil' or type(r)",
)
# Name and number of values besides the key. Nothing here depends on the clock, on chance or on an order.
_COMMANDS = (
    ("SET", 1), ("GET", 0), ("APPEND", 1), ("INCR", 0), ("STRLEN", 0), ("DEL", 0), ("EXISTS", 0), ("TYPE", 0),
    ("RPUSH", 1), ("LPUSH", 1), ("LPOP", 0), ("LLEN", 0), ("HSET", 2), ("HGET", 1), ("HLEN", 0), ("SADD", 1),
    ("SREM", 1), ("SCARD", 0), ("SISMEMBER", 1), ("ZCARD", 0), ("SETNX", 1), ("GETDEL", 0), ("PERSIST", 0),
)  # fmt: skip


def _call(source: Source, key: str, values: list[bytes]) -> str:
    name, count = source.pick(_COMMANDS)
    words = [f"'{name}'", key]
    for _ in range(count):
        values.append(source.value())
        words.append(f"ARGV[{len(values)}]")
    return f"{source.pick(_CALLS)}({', '.join(words)})"


def _script(source: Source) -> list[bytes]:
    keys = source.keys()
    values: list[bytes] = []
    body = "".join(
        f"redis.pcall('SET', KEYS[{1 + source.below(len(keys))}], 'x') " if source.chance(0.1)
        else _call(source, f"KEYS[{1 + source.below(len(keys))}]", values) + " "
        for _ in range(source.below(3))
    )  # fmt: skip
    last = _call(source, f"KEYS[{1 + source.below(len(keys))}]", values)
    script = body + source.pick(_ENDS).format(last)
    return [script.encode(), b"%d" % len(keys), *keys, *values]


RULES = [
    Rule(b"EVAL", 6, _script),
    Rule(b"EVAL_RO", 1, _script),
]
