"""What another client feels: runs the prober beside something and picks the requests of a span of time."""

import array
import os
import pathlib
import subprocess
import sys
import time
from typing import Sequence

RATE = 1_000  # requests per second
_PROBER = pathlib.Path(__file__).with_name("prober.py")

Span = tuple[int, int]  # monotonic ns


class Samples:
    """Latencies of requests and when each was meant to be sent."""

    def __init__(self, output: bytes) -> None:
        numbers = array.array("q")
        numbers.frombytes(output)
        self._first_ns, self._interval_ns = numbers[:2]
        self._latencies_ns = numbers[2:]

    def within(self, spans: Sequence[Span]) -> list[float]:
        """Latencies in ms of the requests that were to be sent within one of the spans."""
        found: list[float] = []
        for begin, end in spans:
            first = max(0, -((self._first_ns - begin) // self._interval_ns))
            last = max(first, (end - self._first_ns) // self._interval_ns + 1)
            found += [latency / 1e6 for latency in self._latencies_ns[first:last]]
        return found


class Prober:
    """The other client; `stop` gives what it saw."""

    def __init__(self, port: int, keys: int) -> None:
        arguments = [sys.executable, str(_PROBER), str(port), str(keys), str(RATE)]
        self._process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        time.sleep(0.5)

    def stop(self) -> Samples:
        output, _ = self._process.communicate()
        if self._process.returncode != 0:
            raise RuntimeError(f"the prober ended with {self._process.returncode}")
        return Samples(output)

    def __enter__(self) -> "Prober":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def p999(latencies_ms: Sequence[float]) -> float:
    """The 99.9th percentile: the smallest value that at most one in a thousand exceeds."""
    ordered = sorted(latencies_ms)
    return ordered[len(ordered) - 1 - len(ordered) // 1000]


def priority_allowed() -> bool:
    """The prober comes before the load generator on their core."""
    return os.geteuid() == 0
