"""The dice and the words: keys, values, numbers and times that commands are made of.

Nothing here may depend on the clock. Relative expiries are far away and no two of them are within a run's length of
each other; absolute ones lie beyond every relative one or in the distant past. So two servers that execute a command
some milliseconds apart decide alike.
"""

import random
from typing import Sequence, TypeVar

Item = TypeVar("Item")

KEYS = tuple(b"k%d" % number for number in range(32)) + (b"", b"\x00\xff key", b"{tag}1", b"{tag}2", b"K1", b"L" * 300)
# Keys of their own for LCS, whose cost is the product of two lengths; their values stay short.
LCS_KEYS = tuple(b"lcs%d" % number for number in range(6))
DATABASES = (b"0", b"0", b"0", b"1", b"1", b"2", b"3", b"15")
WRONG_DATABASES = (b"16", b"-1", b"abc", b"", b"1.5", b"9223372036854775808", b"4294967296")
INTEGERS = (
    b"0", b"1", b"-1", b"2", b"10", b"-7", b"100", b"9999", b"10000", b"255", b"-128", b"32768", b"2147483647",
    b"-2147483649", b"4294967296", b"9223372036854775807", b"-9223372036854775808", b"9223372036854775806",
    b"-9223372036854775807", b"4611686018427387904",
)  # fmt: skip
WRONG_NUMBERS = (
    b"abc", b"", b" 1", b"1 ", b"+1", b"01", b"-0", b"1.0", b"1e3", b"0x10", b"9223372036854775808",
    b"-9223372036854775809", b"99999999999999999999999", b"1\x00",
)  # fmt: skip
FLOATS = (
    b"0", b"1.5", b"-1.5", b"0.1", b"0.2", b"3.0", b"1e3", b"-2.5e-3", b"1e-17", b"1e22", b"0x1p3", b".5", b"5.",
    b"1234567.891", b"100000000000000000", b"0.33333333333333333333", b"-0.0", b"1e300", b"-1e300", b"17179869184.5",
)  # fmt: skip
WRONG_WAITS = (b"-1", b"nan", b"inf", b"abc", b"", b" 1", b"1e300", b"9223372036854775807", b"1,5")
WRONG_FLOATS = (b"abc", b"", b" 1", b"1 ", b"nan", b"inf", b"-inf", b"1e5000", b"1e-5000", b"1,5", b"1\x00")
TEXTS = (
    b"", b"a", b"abc", b"hello world", b"x" * 20, b"y" * 44, b"z" * 45, b"\x00\xff\r\n", b"12abc", b"-", b"w" * 200,
    b"the quick brown fox jumps over the lazy dog " * 4,
)  # fmt: skip

_RELATIVE_FIRST_S = 100_000
_RELATIVE_STEP_S = 10_000
_RELATIVE_COUNT = 1_000_003  # a prime, so that a stride visits all of them
_RELATIVE_STRIDE = 618_033
_ABSOLUTE_S = tuple(20_000_000_000 + step * 7_777 for step in range(8))
_PAST_S = (b"1", b"1000", b"1600000000")


class Source:
    """One seeded stream of choices. `said_past` turns true when an expiry in the past was handed out."""

    def __init__(self, seed: str) -> None:
        self._rng = random.Random(seed)
        self.random = self._rng.random
        self.said_past = False
        self._relative = self._rng.randrange(_RELATIVE_COUNT)
        self._ascending = 1

    def pick(self, options: Sequence[Item]) -> Item:
        return options[int(self.random() * len(options))]

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def below(self, limit: int) -> int:
        return int(self.random() * limit)

    def key(self) -> bytes:
        return KEYS[int(self.random() * len(KEYS))]

    def keys(self, most: int = 4) -> list[bytes]:
        return [self.key() for _ in range(1 + self.below(most))]

    def database(self) -> bytes:
        return self.pick(DATABASES if self.random() < 0.93 else WRONG_DATABASES)

    def integer(self) -> bytes:
        dice = self.random()
        if dice < 0.5:
            return b"%d" % (self.below(200) - 100)
        return self.pick(INTEGERS if dice < 0.9 else WRONG_NUMBERS)

    def float_text(self) -> bytes:
        dice = self.random()
        if dice < 0.3:
            return b"%.*f" % (self.below(18), self._rng.uniform(-1000, 1000))
        return self.pick(FLOATS if dice < 0.9 else WRONG_FLOATS)

    def value(self) -> bytes:
        dice = self.random()
        if dice < 0.35:
            return b"%d" % (self.below(20000) - 10000)
        if dice < 0.45:
            return self.pick(INTEGERS)
        if dice < 0.55:
            return self.pick(FLOATS)
        if dice < 0.60:
            return self._rng.randbytes(self.below(60))
        if dice < 0.605:
            return b"long" * self.below(1000)
        return self.pick(TEXTS)

    def offset(self) -> bytes:
        """A position in a string: mostly inside, sometimes past a limit, never one that allocates much."""
        dice = self.random()
        if dice < 0.8:
            return b"%d" % (self.below(60) - 20)
        if dice < 0.85:
            return b"%d" % self.below(5000)
        return self.pick((b"-1", b"0", b"536870912", b"4294967296", *INTEGERS[-5:], *WRONG_NUMBERS))

    def seconds(self) -> bytes:
        """A relative expiry that no other one of this run resembles, or an edge that is an error or deletes at once."""
        dice = self.random()
        if dice < 0.8:
            return b"%d" % self._unique_seconds()
        return self.pick((b"0", b"-1", b"-100", b"9223372036854775807", b"9223372036854776", *WRONG_NUMBERS))

    def wait_seconds(self) -> bytes:
        """How long a command may wait for keys; short, should it really come to wait."""
        return self.pick((b"0.001", b"0.002", b"1e-3", b".001", b"0x0.01")) if self.random() < 0.85 else self.pick(WRONG_WAITS)

    def milliseconds(self) -> bytes:
        if self.random() < 0.8:
            return b"%d" % (self._unique_seconds() * 1000 + self.below(1000))
        return self.pick((b"0", b"-1", b"-100", b"9223372036854775807", *WRONG_NUMBERS))

    def unix_seconds(self) -> bytes:
        dice = self.random()
        if dice < 0.85:
            return b"%d" % self.pick(_ABSOLUTE_S)
        if dice < 0.92:
            return self.pick(_PAST_S)
        return self.pick((b"0", b"-1", b"9223372036854775807", b"9223372036854775", *WRONG_NUMBERS))

    def unix_milliseconds(self) -> bytes:
        dice = self.random()
        if dice < 0.85:
            return b"%d" % (self.pick(_ABSOLUTE_S) * 1000 + self.below(3) * 499)
        if dice < 0.92:
            return self.pick(_PAST_S)
        return self.pick((b"0", b"-1", b"9223372036854775807", *WRONG_NUMBERS))

    def expiry_option(self) -> list[bytes]:
        """EX, PX, EXAT or PXAT with its time."""
        word = self.pick((b"EX", b"PX", b"EXAT", b"PXAT"))
        if word == b"EX":
            return [word, self.seconds()]
        if word == b"PX":
            return [word, self.milliseconds()]
        time = self.unix_seconds() if word == b"EXAT" else self.unix_milliseconds()
        self.said_past = self.said_past or time in _PAST_S
        return [word, time]

    def some(self, *options: list[bytes], probability: float = 0.4) -> list[bytes]:
        """Each of the options with the given probability, in any order, flattened."""
        chosen = [option for option in options if self.random() < probability]
        if len(chosen) > 1:
            self._rng.shuffle(chosen)
        return [word for option in chosen for word in option]

    def any_case(self, word: bytes) -> bytes:
        return bytes(self.pick((b.upper(), b.lower()))[0] for b in (word[i : i + 1] for i in range(len(word))))

    def ascend(self, limit: int) -> int:
        """A number that is not less than any before it, and by less than `limit` greater than the last one."""
        self._ascending += self.below(limit)
        return self._ascending

    def _unique_seconds(self) -> int:
        self._relative = (self._relative + _RELATIVE_STRIDE) % _RELATIVE_COUNT
        return _RELATIVE_FIRST_S + self._relative * _RELATIVE_STEP_S
