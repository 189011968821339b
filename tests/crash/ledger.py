"""What one connection has asked for and been told: the evidence after a crash.

Every command of a writer is a `Step` on keys that only this writer changes, so the state after its first m steps is
known for every m. After a crash the server must hold the state after some m: a prefix of what was sent, and no shorter
than what the fsync policy promises of what was acknowledged.
"""

import random
import time
from typing import NamedTuple, Optional

Words = tuple[object, ...]
KEYS_PER_WRITER = 6
# A log of tokens starts again before it gets long.
LOG_BYTES_MAX = 4000
LARGE_BYTES = 40000


class Step(NamedTuple):
    """One command or transaction: what is sent, what keys hold afterwards (None: no such key)."""

    commands: tuple[Words, ...]
    after: dict[bytes, Optional[bytes]]


class Plan:
    """The steps of a writer, from its name and seed alone: the same again for whoever checks."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self._random = random.Random(f"{seed}/{name}")
        self._state: dict[bytes, bytes] = {}
        self._number = 0

    def key(self, word: object) -> bytes:
        return f"{self.name}:{word}".encode()

    def next_step(self) -> Step:
        """A step that leaves its number behind somewhere, so that no two states of a writer are alike."""
        self._number += 1
        number = str(self._number).encode()
        last = self.key("last")
        kind = self._random.randrange(12)
        which = self._random.randrange(KEYS_PER_WRITER)
        if kind < 4:
            key = self.key(f"set{which}")
            # A transaction of one command that is none, and a large value now and then.
            value = number * (LARGE_BYTES // len(number)) if kind == 0 and which == 0 else number
            return self._step([("MSET", key, value, last, number)], {key: value, last: number})
        if kind < 6:
            return self._step([("INCR", self.key("count"))], {self.key("count"): self._plus_one(self.key("count"))})
        if kind < 8:
            key = self.key("log")
            text = self._state.get(key, b"")
            if len(text) > LOG_BYTES_MAX:
                return self._step([("SET", key, number + b";")], {key: number + b";"})
            return self._step([("APPEND", key, number + b";")], {key: text + number + b";"})
        if kind < 10:
            twins = [self.key("twin:a"), self.key("twin:b")]
            return self._transaction([("SET", key, number) for key in twins], {key: number for key in twins})
        if kind < 11:
            gone, kept = self.key(f"set{which}"), self.key("moved")
            writes = [("SET", gone, number), ("RENAME", gone, kept), ("INCR", self.key("count"))]
            after = {gone: None, kept: number, self.key("count"): self._plus_one(self.key("count"))}
            return self._transaction(writes, after)
        key = self.key(f"set{which}")
        return self._step([("SET", key, number, "EX", 100000)], {key: number})

    def _plus_one(self, key: bytes) -> bytes:
        return str(int(self._state.get(key, b"0")) + 1).encode()

    def _transaction(self, writes: list[Words], after: dict) -> Step:
        return self._step([("MULTI",), *writes, ("EXEC",)], after)

    def _step(self, commands: list[Words], after: dict) -> Step:
        for key, value in after.items():
            if value is None:
                self._state.pop(key, None)
            else:
                self._state[key] = value
        return Step(tuple(commands), after)


class Ledger(NamedTuple):
    """How far a writer has come: `sent` steps, and of these `acknowledged` with the time of every few."""

    name: str
    sent: int
    acknowledged: int
    # (time.monotonic(), steps acknowledged by then), ascending
    times: tuple[tuple[float, int], ...]

    def acknowledged_by(self, moment: float) -> int:
        return max((steps for when, steps in self.times if when <= moment), default=0)


class Shortfall(AssertionError):
    """The server does not hold what it must."""


def steps_held(ledger: Ledger, seed: int, held: dict[bytes, bytes]) -> int:
    """The largest m for which `held` is the state after the first m steps. Raises Shortfall when there is none."""
    plan = Plan(ledger.name, seed)
    prefix = ledger.name.encode() + b":"
    mine = {key: value for key, value in held.items() if key.startswith(prefix)}
    state: dict[bytes, bytes] = {}
    different = set(mine)
    found = 0 if not different else None
    for number in range(1, ledger.sent + 1):
        for key, value in plan.next_step().after.items():
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
            (different.discard if state.get(key) == mine.get(key) else different.add)(key)
        if not different:
            found = number
    if found is None:
        shown = {key: (value[:60], len(value)) for key, value in mine.items()}
        raise Shortfall(f"{ledger.name}: what is held is the state after no number of its {ledger.sent} steps: {shown}")
    return found


def check(ledger: Ledger, seed: int, held: dict[bytes, bytes], promised: int) -> int:
    """`promised` steps at least must be held; returns how many are."""
    steps = steps_held(ledger, seed, held)
    if steps < promised:
        raise Shortfall(
            f"{ledger.name}: {steps} steps are held, {promised} were promised"
            f" ({ledger.acknowledged} acknowledged, {ledger.sent} sent)"
        )
    return steps


def now() -> float:
    return time.monotonic()
