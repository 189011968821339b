"""What the servers are put under: filling with keys, and the load generator (bench/load.cc) at full speed."""

import multiprocessing
import os
import pathlib
import random
import select
import socket
import string
import subprocess
import time
from typing import Optional, Sequence

CONNECTIONS = 50
VALUE_BYTES = 32
# The load generator replaces this by twelve random digits below the number of keys.
RANDOM_DIGITS = "{n}"
KEY_PREFIX = "key"
COUNTER_PREFIX = "cnt"
KEY = KEY_PREFIX + RANDOM_DIGITS
COUNTER = COUNTER_PREFIX + RANDOM_DIGITS
VALUE = "v7Qk2mXw9ZrT4bNc8HsLd1PgFy6JeUa3"
assert len(VALUE) == VALUE_BYTES

_SOURCE = pathlib.Path(__file__).resolve().parents[1] / "load.cc"
_PROGRAM = _SOURCE.parents[1] / "build/bench/load"
_FILL_COMMANDS = 5_000  # written at once
_RECEIVE_BYTES = 1 << 18


class LoadFailed(Exception):
    """The server answered with an error, or the load generator did not do its work."""


def key_name(number: int, prefix: str = KEY_PREFIX) -> bytes:
    """The 15 bytes that the load generator makes of KEY."""
    return b"%b%012d" % (prefix.encode(), number)


def fill(port: int, keys: int) -> None:
    """SETs keys 0..keys-1 to values of VALUE_BYTES bytes that compress badly."""
    source = random.Random(1)
    pool = "".join(source.choices(string.ascii_letters + string.digits, k=65536)).encode()
    offsets = [source.randrange(len(pool) - VALUE_BYTES) for _ in range(_FILL_COMMANDS)]
    command = b"*3\r\n$3\r\nSET\r\n$15\r\n%b\r\n$32\r\n%b\r\n"
    send_all(port, keys, lambda i: command % (key_name(i), pool[(at := offsets[i % _FILL_COMMANDS]) : at + VALUE_BYTES]))


def fill_counters(port: int, keys: int) -> None:
    """SETs counters 0..keys-1 to a number."""
    command = b"*3\r\n$3\r\nSET\r\n$15\r\n%b\r\n$7\r\n1000000\r\n"
    send_all(port, keys, lambda i: command % key_name(i, COUNTER_PREFIX))


def encode(*words: object) -> bytes:
    """A command as it goes over the wire."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def send_all(port: int, commands: int, make, lines: int = 1) -> None:
    """Sends `make(i)` for every i, reading the replies meanwhile; each must be `lines` lines, and no error."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setblocking(False)
        made = answered = 0
        at_line = True  # the next byte begins one: a piece may end anywhere, and ids have a - as well
        pending = memoryview(b"")
        while answered < commands * lines:
            if not pending and made < commands:
                upto = min(made + _FILL_COMMANDS, commands)
                pending = memoryview(b"".join([make(i) for i in range(made, upto)]))
                made = upto
            readable, writable, _ = select.select([connection], [connection] if pending else [], [], 60)
            if not readable and not writable:
                raise LoadFailed("the server has stopped answering")
            if readable:
                data = connection.recv(_RECEIVE_BYTES)
                if not data or (at_line and data.startswith(b"-")) or b"\n-" in data:
                    raise LoadFailed(f"filling: {data[:200]!r}")
                at_line = data.endswith(b"\n")
                answered += data.count(b"\n")
            if writable:
                pending = pending[connection.send(pending) :]


def build_generator() -> None:
    """Compiles bench/load.cc if that has not been done since it was changed."""
    if _PROGRAM.exists() and _PROGRAM.stat().st_mtime >= _SOURCE.stat().st_mtime:
        return
    _PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-std=c++20", "-O2", *warnings, str(_SOURCE), "-o", str(_PROGRAM)], check=True)


def _arguments(port: int, command: Sequence[str], pipeline: int, requests: int, keys: int) -> list[str]:
    numbers = (port, CONNECTIONS, pipeline, requests, keys)
    return [str(_PROGRAM), *(str(number) for number in numbers), *command]


def run_benchmark(port: int, command: Sequence[str], pipeline: int, requests: int, keys: int) -> float:
    """Sends `requests` commands as fast as the server takes them. Returns requests per second."""
    result = subprocess.run(_arguments(port, command, pipeline, requests, keys), capture_output=True, text=True)
    if result.returncode != 0:
        raise LoadFailed(f"{' '.join(command)}: {result.stderr.strip()}")
    return float(result.stdout)


class EndlessWrites:
    """Random SETs, or another command, at full speed, until the end of the `with` block."""

    PIPELINE = 16

    def __init__(self, port: int, keys: int, command: Sequence[str] = ("SET", KEY, VALUE)) -> None:
        self._arguments = _arguments(port, command, self.PIPELINE, 2_000_000_000, keys)
        self._process: Optional[subprocess.Popen] = None

    def __enter__(self) -> "EndlessWrites":
        self._process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        ended_early = self._process.poll() is not None
        self._process.kill()
        self._process.wait()
        if ended_early:
            raise LoadFailed("the endless writes have ended")


class PacedWrites:
    """Random SETs at a fixed rate by a process of its own, until the end of the `with` block."""

    _INTERVAL_S = 0.01
    _BATCHES = 200  # made before, sent in turn

    def __init__(self, port: int, keys: int, rate: int) -> None:
        self._port, self._keys, self._count = port, keys, int(rate * self._INTERVAL_S)
        self._process = multiprocessing.get_context("fork").Process(target=self._work, daemon=True)

    def __enter__(self) -> "PacedWrites":
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        ended_early = not self._process.is_alive()
        self._process.kill()
        self._process.join()
        if ended_early:
            raise LoadFailed("the paced writes have ended")

    def _work(self) -> None:
        source = random.Random(2)
        batches = [
            b"".join(encode("SET", key_name(source.randrange(self._keys)), VALUE) for _ in range(self._count))
            for _ in range(self._BATCHES)
        ]
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            turn, next_s = 0, time.monotonic()
            while True:
                connection.sendall(batches[turn % self._BATCHES])
                answered = 0
                while answered < self._count:
                    data = connection.recv(_RECEIVE_BYTES)
                    if not data or b"-" in data:
                        return
                    answered += data.count(b"\n")
                turn += 1
                next_s = max(next_s + self._INTERVAL_S, time.monotonic() - 1.0)  # a long halt is not made up for
                time.sleep(max(0.0, next_s - time.monotonic()))
