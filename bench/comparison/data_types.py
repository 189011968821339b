"""Lists, hashes, sets, sorted sets and streams: processor time per request, and memory of a million elements."""

import random
import time
from dataclasses import dataclass
from typing import Callable

from comparison import contender, load, machine
from comparison.plan import Plan, Rows
from comparison.row import Row, Target
from comparison.steady import Steady, measure_rows

_ELEMENT = "element:" + load.RANDOM_DIGITS
_LIST_ELEMENTS = 1_000
_BITMAP_BYTES = 100_000_000
_BITMAP_PIECE = 10_000_000
_INTERSECTED = 100_000
_SETTLE_S = 1.0


def _nothing(port: int, keys: int) -> None:
    """The command makes its own key."""


def _fill_list(port: int, keys: int) -> None:
    load.send_all(port, _LIST_ELEMENTS, lambda i: load.encode("RPUSH", "range", "item:%015d" % i))


def _fill_zset(port: int, keys: int) -> None:
    """Members 0..keys-1, whose score is their number."""
    load.send_all(port, keys, lambda i: load.encode("ZADD", "ranked", i, "element:%012d" % i))


def _fill_sets(port: int, keys: int) -> None:
    """Two sets that share half of their members."""
    for name, first in (("left", 0), ("right", _INTERSECTED // 2)):
        load.send_all(port, _INTERSECTED, lambda i: load.encode("SADD", name, "element:%012d" % (first + i)))


def _fill_bitmaps(port: int, keys: int) -> None:
    piece = random.Random(1).randbytes(_BITMAP_PIECE)
    for name in ("bits1", "bits2"):
        for at in range(0, _BITMAP_BYTES, _BITMAP_PIECE):
            load.send_all(port, 1, lambda i: load.encode("SETRANGE", name, at, piece))


_MSET = ("MSET",) + (load.KEY, load.VALUE) * 10

COLLECTION_ROWS = [
    Steady("lpush-16", ("LPUSH", "pushed", load.VALUE), 16, 0.65, _nothing),
    Steady("lrange100-16", ("LRANGE", "range", "0", "99"), 16, 0.60, _fill_list, "LRANGE of 100"),
    Steady("hset-16", ("HSET", "fields", _ELEMENT, load.VALUE), 16, 0.50, _nothing),
    Steady("sadd-16", ("SADD", "members", _ELEMENT), 16, 0.50, _nothing),
    Steady("zadd-16", ("ZADD", "scores", load.RANDOM_DIGITS, _ELEMENT), 16, 0.50, _nothing),
    Steady("zincrby-16", ("ZINCRBY", "counts", "1", _ELEMENT), 16, 0.50, _nothing),
    Steady("xadd-16", ("XADD", "entries", "*", "field", load.VALUE), 16, 0.50, _nothing),
    Steady("mset10-16", _MSET, 16, 0.50, load.fill, "MSET of 10 keys"),
    Steady("zrange-16", ("ZRANGE", "ranked", "500000", "500009"), 16, 0.50, _fill_zset, "ZRANGE of 10 by rank in 1M"),
    Steady("zrank-16", ("ZRANK", "ranked", _ELEMENT), 16, 0.50, _fill_zset, "ZRANK in 1M"),
    Steady("zrangebyscore-16", ("ZRANGEBYSCORE", "ranked", load.RANDOM_DIGITS, "+inf", "LIMIT", "0", "10"), 16, 0.50,
           _fill_zset, "ZRANGEBYSCORE of 10 in 1M"),
    Steady("sinter", ("SINTER", "left", "right"), 1, 0.50, _fill_sets, "SINTER of two sets of 100,000", few=20),
    Steady("bitcount", ("BITCOUNT", "bits1"), 1, 0.50, _fill_bitmaps, "BITCOUNT of 100 MB", few=20),
    Steady("bitop", ("BITOP", "AND", "bits3", "bits1", "bits2"), 1, 0.50, _fill_bitmaps, "BITOP of two times 100 MB", few=10),
]  # fmt: skip


@dataclass(frozen=True)
class _Footprint:
    title: str
    limit: float
    make: Callable[[int], bytes]  # the command that adds element i
    reply_lines: int = 1


def _zset_member(i: int) -> bytes:
    return load.encode("ZADD", "zset", (i * 7919) % 1_000_003, "member:%09d" % i)


def _small_hash(i: int) -> bytes:
    pairs = [word for j in range(5) for word in (f"field{j}", "%08d" % (i + j))]
    return load.encode("HSET", load.key_name(i), *pairs)


FOOTPRINT_ROWS = {
    "memory-list": _Footprint("list of 20-byte items", 0.8, lambda i: load.encode("RPUSH", "list", "item:%015d" % i)),
    "memory-hash": _Footprint("hash of 16-byte fields and values", 0.5,
                              lambda i: load.encode("HSET", "hash", "field:%010d" % i, "value:%010d" % i)),
    "memory-set": _Footprint("set of 16-byte members", 0.5, lambda i: load.encode("SADD", "set", "member:%09d" % i)),
    "memory-zset": _Footprint("sorted set of 16-byte members", 0.5, _zset_member),
    "memory-stream": _Footprint("stream", 0.8, lambda i: load.encode("XADD", "stream", "*", "sensor", i, "value", i % 1000), reply_lines=2),
    "memory-hashes": _Footprint("small hashes of 5 fields", 0.5, _small_hash),
}  # fmt: skip


def collection_rows(plan: Plan) -> Rows:
    yield from measure_rows(plan, [row for row in COLLECTION_ROWS if plan.wants(row.key)])
    for key, footprint in FOOTPRINT_ROWS.items():
        if plan.wants(key):
            yield _measure_footprint(plan, key, footprint)


def _measure_footprint(plan: Plan, key: str, footprint: _Footprint) -> Row:
    """Growth of resident memory, of a server that was just started."""
    grown = []
    for brand in plan.brands:
        with contender.running(brand, plan.directory) as server:
            before = machine.resident_bytes(server.pid)
            load.send_all(server.port, plan.small_keys, footprint.make, footprint.reply_lines)
            time.sleep(_SETTLE_S)
            grown.append((machine.resident_bytes(server.pid) - before) / plan.small_keys)
    title = f"resident memory per element, {plan.small_keys:,}: {footprint.title}"
    return Row(key, title, "B", grown[0], grown[1], Target(footprint.limit), 0.0)
