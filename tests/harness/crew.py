"""Processes that load one server at the same time, each with its own random numbers and the same end.

    crew = Crew(server.port, seed, seconds)
    crew.add(count_up, "counter", times=4)      # count_up(shift, "counter") in four processes
    results = crew.run()                        # [what each returned], in the order they were added
"""

import multiprocessing
import os
import random
import time
import traceback
from typing import Callable, Iterator

from harness.client import Client

# How long a member may go on after the end of its shift, e.g. to read the replies of a last pipeline.
OVERTIME_S = 60.0
_FORK = multiprocessing.get_context("fork")


class CrewFailed(AssertionError):
    """A member has failed or does not come to an end; the text holds its traceback."""


def stress_seconds(share: float = 1.0) -> float:
    """How long a workload runs: HOLDFAST_STRESS_SECONDS, else 1 s times HOLDFAST_EFFORT."""
    seconds = os.environ.get("HOLDFAST_STRESS_SECONDS") or float(os.environ.get("HOLDFAST_EFFORT", "1"))
    return float(seconds) * share


def stress_seed() -> int:
    """HOLDFAST_STRESS_SEED, else another one each time. It is printed, so a failure shows it."""
    seed = int(os.environ.get("HOLDFAST_STRESS_SEED") or random.SystemRandom().randrange(1 << 31))
    print(f"HOLDFAST_STRESS_SEED={seed}")
    return seed


class Shift:
    """What a member is given: the server's port, its number, random numbers of its own, the end of the shift."""

    def __init__(self, port: int, number: int, seed: int, seconds: float, finished: object) -> None:
        self.port = port
        self.number = number
        self.random = random.Random(f"{seed}/{number}")
        self._end = time.monotonic() + seconds
        self._finished = finished

    def goes_on(self) -> bool:
        return time.monotonic() < self._end and not self._finished.is_set()

    def turns(self, at_least: int = 1) -> Iterator[int]:
        """Counts from 0 until the shift is over, but does not end before `at_least` turns."""
        turn = 0
        while turn < at_least or self.goes_on():
            yield turn
            turn += 1

    def client(self, timeout_s: float = 30.0) -> Client:
        return Client(self.port, timeout_s=timeout_s)


class Crew:
    def __init__(self, port: int, seed: int, seconds: float) -> None:
        self._port, self._seed, self._seconds = port, seed, seconds
        self._members: list[tuple[object, object, str]] = []
        self._jobs: list[tuple[Callable, tuple]] = []
        self._finished = _FORK.Event()

    def add(self, job: Callable, *arguments: object, times: int = 1) -> None:
        self._jobs += [(job, arguments)] * times

    def start(self) -> None:
        for number, (job, arguments) in enumerate(self._jobs):
            receiver, sender = _FORK.Pipe(duplex=False)
            process = _FORK.Process(target=self._work, args=(number, job, arguments, sender), daemon=True)
            process.start()
            sender.close()
            self._members.append((process, receiver, f"{job.__name__} (member {number})"))

    def end_now(self) -> None:
        """Ends the shift of all before its time."""
        self._finished.set()

    def results(self) -> list:
        """Waits for all. Raises CrewFailed for the first that failed, after all have ended."""
        deadline = time.monotonic() + self._seconds + OVERTIME_S
        results, failures = [], []
        try:
            for process, receiver, name in self._members:
                try:
                    if not receiver.poll(max(0.0, deadline - time.monotonic())):
                        failures.append(f"{name} did not come to an end")
                        continue
                    good, result = receiver.recv()
                except EOFError:
                    good, result = False, "ended without a result"
                if good:
                    results.append(result)
                else:
                    self.end_now()
                    failures.append(f"{name}:\n{result}")
        finally:
            for process, receiver, _ in self._members:
                process.join(0.5)
                if process.is_alive():
                    process.kill()
                    process.join()
                receiver.close()
        if failures:
            raise CrewFailed(f"seed {self._seed}: " + "\n".join(failures))
        return results

    def run(self) -> list:
        self.start()
        return self.results()

    def _work(self, number: int, job: Callable, arguments: tuple, sender: object) -> None:
        try:
            shift = Shift(self._port, number, self._seed, self._seconds, self._finished)
            sender.send((True, job(shift, *arguments)))
        except BaseException:
            sender.send((False, traceback.format_exc()))
