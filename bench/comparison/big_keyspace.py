"""A key space of millions: bytes per key, and what other clients feel of KEYS, FLUSHALL and BGSAVE.

One server after the other goes through all of it, filled once.
"""

import math
import sys
import time
from dataclasses import dataclass, field
from typing import Callable, Optional

from comparison import contender, latency, load, machine
from comparison.contender import Brand, Contender
from comparison.latency import Prober, Span, p999
from comparison.plan import Plan, Rows
from comparison.row import Row, Target, format_figure

_MEMORY_SAMPLE_S = 0.02
_POLL_S = 0.02
_SAVE_LIMIT_S = 180.0
_SETTLE_S = 1.0
# Repetitions of KEYS at most, when one takes little of the window.
_KEYS_REPETITIONS_MAX = 50


@dataclass(frozen=True)
class _Spec:
    title: str
    unit: str
    target: Optional[Target]


BIG_ROWS = {
    "memory": _Spec("resident memory per key (15 B key, 32 B value)", "B", Target(70, of_ratio=False)),
    "idle": _Spec("p99.9 of another client, idle server (floor)", "ms", None),
    "keys": _Spec("p99.9 of another client during KEYS that finds nothing", "ms", Target(4, of_ratio=False)),
    "keys-all": _Spec("p99.9 of another client during KEYS *", "ms", Target(4, of_ratio=False)),
    "bgsave-memory": _Spec("BGSAVE under full-speed random SETs, peak memory / before", "", Target(1.05, of_ratio=False)),
    "bgsave-latency": _Spec("p99.9 of another client during it, beyond the same load without", "ms", Target(2, of_ratio=False)),
    "flushall": _Spec("p99.9 of another client during FLUSHALL", "ms", Target(4, of_ratio=False)),
}


@dataclass
class _Figure:
    value: float
    note: str
    foreign_cores: float


@dataclass
class _Stage:
    """One brand's way through the rows."""

    plan: Plan
    server: Contender
    figures: dict[str, _Figure] = field(default_factory=dict)

    def measure(self, row: str, how: Callable[[], tuple[float, str]]) -> None:
        if not self.plan.wants(row):
            return
        foreign = machine.ForeignLoad([self.server.pid])
        foreign.start()
        try:
            value, note = how()
        except load.LoadFailed as failure:
            # The other rows are still worth having; this one misses its target.
            value, note = math.nan, f"failed: {failure}"
        self.figures[row] = _Figure(value, note, foreign.cores())
        print(f"{self.server.brand.name} {row}: {format_figure(value)} {note}", file=sys.stderr)

    # ---- memory

    def fill(self) -> None:
        def per_key() -> tuple[float, str]:
            before = machine.resident_bytes(self.server.pid)
            load.fill(self.server.port, self.plan.keys)
            time.sleep(_SETTLE_S)
            if (found := self.server.ask("DBSIZE")) != self.plan.keys:
                raise load.LoadFailed(f"{self.server.brand.name} has {found} keys")
            return (machine.resident_bytes(self.server.pid) - before) / self.plan.keys, ""

        if self.plan.wants("memory"):
            self.measure("memory", per_key)
        else:
            per_key()

    # ---- latency

    def _probe(self) -> Prober:
        return Prober(self.server.port, self.plan.keys)

    def idle(self) -> tuple[float, str]:
        with self._probe() as prober:
            begin = time.monotonic_ns()
            time.sleep(self.plan.window_s)
            seen = prober.stop().within([(begin, time.monotonic_ns())])
        return p999(seen), f"max {max(seen):.1f}"

    def keys(self, pattern: str) -> tuple[float, str]:
        spans: list[Span] = []
        with self._probe() as prober:
            while _total_s(spans) < self.plan.window_s and len(spans) < _KEYS_REPETITIONS_MAX:
                spans.append(self._timed(lambda: self._drain_keys(pattern)))
                time.sleep(0.2)
            seen = prober.stop().within(spans)
        return p999(seen), f"max {max(seen):.1f}; one takes {_total_s(spans) / len(spans):.2f} s"

    def _drain_keys(self, pattern: str) -> None:
        """KEYS, its reply read as raw bytes: to parse millions of names would take this client longer than the server."""
        with self.server.client(timeout_s=contender.SLOW_COMMAND_S) as client:
            client.send("KEYS", pattern)
            head = b""
            while b"\r\n" not in head:
                chunk, closed = client.poll_raw(contender.SLOW_COMMAND_S)
                if closed or not chunk:
                    raise load.LoadFailed(f"{self.server.brand.name} did not answer KEYS")
                head += chunk
            count = int(head[1 : head.index(b"\r\n")])
            missing = count * len(b"$15\r\n%b\r\n" % load.key_name(0)) - (len(head) - head.index(b"\r\n") - 2)
            while missing > 0:
                chunk, closed = client.poll_raw(contender.SLOW_COMMAND_S)
                if closed or not chunk:
                    raise load.LoadFailed(f"{self.server.brand.name} broke off the reply of KEYS")
                missing -= len(chunk)

    def flushall(self) -> tuple[float, str]:
        def flush() -> None:
            self.server.ask("FLUSHALL")
            while int(self.server.info("lazyfree_pending_objects")) > 0:
                time.sleep(_POLL_S)

        with self._probe() as prober:
            begin, end = self._timed(flush)
            # At least a thousand requests, or there is no such percentile; but not more, which would water it down.
            end = max(end, begin + 1_100_000_000)
            time.sleep(max(0.0, (end - time.monotonic_ns()) / 1e9))
            seen = prober.stop().within([(begin, end)])
        return p999(seen), f"max {max(seen):.1f}"

    @staticmethod
    def _timed(work: Callable[[], None]) -> Span:
        begin = time.monotonic_ns()
        work()
        return begin, time.monotonic_ns()

    # ---- BGSAVE

    def _save(self, meanwhile: Callable[[], None]) -> Span:
        begin = time.monotonic_ns()
        deadline = time.monotonic() + _SAVE_LIMIT_S
        self.server.ask("BGSAVE")
        while self.server.info("rdb_bgsave_in_progress") != "0":
            meanwhile()
            if time.monotonic() > deadline:
                raise load.LoadFailed(f"{self.server.brand.name} did not end its BGSAVE within {_SAVE_LIMIT_S:.0f} s")
            time.sleep(_POLL_S)
        if (status := self.server.info("rdb_last_bgsave_status")) != "ok":
            raise load.LoadFailed(f"BGSAVE of {self.server.brand.name}: {status}\n{self.server.log_tail()}")
        return begin, time.monotonic_ns()

    def bgsave_memory(self) -> tuple[float, str]:
        with load.EndlessWrites(self.server.port, self.plan.keys):
            before = []
            until = time.monotonic() + self.plan.window_s
            while time.monotonic() < until:
                before.append(machine.tree_bytes(self.server.pid))
                time.sleep(_MEMORY_SAMPLE_S)
            seen = []
            begin, end = self._save(lambda: seen.append(machine.tree_bytes(self.server.pid)))
        if not seen:
            raise load.LoadFailed(f"{self.server.brand.name} saved too fast to be watched; use more --keys")
        peak, base = max(seen), before[-1]
        return peak / base, f"{base / 2**20:,.0f} -> {peak / 2**20:,.0f} MiB; {(end - begin) / 1e9:.1f} s"

    def bgsave_latency(self) -> tuple[float, str]:
        with load.EndlessWrites(self.server.port, self.plan.keys), self._probe() as prober:
            begin = time.monotonic_ns()
            time.sleep(self.plan.window_s)
            without: list[Span] = [(begin, time.monotonic_ns())]
            during: list[Span] = []
            while _total_s(during) < self.plan.window_s:
                during.append(self._save(lambda: None))
            samples = prober.stop()
        calm, saving = p999(samples.within(without)), p999(samples.within(during))
        return saving - calm, f"{calm:.1f} -> {saving:.1f}"

    def run(self) -> None:
        self.measure("idle", self.idle)
        self.fill()
        self.measure("keys", lambda: self.keys("nothing*"))
        self.measure("keys-all", lambda: self.keys("*"))
        self.measure("bgsave-memory", self.bgsave_memory)
        self.measure("bgsave-latency", self.bgsave_latency)
        self.measure("flushall", self.flushall)


def _total_s(spans: list[Span]) -> float:
    return sum(end - begin for begin, end in spans) / 1e9


def _stage(brand: Brand, plan: Plan) -> dict[str, _Figure]:
    with contender.running(brand, plan.directory) as server:
        stage = _Stage(plan, server)
        stage.run()
        return stage.figures


def big_rows(plan: Plan) -> Rows:
    if not plan.wants(*BIG_ROWS):
        return
    ours, theirs = (_stage(brand, plan) for brand in plan.brands)
    for key, spec in BIG_ROWS.items():
        if plan.wants(key):
            foreign_cores = max(ours[key].foreign_cores, theirs[key].foreign_cores)
            note = _both(ours[key].note, theirs[key].note)
            yield Row(key, spec.title, spec.unit, ours[key].value, theirs[key].value, spec.target, foreign_cores, note)


def _both(ours: str, theirs: str) -> str:
    return f"{ours} / {theirs}" if ours else ""
