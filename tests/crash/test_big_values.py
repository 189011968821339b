"""One value of many members, written all the time while it is saved: the file holds it as it was at one moment, and memory
grows by what was written meanwhile, not by a second copy of the value.

The n-th write to the value follows from n. So its content after the first n writes is known for each n, and a file must hold exactly
one of these contents: its n is read off it, then all members are compared.
"""

import os
import shutil
import threading
import time
from dataclasses import dataclass
from typing import Callable, Iterator

import pytest

from crash.reference import NO_SAVE, digest, reference_on_copy
from harness import CheckedServer, encode_command

EFFORT = int(os.environ.get("HOLDFAST_EFFORT", "1"))
# 10 million in ./check full.
MEMBERS = 200_000 if EFFORT == 1 else 1_000_000 * EFFORT
STEP = 7919  # prime, and no divisor of MEMBERS
KEY = "big"
BATCH = 1_000
WINDOW = 50  # writes on the way at once
WAIT_S = 60.0 + 30.0 * EFFORT
# What a save needs whatever it saves (blocks on their way to the file), and what one write may copy of the value at most.
SAVE_BYTES = 5 << 20
WRITE_BYTES = 256


def slot(n: int) -> int:
    """The member that write n is about."""
    return n * STEP % MEMBERS


def member(i: int) -> bytes:
    return b"member:%024d" % i


def added(n: int) -> bytes:
    return b"added:%025d" % n


class Overwritten:
    """All members have number 0 at first; write n (1, 2, ...) sets the number of slot(n) to n."""

    @staticmethod
    def check(numbers: list[int]) -> int:
        assert len(numbers) == MEMBERS
        last = max(numbers)
        expected = [0] * MEMBERS
        for n in range(1, last + 1):
            expected[slot(n)] = n
        assert numbers == expected
        return last


class Exchanged:
    """Write n takes away the member slot(n) and puts a new one in, as one command each."""

    @staticmethod
    def check(old: set[int], new: set[int]) -> int:
        gone = MEMBERS - len(old)
        assert len(new) in (gone - 1, gone), "members were taken away and added in turn"
        assert new == set(range(1, len(new) + 1))
        assert old == set(range(MEMBERS)) - {slot(n) for n in range(1, gone + 1)}
        return gone


@dataclass(frozen=True)
class Kind:
    fill: Callable[[int, int], tuple]  # the command that adds members first .. end - 1
    write: Callable[[int], list[tuple]]
    check: Callable[[object], int]  # of a client: the number of the last write that the value has


def _pages(client, count: int, command: Callable[[int, int], tuple]) -> Iterator[list]:
    for first in range(0, count, BATCH):
        yield client.must(*command(first, min(first + BATCH, count))).value


def _scan(client, command: str) -> Iterator[list]:
    cursor = b"0"
    while True:
        cursor, page = (part.value for part in client.must(command, KEY, cursor, "COUNT", BATCH).value)
        yield page
        if cursor == b"0":
            return


def _numbers_by_name(pages: Iterator[list]) -> list[int]:
    numbers = {}
    for page in pages:
        for name, number in zip(page[::2], page[1::2]):
            numbers[name.value] = int(number.value)
    return [numbers[member(i)] for i in range(max(MEMBERS, len(numbers)))]


def _parts(names: Iterator[bytes]) -> tuple[set[int], set[int]]:
    old, new = set(), set()
    for name in names:
        word, number = name.split(b":")
        (old if word == b"member" else new).add(int(number))
    return old, new


def _hash(client) -> int:
    return Overwritten.check(_numbers_by_name(_scan(client, "HSCAN")))


def _zset(client) -> int:
    count = client.must("ZCARD", KEY).value
    return Overwritten.check(_numbers_by_name(
        _pages(client, count, lambda first, end: ("ZRANGE", KEY, first, end - 1, "WITHSCORES"))))  # fmt: skip


def _list(client) -> int:
    count = client.must("LLEN", KEY).value
    pages = _pages(client, count, lambda first, end: ("LRANGE", KEY, first, end - 1))
    return Overwritten.check([int(item.value) for page in pages for item in page])


def _set(client) -> int:
    return Exchanged.check(*_parts(item.value for page in _scan(client, "SSCAN") for item in page))


def _entries(client) -> Iterator[bytes]:
    start = "-"
    while page := client.must("XRANGE", KEY, start, "+", "COUNT", BATCH).value:
        for entry in page:
            name, fields = (part.value for part in entry.value)
            number = int(name.split(b"-")[0]) - 1
            assert fields[1].value == (text := member(number) if number < MEMBERS else added(number - MEMBERS + 1))
            yield text
        start = b"(" + name


def _stream(client) -> int:
    return Exchanged.check(*_parts(_entries(client)))


def _each(make: Callable[[int], tuple]) -> Callable[[int, int], tuple]:
    """One command of many words out of those for each member."""
    return lambda first, end: tuple(word for i in range(first, end) for word in make(i))


# Entries of the ids ARGV[1]-1, and so on.
XADD_MANY = "for i = 2, #ARGV do redis.call('XADD', KEYS[1], (ARGV[1] + i - 2) .. '-1', 'm', ARGV[i]) end"

KINDS = {
    "hash": Kind(lambda first, end: ("HSET", KEY, *_each(lambda i: (member(i), 0))(first, end)),
                 lambda n: [("HSET", KEY, member(slot(n)), n)], _hash),
    "zset": Kind(lambda first, end: ("ZADD", KEY, *_each(lambda i: (0, member(i)))(first, end)),
                 lambda n: [("ZADD", KEY, n, member(slot(n)))], _zset),
    "list": Kind(lambda first, end: ("RPUSH", KEY, *["0"] * (end - first)),
                 lambda n: [("LSET", KEY, slot(n), n)], _list),
    "set": Kind(lambda first, end: ("SADD", KEY, *_each(lambda i: (member(i),))(first, end)),
                lambda n: [("SREM", KEY, member(slot(n))), ("SADD", KEY, added(n))], _set),
    "stream": Kind(lambda first, end: ("EVAL", XADD_MANY, 1, KEY, first + 1, *map(member, range(first, end))),
                   lambda n: [("XDEL", KEY, "%d-1" % (slot(n) + 1)), ("XADD", KEY, "%d-1" % (MEMBERS + n), "m", added(n))], _stream),
}  # fmt: skip


class Writer:
    """Writes 1, 2, ... by one connection, until told to stop or until all slots were written."""

    def __init__(self, server, kind: Kind) -> None:
        self.acknowledged = 0
        self._server, self._kind = server, kind
        self._stop = threading.Event()
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failed:
            raise self._failed[0]

    def _run(self) -> None:
        try:
            with self._server.client(timeout_s=WAIT_S) as client:
                while not self._stop.is_set() and self.acknowledged + WINDOW < MEMBERS:
                    first = self.acknowledged + 1
                    commands = [command for n in range(first, first + WINDOW) for command in self._kind.write(n)]
                    client.send_raw(b"".join(encode_command(command) for command in commands))
                    for command in commands:
                        reply = client.read_reply()
                        assert not isinstance(reply.value, str) and reply.kind.name != "ERROR", (command, reply)
                    self.acknowledged += WINDOW
        except BaseException as failure:  # for the thread that waits
            self._failed.append(failure)


def _info(client, field: str) -> str:
    for line in client.must("INFO", "everything").value.decode().splitlines():
        if line.startswith(field + ":"):
            return line.partition(":")[2]
    raise KeyError(field)


def _save(server, writer: Writer, command: str, busy: str, outcome: str) -> tuple[int, int]:
    """Saves while the writer writes; the writes that were acknowledged before and after."""
    with server.client(timeout_s=WAIT_S) as client:
        before, bytes_before = writer.acknowledged, int(_info(client, "used_memory"))
        peak, deadline = bytes_before, time.monotonic() + WAIT_S
        client.must(command)
        while _info(client, busy) != "0":
            peak = max(peak, int(_info(client, "used_memory")))
            assert time.monotonic() < deadline, server.log_tail()
        assert _info(client, outcome) == "ok"
        after = writer.acknowledged
    grown, written = peak - bytes_before, after + WINDOW - before
    assert grown <= SAVE_BYTES + WRITE_BYTES * written, f"{grown} bytes more while {written} writes were made"
    return before, after


def _content_of(dump, directory, kind: Kind) -> int:
    """The number of the last write in an RDB file. redis-server must find the same in it."""
    directory.mkdir()
    shutil.copy(dump, directory / "dump.rdb")
    with CheckedServer(NO_SAVE, directory=directory) as server, server.client(timeout_s=WAIT_S) as client:
        last = kind.check(client)
        if EFFORT == 1:  # a digest of ten million members is not for a test's patience
            with reference_on_copy(directory, appendonly=False) as reference:
                assert digest(reference) == client.must("DEBUG", "DIGEST").value
    return last


@pytest.mark.parametrize("name", KINDS)
def test_a_big_value_is_saved_as_it_was_while_it_is_written(tmp_path, name):
    kind = KINDS[name]
    directory = tmp_path / "data"
    directory.mkdir()
    directives = NO_SAVE + ["--threads", "2", "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"]
    with CheckedServer(directives, directory=directory) as server:
        with server.client(timeout_s=WAIT_S) as client:
            for first in range(0, MEMBERS, BATCH):
                client.must(*kind.fill(first, min(first + BATCH, MEMBERS)))
        with Writer(server, kind) as writer:
            while writer.acknowledged < WINDOW:
                time.sleep(0.001)
            before, after = _save(server, writer, "BGSAVE", "rdb_bgsave_in_progress", "rdb_last_bgsave_status")
            rewritten = _save(server, writer, "BGREWRITEAOF", "aof_rewrite_in_progress", "aof_last_bgrewrite_status")
        with server.client(timeout_s=WAIT_S) as client:
            assert kind.check(client) == writer.acknowledged
    (base,) = (directory / "appendonlydir").glob("*.base.rdb")
    assert before <= _content_of(directory / "dump.rdb", tmp_path / "dump", kind) <= after + WINDOW
    assert rewritten[0] <= _content_of(base, tmp_path / "base", kind) <= rewritten[1] + WINDOW
    # Base and increment together are all that was acknowledged.
    with CheckedServer(directives, directory=directory) as server, server.client(timeout_s=WAIT_S) as client:
        assert kind.check(client) == writer.acknowledged


def test_the_judges_find_faults():
    numbers = [0] * MEMBERS
    for n in range(1, 11):
        numbers[slot(n)] = n
    assert Overwritten.check(numbers) == 10
    numbers[slot(5)] = 0  # a write that others have overtaken
    with pytest.raises(AssertionError):
        Overwritten.check(numbers)
    old = set(range(MEMBERS)) - {slot(n) for n in range(1, 11)}
    assert Exchanged.check(old, set(range(1, 10))) == 10
    for fault in (set(range(1, 12)), set(range(2, 12)), set(range(1, 9))):
        with pytest.raises(AssertionError):
            Exchanged.check(old, fault)
    with pytest.raises(AssertionError):
        Exchanged.check((old | {slot(3)}) - {slot(11)}, set(range(1, 11)))
