"""One value of many members, written to all the time while it is saved: memory, and what another client feels of it.

For each type BGSAVE and BGREWRITEAOF, on a server that holds nothing else but some small keys for the other client.
"""

import sys
import time
from dataclasses import dataclass
from typing import Callable, Sequence

from comparison import contender, load, machine
from comparison.contender import Brand, Contender
from comparison.latency import Prober, Span, p999
from comparison.plan import Plan, Rows
from comparison.row import Row, Target, format_figure, median

_SMALL_KEYS = 10_000
_SAMPLE_S = 0.01
_SAVE_LIMIT_S = 300.0
_SETTLE_S = 1.0
_MEMBER = "member:" + load.RANDOM_DIGITS
_NUMBER = load.RANDOM_DIGITS
_SIZE = "{size}"  # of the value
# What keeps a save going, and the field of INFO that says so.
_SAVES = {"BGSAVE": "rdb_bgsave_in_progress", "BGREWRITEAOF": "aof_rewrite_in_progress"}


@dataclass(frozen=True)
class _Kind:
    """A type: how its value is made, and the writes to it, which leave its size nearly as it is."""

    make: Callable[[int], bytes]
    write: Sequence[str]
    lines: int = 1  # of the reply to `make`


KINDS = {
    "hash": _Kind(lambda i: load.encode("HSET", "big", "member:%012d" % i, load.VALUE), ("HSET", "big", _MEMBER, load.VALUE)),
    "zset": _Kind(lambda i: load.encode("ZADD", "big", i, "member:%012d" % i), ("ZADD", "big", _NUMBER, _MEMBER)),
    "set": _Kind(lambda i: load.encode("SADD", "big", "member:%012d" % i), ("SREM", "big", _MEMBER, ";", "SADD", "big", _MEMBER)),
    "list": _Kind(lambda i: load.encode("RPUSH", "big", load.VALUE), ("LPUSH", "big", load.VALUE, ";", "RPOP", "big")),
    "stream": _Kind(lambda i: load.encode("XADD", "big", "*", "field", load.VALUE), ("XADD", "big", "MAXLEN", "~", _SIZE, "*", "field", load.VALUE), lines=2),
}  # fmt: skip

BIG_VALUE_ROWS = tuple(f"big-{kind}-{what}" for kind in KINDS for what in ("memory", "latency"))
_MEMORY_LIMIT = 1.10
_LATENCY_LIMIT_MS = 2.0


@dataclass
class _Seen:
    """Of one brand and type."""

    memory_ratio: float
    memory_note: str
    added_ms: float
    latency_note: str
    foreign_cores: float


def _save(server: Contender, command: str, peaks: list[int]) -> Span:
    begin, deadline = time.monotonic_ns(), time.monotonic() + _SAVE_LIMIT_S
    server.ask(command)
    while server.info(_SAVES[command]) != "0":
        peaks.append(machine.tree_bytes(server.pid))
        if time.monotonic() > deadline:
            raise load.LoadFailed(f"{server.brand.name} did not end its {command}")
        time.sleep(_SAMPLE_S)
    return begin, time.monotonic_ns()


def _watch(brand: Brand, plan: Plan, kind: _Kind) -> _Seen:
    with contender.running(brand, plan.directory) as server:
        load.fill(server.port, _SMALL_KEYS)
        load.send_all(server.port, plan.keys, kind.make, kind.lines)
        time.sleep(_SETTLE_S)
        foreign = machine.ForeignLoad([server.pid])
        foreign.start()
        peaks: list[int] = []
        write = [word.replace(_SIZE, str(plan.keys)) for word in kind.write]
        with load.EndlessWrites(server.port, plan.keys, write), Prober(server.port, _SMALL_KEYS) as prober:
            begin, before = time.monotonic_ns(), []
            until = time.monotonic() + plan.window_s
            while time.monotonic() < until:
                before.append(machine.tree_bytes(server.pid))
                time.sleep(_SAMPLE_S)
            calm = [(begin, time.monotonic_ns())]
            saves = [_save(server, command, peaks) for command in _SAVES]
            samples = prober.stop()
        base, peak = median(before[len(before) // 2 :]), max(peaks, default=0)
        if not peak:
            raise load.LoadFailed(f"{brand.name} saved too fast to be watched; use more --keys")
        quiet, busy = samples.within(calm), samples.within(saves)
        seconds = " and ".join(f"{(end - start) / 1e9:.1f}" for start, end in saves)
        return _Seen(
            peak / base, f"{base / 2**20:,.0f} -> {peak / 2**20:,.0f} MiB in {seconds} s", p999(busy) - p999(quiet),
            f"{p999(quiet):.1f} -> {p999(busy):.1f}, max {max(busy):.1f}", foreign.cores(),
        )  # fmt: skip


def big_value_rows(plan: Plan) -> Rows:
    for name, kind in KINDS.items():
        memory, latency = f"big-{name}-memory", f"big-{name}-latency"
        if not plan.wants(memory, latency):
            continue
        seen = []
        for brand in plan.brands:
            seen.append(_watch(brand, plan, kind))
            print(f"{brand.name} {name}: {format_figure(seen[-1].memory_ratio)} {seen[-1].memory_note}; "
                  f"{seen[-1].latency_note} ms", file=sys.stderr)  # fmt: skip
        ours, theirs = seen
        foreign = max(ours.foreign_cores, theirs.foreign_cores)
        what = f"{name} of {plan.keys:,}, written while saved and rewritten"
        if plan.wants(memory):
            yield Row(memory, f"{what}: peak memory / before", "", ours.memory_ratio, theirs.memory_ratio,
                      Target(_MEMORY_LIMIT, of_ratio=False), foreign, f"{ours.memory_note} / {theirs.memory_note}")  # fmt: skip
        if plan.wants(latency):
            yield Row(latency, f"{what}: p99.9 of another client, beyond without", "ms", ours.added_ms, theirs.added_ms,
                      Target(_LATENCY_LIMIT_MS, of_ratio=False), foreign, f"{ours.latency_note} / {theirs.latency_note}")  # fmt: skip
