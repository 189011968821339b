"""A primary and a replica of the same brand: the full synchronization under write load, the return after a long absence,
and whether the replica keeps up.

Both servers have two threads and all cores, which they share with the load: what counts is the comparison. For what another
client of the primary feels, the primary has one worker and a core of its own, as where replicas are other machines.
"""

import math
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Callable, Iterator, Optional

from comparison import contender, load, machine
from comparison.contender import Brand, Contender
from comparison.latency import Prober, Span, p999
from comparison.plan import Plan, Rows
from comparison.row import Row, Target, format_figure, median
from harness.client import ErrorReply

_THREADS = 2
_DIRECTIVES = ("--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0")
_SAMPLE_S = 0.02
_POLL_S = 0.01
_LIMIT_S = 300.0
# SETs per second while the data set is copied: what a server in use may have, and no brand is stopped by.
PACE = 20_000
# Written while the replica is away.
_ABSENCE_BYTES = 1 << 30
_ABSENCE_VALUE = "v" * 1000


@dataclass(frozen=True)
class _Spec:
    title: str
    unit: str
    target: Optional[Target]


REPLICATION_ROWS = {
    "sync": _Spec(f"full synchronization until caught up, {PACE:,} SET/s meanwhile", "s", Target(0.4)),
    "sync-memory": _Spec("primary's peak memory during it / before", "", Target(1.10, of_ratio=False)),
    "sync-latency": _Spec("p99.9 of another client of the primary during it, beyond the same load without", "ms", Target(2, of_ratio=False)),
    "resume": _Spec("full synchronizations after 1 GB was written while the replica was away", "", Target(0, of_ratio=False)),
    "apply": _Spec("bytes applied by the replica / written by the primary, full-speed SETs", "", Target(0.99, of_ratio=False, at_least=True)),
}
_SYNC_ROWS = ("sync", "sync-memory")
_COUPLE_ROWS = (*_SYNC_ROWS, "resume", "apply")


@dataclass
class _Figure:
    value: float = math.nan
    note: str = ""
    foreign_cores: float = 0.0


def _measured(servers: list[Contender], rows: tuple[str, ...], how: Callable[[], Iterator[tuple[float, str]]]) -> dict[str, _Figure]:
    """`how` gives a figure with its note for each of the rows. Servers that it starts and ends itself are not foreign either."""
    brand = servers[0].brand.name
    foreign = machine.ForeignLoad([server.pid for server in servers])
    foreign.start()
    try:
        found = list(how())
    except (load.LoadFailed, ErrorReply, KeyError) as failure:
        found = [(math.nan, f"failed: {failure}")] * len(rows)
    figures = {}
    for row, (value, note) in zip(rows, found):
        figures[row] = _Figure(value, note, foreign.cores())
        print(f"{brand} {row}: {format_figure(value)} {note}", file=sys.stderr)
    return figures


@dataclass
class _Couple:
    """One brand's way through the rows."""

    plan: Plan
    primary: Contender
    replica: Contender
    figures: dict[str, _Figure] = field(default_factory=dict)

    def measure(self, rows: tuple[str, ...], how: Callable[[], Iterator[tuple[float, str]]]) -> None:
        if self.plan.wants(*rows):
            self.figures |= _measured([self.primary, self.replica], rows, how)

    def written(self) -> int:
        return int(self.primary.info("master_repl_offset"))

    def applied(self) -> int:
        """-1 as long as the link is not up."""
        fields = dict(
            line.split(":", 1) for line in self.replica.ask("INFO", "replication").decode().splitlines() if ":" in line
        )
        return int(fields["slave_repl_offset"]) if fields.get("master_link_status") == "up" else -1

    def wait_until_caught_up(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Until the link is up, and then until what was written by that moment is applied."""
        deadline = time.monotonic() + _LIMIT_S
        goal = math.inf
        while True:
            applied = self.applied()
            if goal == math.inf and applied >= 0:
                goal = self.written()
            if applied >= goal:
                return
            meanwhile()
            if time.monotonic() > deadline:
                raise load.LoadFailed(f"{self.primary.brand.name} did not synchronize within {_LIMIT_S:.0f} s")
            time.sleep(_POLL_S)

    def follow(self) -> None:
        self.replica.ask("REPLICAOF", "127.0.0.1", str(self.primary.port))

    def synchronize(self) -> Iterator[tuple[float, str]]:
        load.fill(self.primary.port, self.plan.keys)
        memory = []
        with load.PacedWrites(self.primary.port, self.plan.keys, PACE):
            time.sleep(self.plan.window_s)
            base = machine.tree_bytes(self.primary.pid)
            begin = time.monotonic_ns()
            self.follow()
            next_sample = 0.0

            def watch() -> None:
                nonlocal next_sample
                if time.monotonic() >= next_sample:
                    memory.append(machine.tree_bytes(self.primary.pid))
                    next_sample = time.monotonic() + _SAMPLE_S

            self.wait_until_caught_up(watch)
            end = time.monotonic_ns()
        if not memory:
            raise load.LoadFailed(f"{self.primary.brand.name} was too fast to be watched; use more --keys")
        yield (end - begin) / 1e9, f"{self.plan.keys:,} keys"
        yield max(memory) / base, f"{base / 2**20:,.0f} -> {max(memory) / 2**20:,.0f} MiB"

    def resume(self) -> Iterator[tuple[float, str]]:
        """The replica's process stands still, and its connection is gone, while the primary is written to."""
        size = _ABSENCE_BYTES if self.plan.keys >= 5_000_000 else _ABSENCE_BYTES // 5
        full = int(self.primary.info("sync_full"))
        os.kill(self.replica.pid, signal.SIGSTOP)
        try:
            self.primary.ask("CLIENT", "KILL", "TYPE", "replica")
            load.run_benchmark(self.primary.port, ("SET", "large" + load.KEY, _ABSENCE_VALUE), 16, size // len(_ABSENCE_VALUE), 100_000)
        finally:
            os.kill(self.replica.pid, signal.SIGCONT)
        began = time.monotonic()
        self.wait_until_caught_up()
        took = time.monotonic() - began
        memory = machine.tree_bytes(self.primary.pid)
        yield int(self.primary.info("sync_full")) - full, f"{size / 2**20:,.0f} MiB, caught up in {took:.1f} s, {memory / 2**20:,.0f} MiB held"

    def apply(self) -> Iterator[tuple[float, str]]:
        with load.EndlessWrites(self.primary.port, self.plan.keys):
            time.sleep(1.0)
            began, written, applied = time.monotonic(), self.written(), self.applied()
            time.sleep(2 * self.plan.window_s)
            seconds, wrote, did = time.monotonic() - began, self.written() - written, self.applied() - applied
        if applied < 0 or wrote == 0:
            raise load.LoadFailed("the link was down")
        yield did / wrote, f"{wrote / seconds / 2**20:.1f} MiB/s written"

    def run(self) -> None:
        self.measure(_SYNC_ROWS, self.synchronize)
        if not self.plan.wants(*_SYNC_ROWS):
            load.fill(self.primary.port, self.plan.keys)
            try:
                self.follow()
                self.wait_until_caught_up()
            except (load.LoadFailed, ErrorReply, KeyError) as failure:
                print(f"{self.primary.brand.name}: {failure}", file=sys.stderr)
        self.measure(("resume",), self.resume)
        self.measure(("apply",), self.apply)


def _couple(brand: Brand, plan: Plan) -> dict[str, _Figure]:
    options = {"threads": _THREADS, "directives": _DIRECTIVES, "cores": machine.ALL_CORES}
    with contender.running(brand, plan.directory, **options) as primary, contender.running(brand, plan.directory, **options) as replica:
        couple = _Couple(plan, primary, replica)
        couple.run()
        return couple.figures


def _felt(plan: Plan, primary: Contender) -> Iterator[tuple[float, str]]:
    """p99.9 of another client of the primary while a new replica synchronizes, less that of the same client before, ms;
    medians of several times, so that a single moment in which the machine was busy elsewhere does not count."""
    load.fill(primary.port, plan.keys)
    calm: list[Span] = []
    busy: list[Span] = []
    replica_options = {"threads": _THREADS, "directives": _DIRECTIVES, "cores": machine.ONLY_LOAD_CORE}
    with load.PacedWrites(primary.port, plan.keys, PACE), Prober(primary.port, plan.keys) as prober:
        for _ in range(plan.repetitions):
            with contender.running(primary.brand, plan.directory, **replica_options) as replica:
                couple = _Couple(plan, primary, replica)
                begin = time.monotonic_ns()
                time.sleep(plan.window_s)
                followed = time.monotonic_ns()
                couple.follow()
                couple.wait_until_caught_up()
                calm.append((begin, followed))
                busy.append((followed, time.monotonic_ns()))
        seen = prober.stop()
    without, during = (median([p999(seen.within([span])) for span in spans]) for spans in (calm, busy))
    seconds = sum(end - begin for begin, end in busy) / 1e9
    yield max(0.0, during - without), f"{during:.1f} - {without:.1f} ms, {len(busy)} times {seconds / len(busy):.1f} s"


def _figures(brand: Brand, plan: Plan) -> dict[str, _Figure]:
    figures = _couple(brand, plan) if plan.wants(*_COUPLE_ROWS) else {}
    if plan.wants("sync-latency"):
        with contender.running(brand, plan.directory, directives=_DIRECTIVES) as primary:
            figures |= _measured([primary], ("sync-latency",), lambda: _felt(plan, primary))
    return figures


def replication_rows(plan: Plan) -> Rows:
    if not plan.wants(*REPLICATION_ROWS):
        return
    ours, theirs = (_figures(brand, plan) for brand in plan.brands)
    for key, spec in REPLICATION_ROWS.items():
        if plan.wants(key):
            mine, other = ours[key], theirs[key]
            note = f"{mine.note} / {other.note}"
            yield Row(key, spec.title, spec.unit, mine.value, other.value, spec.target, max(mine.foreign_cores, other.foreign_cores), note)
