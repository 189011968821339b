"""A row of a family's table."""

import enum
from dataclasses import dataclass
from typing import Callable

from compat.grammar.source import Source


class Compared(enum.Enum):
    """How the replies of a command are held against each other."""

    EXACTLY = "byte for byte"
    UNORDERED = "arrays in any order"
    NEAR = "numbers may differ by what two servers' clocks do"
    TIMES = "Unix times and idle times may differ by what two servers' clocks do"
    PAYLOAD = "payloads of DUMP: elements of a hash table in any order"
    BY_KIND = "only the kind of reply"


@dataclass(frozen=True)
class Rule:
    """One command (`make` gives its arguments, without the name), said `weight` times as often as a rule of weight 1.

    waits    it may wait for keys, which takes time: only said inside MULTI, where it does not
    mutable  False where a random word in place of an argument could do something that depends on time or is costly
    """

    name: bytes
    weight: float
    make: Callable[[Source], list[bytes]]
    compared: Compared = Compared.EXACTLY
    mutable: bool = True
    waits: bool = False
