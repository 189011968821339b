"""How much is measured."""

from dataclasses import dataclass
from typing import Iterator

from comparison.contender import Brand
from comparison.row import Row


@dataclass(frozen=True)
class Plan:
    holdfast: Brand
    redis: Brand
    directory: str  # below which the servers keep their files
    keys: int  # of the rows about a big key space
    small_keys: int  # of the rows about the steady state
    seconds: float  # of one steady sample
    repetitions: int
    window_s: float  # of requests for one percentile
    wanted: frozenset[str]  # rows

    @property
    def brands(self) -> tuple[Brand, Brand]:
        return self.holdfast, self.redis

    def wants(self, *rows: str) -> bool:
        return not self.wanted.isdisjoint(rows)


# Key spaces of other sizes are given their share of the seconds allowed for this one.
TARGET_KEYS = 5_000_000

# Rows are given out as soon as they are measured.
Rows = Iterator[Row]
