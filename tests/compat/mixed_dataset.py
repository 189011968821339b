"""Makes datasets of all types and encodings, in several databases, some keys with a time to live."""

import random
from typing import Callable, Iterator

Command = tuple
Dice = random.Random

DATABASES = (0, 1, 7, 15)
FAR_MS = 4102444800000  # 2100, so that nothing expires while it is looked at
# A key in so many is large: beyond every limit of packed forms, several nodes, thousands of elements.
_LARGE_ONE_IN = 400
_KEYS_OF_A_DATABASE = 500
_INTEGERS = (0, 1, -1, 12, 127, 128, -129, 9999, 10000, 1 << 31, -(1 << 63), (1 << 63) - 1)
_SCORES = ("0", "1", "-2.5", "0.1", "inf", "-inf", "1e300", "3.0000000000000004", "17179869184")


def _text(dice: Dice) -> bytes:
    kind = dice.randrange(8)
    if kind < 3:
        return b"%d" % dice.choice((*_INTEGERS, dice.getrandbits(40)))
    if kind < 6:
        return dice.randbytes(dice.randrange(20))
    return b"abcdefghij" * dice.randrange(1, 12) if kind == 6 else b"\r\n*1\r\n"


def _count(dice: Dice, large: bool) -> int:
    return dice.randrange(500, 3000) if large else dice.randrange(1, 12)


def _string(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    yield "SET", key, b"0123456789" * 8000 if large else _text(dice)


def _bitmap(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    yield "SETBIT", key, dice.randrange(100000 if large else 400), 1


def _counter(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    yield "PFADD", key, *(dice.getrandbits(60) for _ in range(_count(dice, large)))


def _list(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    yield "RPUSH", key, *(_text(dice) for _ in range(_count(dice, large)))
    if large:
        yield "LPUSH", key, b"long element " * 2000


def _set(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    if dice.randrange(2):
        yield "SADD", key, *(dice.getrandbits(dice.choice((6, 14, 30, 60))) for _ in range(_count(dice, large)))
    else:
        yield "SADD", key, *(_text(dice) for _ in range(_count(dice, large)))


def _hash(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    yield "HSET", key, *(text for _ in range(_count(dice, large)) for text in (_text(dice), _text(dice)))


def _sorted_set(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    scores = (dice.choice((*_SCORES, dice.randrange(100), dice.random())) for _ in range(_count(dice, large)))
    yield "ZADD", key, *(word for score in scores for word in (score, _text(dice)))


def _places(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    spots = ((dice.uniform(-180, 180), dice.uniform(-85, 85)) for _ in range(_count(dice, large)))
    yield "GEOADD", key, *(word for spot in spots for word in (*spot, _text(dice)))


def _stream(dice: Dice, key: bytes, large: bool) -> Iterator[Command]:
    count = _count(dice, large)
    for number in range(1, count + 1):
        fields = ("a", _text(dice)) if dice.randrange(10) == 0 else ("temperature", number % 40, "place", _text(dice))
        yield "XADD", key, f"{1_600_000_000_000 + number // 3}-{number % 3 + 1}", *fields
    yield "XGROUP", "CREATE", key, "readers", "0"
    for consumer in ("alice", "bob", "carol")[: dice.randrange(4)]:
        yield "XREADGROUP", "GROUP", "readers", consumer, "COUNT", 1 + count // 5, "STREAMS", key, ">"
    if dice.randrange(3) == 0:
        yield "XDEL", key, "1600000000000-2", "1600000000001-1"
    if dice.randrange(5) == 0:
        yield "XTRIM", key, "MAXLEN", count // 2
    if dice.randrange(5) == 0:
        yield "XGROUP", "CREATE", key, "late", "$"


_KINDS: tuple[Callable[[Dice, bytes, bool], Iterator[Command]], ...] = (
    _string, _string, _string, _bitmap, _counter, _list, _list, _set, _set, _hash, _hash, _sorted_set, _sorted_set, _places,
    _stream,
)  # fmt: skip


def mixed_commands(keys: int, seed: int, prefix: str = "key") -> Iterator[Command]:
    """What makes `keys` keys, all different; depends on nothing but the arguments."""
    dice = random.Random(seed)
    for number in range(keys):
        if number % _KEYS_OF_A_DATABASE == 0:
            yield "SELECT", dice.choice(DATABASES)
        key = f"{prefix}:{number}:".encode() + dice.randbytes(dice.randrange(3))
        yield from dice.choice(_KINDS)(dice, key, dice.randrange(_LARGE_ONE_IN) == 0)
        if dice.randrange(5) == 0:
            yield "PEXPIREAT", key, FAR_MS + dice.getrandbits(32)
