"""Bytes for a server that expects requests: valid ones, nonsense, and every kind of damage in between."""

import random

from compat.generator import Generator
from compat.grammar import load_rules
from harness.resp import encode_command

_LENGTHS = (b"-1", b"-2", b"0", b"1", b"00", b"+3", b"1 ", b"", b"a", b"3\n", b"10", b"11", b"1024", b"16384", b"16385", b"65536",
            b"1048576", b"1048577", b"536870912", b"536870913", b"2147483647", b"2147483648", b"4294967296",
            b"9223372036854775807", b"9223372036854775808", b"99999999999999999999999")  # fmt: skip
_WORDS = (b"", b"0", b"-1", b"1", b"3", b"100", b"1.5", b"nan", b"inf", b"-inf", b"*", b"(1", b"[a", b"+", b"-", b"$", b">", b"0-0",
          b"k1", b"k2", b"{k}3", b"l", b"h", b"s", b"z", b"x", b"\x00", b"\xff\xfe", b"a" * 100, b"9223372036854775807",
          b"COUNT", b"MATCH", b"STORE", b"BY", b"GET", b"LIMIT", b"WITHSCORES", b"KEYS", b"STREAMS", b"GROUP", b"BLOCK",
          b"NX", b"XX", b"EX", b"PX", b"WEIGHTS", b"AGGREGATE", b"return redis.call('get', KEYS[1])")  # fmt: skip
_INLINE = (b"PING\n", b"\r\n", b"\n", b"GET 'a\n", b'GET "a\\x', b"GET \"a\"b\r\n", b"\x00\x00\x00", b"GET / HTTP/1.1\r\nHost: x\r\n",
           b"POST / HTTP/1.1\r\n\r\n", b"Host: a\r\n", b"SET a b\r\n" * 3, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")  # fmt: skip


class Mutations:
    """The same seed and names make the same bytes."""

    def __init__(self, seed: int, names: list[bytes]) -> None:
        self._dice = random.Random(seed)
        self._names = names
        self._valid = Generator(seed, 0, load_rules())
        self._batch: list[list[bytes]] = []

    def pieces(self) -> list[bytes]:
        """What one connection sends, cut where it pleases."""
        dice = self._dice
        data = bytearray()
        for _ in range(dice.randrange(1, 12)):
            data += self._request()
        for _ in range(dice.choice((0, 0, 1, 1, 2, 8))):
            self._damage(data)
        cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.choice((0, 0, 1, 3))))
        return [bytes(data[a:b]) for a, b in zip([0, *cuts], [*cuts, len(data)])]

    def _request(self) -> bytes:
        dice = self._dice
        kind = dice.random()
        if kind < 0.45:
            if not self._batch:
                self._batch = self._valid.batch()
            return encode_command(self._batch.pop())
        if kind < 0.9:
            name = dice.choice(self._names)
            words = name.split(b"|") + [dice.choice(_WORDS) for _ in range(dice.choice((0, 1, 2, 3, 4, 5, 9, 20)))]
            return encode_command(words)
        return dice.choice(_INLINE)

    def _damage(self, data: bytearray) -> None:
        dice = self._dice
        if not data:
            return
        at = dice.randrange(len(data))
        kind = dice.randrange(7)
        if kind == 0:
            data[at] ^= 1 << dice.randrange(8)
        elif kind == 1:
            del data[at:]
        elif kind == 2:
            del data[at : at + dice.randrange(1, 10)]
        elif kind == 3:
            data[at:at] = dice.randbytes(dice.randrange(1, 10))
        elif kind == 4:
            data[at:at] = data[at : at + dice.randrange(200)]
        else:
            # A length says something else: the digits behind a * or $.
            found = [i for i in range(len(data)) if data[i] in b"*$"]
            if found:
                begin = dice.choice(found) + 1
                end = data.find(b"\r", begin)
                data[begin : end if end >= 0 else len(data)] = dice.choice(_LENGTHS)
