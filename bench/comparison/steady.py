"""Processor time per request, steady state: 50 clients, random keys, both servers in turn."""

from dataclasses import dataclass
from typing import Callable

from comparison import contender, load, machine
from comparison.contender import Contender
from comparison.plan import Plan, Rows
from comparison.row import Row, Target, median

_ATTEMPTS_PER_SAMPLE = 2


@dataclass(frozen=True)
class Steady:
    key: str
    command: tuple[str, ...]
    pipeline: int
    target: float
    prepare: Callable[[int, int], None] = load.fill
    name: str = ""  # in the table; none: the command
    few: int = 4_000  # requests to find out how fast it is

    @property
    def title(self) -> str:
        name = self.name or self.command[0]
        return f"{name}, pipeline {self.pipeline}" if self.pipeline > 1 else f"{name}, no pipeline"


_GET = ("GET", load.KEY)
_SET = ("SET", load.KEY, load.VALUE)
_INCR = ("INCR", load.COUNTER)

STEADY_ROWS = [
    Steady("get-1", _GET, 1, 0.92),
    Steady("set-1", _SET, 1, 0.92),
    Steady("get-16", _GET, 16, 0.60),
    Steady("set-16", _SET, 16, 0.45),
    Steady("get-100", _GET, 100, 0.30),
    Steady("set-100", _SET, 100, 0.25),
    Steady("incr-16", _INCR, 16, 0.50, load.fill_counters),
]


@dataclass(frozen=True)
class _Sample:
    cpu_ns: float  # per request
    per_second: float
    busy: float  # cores used by the server while the load ran
    foreign_cores: float


def _sample(server: Contender, row: Steady, requests: int, keys: int, others: list[int]) -> _Sample:
    """One run of `requests`; while others take the processor it is tried again."""
    best = None
    for _ in range(_ATTEMPTS_PER_SAMPLE):
        foreign = machine.ForeignLoad(others)
        foreign.start()
        before = server.cpu_ns()
        per_second = load.run_benchmark(server.port, row.command, row.pipeline, requests, keys)
        cpu_ns = server.cpu_ns() - before
        sample = _Sample(cpu_ns / requests, per_second, cpu_ns / 1e9 / (requests / per_second), foreign.cores())
        if best is None or sample.foreign_cores < best.foreign_cores:
            best = sample
        if best.foreign_cores <= machine.FOREIGN_CORES_MAX:
            break
    return best


def _requests_for(server: Contender, row: Steady, plan: Plan) -> int:
    """How many requests take about plan.seconds; finding out warms everything up."""
    few = row.few * min(row.pipeline, 25)
    per_second = load.run_benchmark(server.port, row.command, row.pipeline, few, plan.small_keys)
    return max(few, int(per_second * plan.seconds))


def _measure(row: Steady, servers: list[Contender], plan: Plan) -> Row:
    pids = [server.pid for server in servers]
    requests = [_requests_for(server, row, plan) for server in servers]
    samples: dict[str, list[_Sample]] = {server.brand.name: [] for server in servers}
    for _ in range(plan.repetitions):
        for server, count in zip(servers, requests):
            samples[server.brand.name].append(_sample(server, row, count, plan.small_keys, pids))
    ours, theirs = (samples[brand.name] for brand in plan.brands)

    def of(which: list[_Sample], figure: str) -> float:
        return median([getattr(sample, figure) for sample in which])

    rates = of(ours, "per_second"), of(theirs, "per_second")
    return Row(
        row.key, row.title, "CPU ns/request", of(ours, "cpu_ns"), of(theirs, "cpu_ns"), Target(row.target),
        max(of(ours, "foreign_cores"), of(theirs, "foreign_cores")),
        f"requests/s {rates[0]:,.0f} / {rates[1]:,.0f} = {rates[0] / rates[1]:.2f}x; server busy "
        f"{of(ours, 'busy'):.0%} / {of(theirs, 'busy'):.0%}",
        {name: [sample.cpu_ns for sample in each] for name, each in samples.items()},
    )


def steady_rows(plan: Plan) -> Rows:
    yield from measure_rows(plan, [row for row in STEADY_ROWS if plan.wants(row.key)])


def measure_rows(plan: Plan, wanted: list[Steady]) -> Rows:
    """One row after the other, on two servers that run all the time."""
    if not wanted:
        return
    with contender.running(plan.holdfast, plan.directory) as ours, contender.running(plan.redis, plan.directory) as theirs:
        servers = [ours, theirs]
        # A filling may prepare several rows: done once.
        for prepare in dict.fromkeys(row.prepare for row in wanted):
            for server in servers:
                prepare(server.port, plan.small_keys)
        for row in wanted:
            yield _measure(row, servers, plan)
