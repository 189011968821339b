"""The disk: SAVE, loading a file or an AOF at start, and what appendfsync always costs."""

import time

from comparison import contender, load, machine
from comparison.contender import Contender
from comparison.plan import TARGET_KEYS, Plan, Rows
from comparison.row import Row, Target, median

_SECONDS_FOR_TARGET_KEYS = 1.5
_ALWAYS_TO_EVERYSEC = 0.9
# Of the keys, how many are written again after the base of the AOF.
_WRITTEN_AFTER_BASE = 0.1
_REWRITE_LIMIT_S = 180.0
# Servers of these rows may use this many threads and all cores.
_THREADS = 2

FILE_ROWS = ("save", "load", "load-aof", "aof")


class _Timings:
    """Wall and processor time of one brand, several times."""

    def __init__(self) -> None:
        self.wall_s: list[float] = []
        self.cpu_s: list[float] = []

    def add(self, wall_s: float, cpu_s: float) -> None:
        self.wall_s.append(wall_s)
        self.cpu_s.append(cpu_s)


def _time_files(server: Contender, plan: Plan) -> tuple[_Timings, _Timings]:
    """SAVE and loading, plan.repetitions times at most three."""
    save, loading = _Timings(), _Timings()
    repetitions = min(plan.repetitions, 3)
    load.fill(server.port, plan.keys)
    for _ in range(repetitions):
        cpu, began = server.cpu_ns(), time.monotonic()
        server.ask("SAVE")
        save.add(time.monotonic() - began, (server.cpu_ns() - cpu) / 1e9)
    _time_starts(server, plan.keys, loading, repetitions)
    return save, loading


def _time_starts(server: Contender, keys: int, loading: _Timings, repetitions: int) -> None:
    for _ in range(repetitions):
        server.stop()
        began = time.monotonic()
        with machine.on_cores(machine.ALL_CORES):
            server.start()
        loading.add(time.monotonic() - began, server.cpu_ns() / 1e9)
        if (found := server.ask("DBSIZE")) != keys:
            raise load.LoadFailed(f"{server.brand.name} loaded {found} keys of {keys}")


def _load_append_only(plan: Plan) -> Rows:
    """An AOF as a rewrite leaves it, and what was written since."""
    if not plan.wants("load-aof"):
        return
    timings: list[_Timings] = []
    foreign_cores: list[float] = []
    directives = ("--save", "", "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")
    for brand in plan.brands:
        with contender.running(brand, plan.directory, threads=_THREADS, directives=directives, cores=machine.ALL_CORES) as server:
            load.fill(server.port, plan.keys)
            server.ask("BGREWRITEAOF")
            deadline = time.monotonic() + _REWRITE_LIMIT_S
            while server.info("aof_rewrite_in_progress") != "0" or server.info("aof_rewrite_scheduled") != "0":
                if time.monotonic() > deadline:
                    raise load.LoadFailed(f"{brand.name} did not end its rewrite")
                time.sleep(0.05)
            load.fill(server.port, int(plan.keys * _WRITTEN_AFTER_BASE))
            foreign = machine.ForeignLoad([])
            foreign.start()
            timings.append(_Timings())
            _time_starts(server, plan.keys, timings[-1], min(plan.repetitions, 3))
            server.stop()
            foreign_cores.append(foreign.cores())
    ours, theirs = timings
    yield Row(
        "load-aof", f"start with an AOF: a base of {plan.keys:,} keys and SETs of a tenth of them, {_THREADS} threads", "s",
        median(ours.wall_s), median(theirs.wall_s), Target(_SECONDS_FOR_TARGET_KEYS * plan.keys / TARGET_KEYS, of_ratio=False),
        max(foreign_cores), f"CPU s {median(ours.cpu_s):.2f} / {median(theirs.cpu_s):.2f}",
        {"Holdfast": ours.wall_s, "Redis": theirs.wall_s},
    )  # fmt: skip


def _save_and_load(plan: Plan) -> Rows:
    if not plan.wants("save", "load"):
        return
    timings: list[tuple[_Timings, _Timings]] = []
    foreign_cores: list[float] = []
    for brand in plan.brands:
        with contender.running(brand, plan.directory, threads=_THREADS, cores=machine.ALL_CORES) as server:
            # Servers that have ended count through the times of children waited for; this one is counted when it stops.
            foreign = machine.ForeignLoad([])
            foreign.start()
            timings.append(_time_files(server, plan))
            server.stop()
            foreign_cores.append(foreign.cores())
    target = Target(_SECONDS_FOR_TARGET_KEYS * plan.keys / TARGET_KEYS, of_ratio=False)
    for index, (key, title) in enumerate([("save", "SAVE"), ("load", "start with a file to load")]):
        ours, theirs = timings[0][index], timings[1][index]
        if plan.wants(key):
            yield Row(
                key, f"{title}, {plan.keys:,} keys, {_THREADS} threads", "s", median(ours.wall_s), median(theirs.wall_s),
                target, max(foreign_cores), f"CPU s {median(ours.cpu_s):.2f} / {median(theirs.cpu_s):.2f}",
                {"Holdfast": ours.wall_s, "Redis": theirs.wall_s},
            )


def _append_fsync(plan: Plan) -> Rows:
    """Requests per second with appendfsync always, as a share of those with everysec."""
    if not plan.wants("aof"):
        return
    command = ("SET", load.KEY, load.VALUE)
    ratios, notes, foreign_cores = [], [], []
    for brand in plan.brands:
        rates: dict[str, list[float]] = {"always": [], "everysec": []}
        directives = ("--save", "", "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--appendfsync")
        with (
            contender.running(brand, plan.directory, directives=(*directives, "always")) as always,
            contender.running(brand, plan.directory, directives=(*directives, "everysec")) as everysec,
        ):
            foreign = machine.ForeignLoad([always.pid, everysec.pid])
            foreign.start()
            for _ in range(plan.repetitions):
                for name, server in (("always", always), ("everysec", everysec)):
                    warm = load.run_benchmark(server.port, command, 1, 2_000, plan.small_keys)
                    requests = max(2_000, int(warm * plan.seconds))
                    rates[name].append(load.run_benchmark(server.port, command, 1, requests, plan.small_keys))
            foreign_cores.append(foreign.cores())
        always_rate, everysec_rate = median(rates["always"]), median(rates["everysec"])
        ratios.append(always_rate / everysec_rate)
        notes.append(f"{always_rate:,.0f} of {everysec_rate:,.0f}")
    target = Target(_ALWAYS_TO_EVERYSEC, of_ratio=False, at_least=True)
    title = "SET with appendfsync always, share of everysec"
    yield Row("aof", title, "", ratios[0], ratios[1], target, max(foreign_cores), "requests/s " + " / ".join(notes))


def file_rows(plan: Plan) -> Rows:
    yield from _save_and_load(plan)
    yield from _load_append_only(plan)
    yield from _append_fsync(plan)
