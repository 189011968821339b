"""Scripts, transactions, messages and waiting: what they cost, and what others feel of those that last."""

import contextlib
import hashlib
import pathlib
import subprocess
import sys
import time
from typing import Callable, Iterator

from comparison import contender, load, machine
from comparison.contender import Contender
from comparison.latency import Prober, Span, p999
from comparison.plan import Plan, Rows
from comparison.row import Row, Target, median
from comparison.steady import Steady, measure_rows

_SCRIPT = "return redis.call('GET', KEYS[1])"
_SUBSCRIBERS = 100
_SET = ("SET", load.KEY, load.VALUE)
_LASTING_S = 1.0
_TURNS = 500  # of ping and pong in one sample


def _load_script(port: int, keys: int) -> None:
    load.fill(port, keys)
    load.send_all(port, 1, lambda i: load.encode("SCRIPT", "LOAD", _SCRIPT), lines=2)


def _subscribe(port: int, keys: int) -> None:
    """The listening process ends with this one, whose end of the pipe it reads."""
    load.send_all(port, 1, lambda i: load.encode("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0"))
    program = pathlib.Path(__file__).with_name("subscribers.py")
    arguments = [sys.executable, str(program), str(port), str(_SUBSCRIBERS), "news"]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _LISTENERS.append(process)
    if process.stdout.readline() != b"ready\n":
        raise load.LoadFailed("nobody listens")


_LISTENERS: list[subprocess.Popen] = []

SEMANTIC_ROWS = [
    Steady("evalsha-16", ("EVALSHA", hashlib.sha1(_SCRIPT.encode()).hexdigest(), "1", load.KEY), 16, 0.70, _load_script,
           "EVALSHA of a script with one GET"),
    Steady("exec5-16", ("MULTI", ";", *(_SET + (";",)) * 5, "EXEC"), 16, 0.50, load.fill, "MULTI, 5 SETs, EXEC"),
]  # fmt: skip
_PUBLISH = Steady("publish100", ("PUBLISH", "news", load.VALUE), 1, 0.80, _subscribe, "PUBLISH to 100 subscribers", few=500)

SEMANTIC_ROW_NAMES = [*(row.key for row in SEMANTIC_ROWS), _PUBLISH.key, "pingpong", "script-latency", "sort-latency"]


# ---- waiting


def _turn_us(server: Contender) -> float:
    """A push that ends a wait: from its sending until both are answered, mean of many."""
    with server.client() as waiting, server.client() as pushing:
        began = time.monotonic_ns()
        for _ in range(_TURNS):
            waiting.send("BLPOP", "ball", "0")
            pushing.send("LPUSH", "ball", "x")
            pushing.read_reply()
            waiting.read_reply()
        return (time.monotonic_ns() - began) / 1e3 / _TURNS


def _ping_pong(plan: Plan) -> Rows:
    if not plan.wants("pingpong"):
        return
    with contender.running(plan.holdfast, plan.directory) as ours, contender.running(plan.redis, plan.directory) as theirs:
        foreign = machine.ForeignLoad([ours.pid, theirs.pid])
        foreign.start()
        samples: dict[str, list[float]] = {server.brand.name: [] for server in (ours, theirs)}
        for _ in range(12 * plan.repetitions):  # short and many: the machine drifts
            for server in ours, theirs:
                samples[server.brand.name].append(_turn_us(server))
        figures = [median(samples[brand.name]) for brand in plan.brands]
        yield Row("pingpong", "LPUSH that ends a BLPOP, until both are answered", "us", *figures, Target(1.0), foreign.cores(),
                  "", samples)


# ---- commands that last


def _script(server: Contender) -> Callable[[], tuple[str, ...]]:
    def command(rounds: int) -> tuple[str, ...]:
        return ("EVAL", f"local x = 0 for i = 1, {rounds} do x = x + i end return x", "1", "held")

    rounds = 5_000_000
    began = time.monotonic()
    server.ask(*command(rounds))
    rounds = int(rounds * _LASTING_S / (time.monotonic() - began))
    return lambda: command(rounds)


def _sort(server: Contender) -> Callable[[], tuple[str, ...]]:
    """The list grows until its SORT takes long enough. The reply is short."""
    command = ("SORT", "sorted", "ALPHA", "LIMIT", "0", "1")
    size, took = 0, 0.0
    while took < 0.8 * _LASTING_S:
        more = max(100_000, int(size * min(2.0, _LASTING_S / max(took, 0.1)) - size))
        load.send_all(server.port, more, lambda i: load.encode("RPUSH", "sorted", "%d:%d" % (i * 7919 % 1_000_003, i)))
        size += more
        began = time.monotonic()
        server.ask(*command)
        took = time.monotonic() - began
    return lambda: command


def _felt(server: Contender, plan: Plan, make: Callable[[Contender], Callable[[], tuple[str, ...]]]) -> tuple[float, str]:
    """p99.9 of a client of another worker while the command runs, less that of the same client before, ms."""
    command = make(server)
    with server.client(timeout_s=contender.SLOW_COMMAND_S) as lasting:
        lasting.must("PING")  # its worker is settled: the other client gets another one
        with Prober(server.port, plan.small_keys) as prober:
            begin = time.monotonic_ns()
            time.sleep(plan.window_s)
            quiet: list[Span] = [(begin, time.monotonic_ns())]
            busy: list[Span] = []
            for _ in range(max(2, int(plan.window_s / _LASTING_S))):
                begin = time.monotonic_ns()
                lasting.must(*command())
                busy.append((begin, time.monotonic_ns()))
                time.sleep(0.2)
            seen = prober.stop()
    before, meanwhile = p999(seen.within(quiet)), p999(seen.within(busy))
    mean_s = sum(end - begin for begin, end in busy) / len(busy) / 1e9
    return max(0.0, meanwhile - before), f"{meanwhile:.1f} - {before:.1f} ms, one takes {mean_s:.2f} s"


def _lasting(plan: Plan) -> Rows:
    makers = {"script-latency": ("a script", _script), "sort-latency": ("SORT", _sort)}
    for key, (what, make) in makers.items():
        if not plan.wants(key):
            continue
        values, notes, foreign_cores = [], [], []
        for brand in plan.brands:
            with contender.running(brand, plan.directory, threads=2, cores=machine.ALL_CORES) as server:
                load.fill(server.port, plan.small_keys)
                foreign = machine.ForeignLoad([server.pid])
                foreign.start()
                value, note = _felt(server, plan, make)
                values.append(value)
                notes.append(note)
                foreign_cores.append(foreign.cores())
        title = f"p99.9 of a client of another worker during {what} of a second, beyond that before it"
        yield Row(key, title, "ms", *values, Target(2, of_ratio=False), max(foreign_cores), " / ".join(notes))


@contextlib.contextmanager
def _listeners() -> Iterator[None]:
    try:
        yield
    finally:
        for process in _LISTENERS:
            process.kill()
            process.wait()
        _LISTENERS.clear()


def semantic_rows(plan: Plan) -> Rows:
    yield from measure_rows(plan, [row for row in SEMANTIC_ROWS if plan.wants(row.key)])
    if plan.wants(_PUBLISH.key):
        with _listeners():
            yield from measure_rows(plan, [_PUBLISH])
    yield from _ping_pong(plan)
    yield from _lasting(plan)
