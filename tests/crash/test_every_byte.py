"""Every byte of small files flipped, and every length they could be cut to: each start serves the whole, or refuses and names
the file, or, where only the end of the log is missing, serves a beginning of its history and says so.

All of it in `./check full`; else a part, another one for each seed.
"""

import os
import pathlib
import random
import re
from typing import Iterator, NamedTuple, Optional

import pytest

from crash.damaged_start import Files, Outcome, State, built, read_files, read_state, start, start_all
from harness import SocketClient
from harness.crew import stress_seed
from harness.waiting import until

EFFORT = float(os.environ.get("HOLDFAST_EFFORT", "1"))
# Of the cases of a file set, without `./check full`.
SAMPLE = 150
BITS = [1 << bit for bit in range(8)] + [0xFF]
FAR_MS = 4102444800000
LIBRARY = "#!lua name=shop\nredis.register_function('sell', function(keys) return redis.call('INCR', keys[1]) end)"

# All types, some in a second database, times to live of keys and of fields.
BASE = [
    ("SET", "text", "hello"), ("SET", "number", 12345), ("SET", "long", "abcdefgh" * 30), ("RPUSH", "list", "a", "b", 7),
    ("SADD", "numbers", 1, 2, 300), ("SADD", "words", "x", "y"), ("HSET", "hash", "f", "v", "g", 5), ("ZADD", "scores", 1.5, "m", 2, "n"),
    ("XADD", "events", "1-1", "f", "v"), ("XGROUP", "CREATE", "events", "group", 0), ("XREADGROUP", "GROUP", "group", "me", "STREAMS", "events", ">"),
    ("PFADD", "visitors", "p", "q"), ("SET", "brief", "v", "PXAT", FAR_MS), ("HSET", "fading", "f", "v"),
    ("HPEXPIREAT", "fading", FAR_MS, "FIELDS", 1, "f"), ("SELECT", 1), ("SET", "elsewhere", "v"), ("SELECT", 0),
    ("FUNCTION", "LOAD", LIBRARY),
]  # fmt: skip
# One unit of the log each.
UNITS = [
    [("SET", "text", "later")], [("INCR", "number")], [("LPOP", "list")], [("HSET", "hash", "f", "changed")],
    [("MULTI",), ("INCR", "number"), ("APPEND", "text", "-more"), ("EXEC",)], [("PEXPIREAT", "words", FAR_MS + 1)],
    [("ZADD", "scores", 9, "m")], [("SELECT", 1), ("INCR", "count"), ("SELECT", 0)], [("XADD", "events", "2-1", "g", "w")], [("DEL", "brief")],
]  # fmt: skip


class Damage(NamedTuple):
    name: str
    place: int
    flip: Optional[int]  # bits; None: the file ends here

    def apply(self, files: Files) -> Files:
        data = files[self.name]
        if self.flip is None:
            data = data[: self.place]
        else:
            data = data[: self.place] + bytes([data[self.place] ^ self.flip]) + data[self.place + 1 :]
        return {**files, self.name: data}


class Sound(NamedTuple):
    """Files as a server has left them, and what they hold."""

    files: Files
    states: list[State]  # after each unit of the log; the last is the whole
    directives: tuple[str, ...]

    def names(self, pattern: str) -> list[str]:
        return [name for name in self.files if re.search(pattern, name)]


def _fill(client: SocketClient, commands: list[tuple]) -> None:
    for command in commands:
        client.must(*command)


def _rewrite(client: SocketClient) -> None:
    until(lambda: b"aof_rewrite_in_progress:0" in client.must("INFO", "persistence").value)
    client.must("BGREWRITEAOF")
    until(lambda: b"aof_rewrite_in_progress:0" in client.must("INFO", "persistence").value)


def _write_units(client: SocketClient, units: list[list[tuple]], states: list[State]) -> None:
    for unit in units:
        _fill(client, unit)
        states.append(read_state(client))
        client.must("SELECT", 0)


def _next_increment(client: SocketClient, folder: pathlib.Path) -> None:
    """The first replica that comes makes the log begin another increment."""
    before = len(list(folder.glob("appendonlydir/*.incr.aof")))
    with SocketClient(folder / "socket") as replica:
        replica.send("PSYNC", "?", "-1")
        until(lambda: len(list(folder.glob("appendonlydir/*.incr.aof"))) > before)


def _check_sound(sound: Sound) -> Sound:
    outcome = start(sound.files, *sound.directives)
    assert outcome.state == sound.states[-1], outcome.log
    return sound


@pytest.fixture(scope="module")
def dump(tmp_path_factory) -> Sound:
    folder = tmp_path_factory.mktemp("dump")
    with built(folder) as client:
        _fill(client, BASE)
        client.must("SAVE")
        state = read_state(client)
    return _check_sound(Sound(read_files(folder), [state], ()))


def _append_only(folder: pathlib.Path, *directives: str) -> Sound:
    """A base, two increments with their indexes, the manifest, and files that are history."""
    directives = ("--appendonly", "yes", "--aof-disable-auto-gc", "yes", *directives)
    with built(folder, *directives) as client:
        _fill(client, BASE)
        _rewrite(client)
        states = [read_state(client)]
        client.must("SELECT", 0)
        _write_units(client, UNITS[:6], states)
        _next_increment(client, folder)
        _write_units(client, UNITS[6:], states)
    return _check_sound(Sound(read_files(folder), states, directives))


@pytest.fixture(scope="module")
def hybrid(tmp_path_factory) -> Sound:
    return _append_only(tmp_path_factory.mktemp("hybrid"))


@pytest.fixture(scope="module")
def commands_only(tmp_path_factory) -> Sound:
    return _append_only(tmp_path_factory.mktemp("commands"), "--aof-use-rdb-preamble", "no")


@pytest.fixture(scope="module")
def single(tmp_path_factory) -> Sound:
    """The one file of a Redis before 7: commands, and nothing beside them."""
    folder = tmp_path_factory.mktemp("single")
    directives = ("--appendonly", "yes", "--aof-use-rdb-preamble", "no")
    with built(folder, *directives) as client:
        states = [read_state(client)]
        client.must("SELECT", 0)
        _write_units(client, [[command] for command in BASE if command[0] != "SELECT" and command[-1] != "elsewhere"] + UNITS, states)
    (increment,) = folder.glob("appendonlydir/*.incr.aof")
    return _check_sound(Sound({"appendonly.aof": increment.read_bytes()}, states, directives))


def _cases(sound: Sound, names: list[str]) -> list[Damage]:
    cases = [Damage(name, place, flip) for name in names for place in range(len(sound.files[name])) for flip in (*BITS, None)]
    chosen = random.Random(stress_seed())
    if EFFORT < 10:
        return chosen.sample(cases, min(len(cases), SAMPLE))
    # One bit of each byte, all of them of files that are short, and every length.
    return [case for case in cases if case.flip in (None, 0xFF, BITS[case.place % 8]) or len(sound.files[case.name]) < 200]


def _told(damage: Damage, outcome: Outcome) -> str:
    return f"{damage}: exit code {outcome.exit_code}\n{outcome.log}"


def _refused(files: Files, damage: Damage, outcome: Outcome) -> bool:
    """True when the start was refused, as it should be then: with the file's name, and nothing changed."""
    if outcome.state is not None:
        return False
    assert outcome.exit_code == 1, _told(damage, outcome)
    name = "manifest" if damage.name.endswith("manifest") else pathlib.Path(damage.name).name
    assert name in outcome.log, "the file is not named: " + _told(damage, outcome)
    assert outcome.files == files, "files were changed: " + _told(damage, outcome)
    return True


def _lost_end_is_told(outcome: Outcome, damage: Damage) -> bool:
    return damage.flip is None and "loaded anyway because aof-load-truncated is enabled" in outcome.log


def _judge(sound: Sound, damage: Damage, *directives: str, may_lose_the_end: bool = False) -> None:
    files = damage.apply(sound.files)
    outcome = start(files, *sound.directives, *directives)
    if _refused(files, damage, outcome) or outcome.state == sound.states[-1]:
        return
    assert may_lose_the_end and outcome.state in sound.states, "lost: " + _told(damage, outcome)
    assert _lost_end_is_told(outcome, damage), "lost without a word: " + _told(damage, outcome)


def test_a_dump(dump):
    start_all(_cases(dump, ["dump.rdb"]), lambda damage: _judge(dump, damage))


@pytest.mark.parametrize("kind", ["hybrid", "commands_only"])
@pytest.mark.parametrize("file", [r"base\.\w+$", r"incr\.aof$", r"\.idx$", r"manifest$"], ids=["base", "increment", "index", "manifest"])
def test_an_append_only_file(request, kind, file):
    sound = request.getfixturevalue(kind)
    last = max(sound.names(r"incr\.aof$"))
    start_all(_cases(sound, sound.names(file)), lambda damage: _judge(sound, damage, may_lose_the_end=damage.name == last))


def test_an_end_that_may_not_be_missed(hybrid):
    """With `aof-load-truncated no` a part of the history is never enough."""
    cases = [damage for damage in _cases(hybrid, hybrid.names(r"incr\.aof$")) if damage.flip is None]
    start_all(cases, lambda damage: _judge(hybrid, damage, "--aof-load-truncated", "no"))


class Payload(NamedTuple):
    """Where a word of a sound command stands, and the command."""

    where: range
    words: list[bytes]


def _payloads(data: bytes) -> Iterator[Payload]:
    at = 0
    while at < len(data):
        count, ranges = int(data[at + 1 : data.index(b"\r", at)]), []
        at = data.index(b"\n", at) + 1
        for _ in range(count):
            length = int(data[at + 1 : data.index(b"\r", at)])
            at = data.index(b"\n", at) + 1
            ranges.append(range(at, at + length))
            at += length + 2
        words = [data[each.start : each.stop] for each in ranges]
        yield from (Payload(where, words) for where in ranges)


def test_a_single_file(single):
    """Nothing tells what the bytes of a word were before. But what is between words does not change unnoticed, and what is
    damaged is that command and no other."""
    payloads = list(_payloads(single.files["appendonly.aof"]))
    whole = single.states[-1]

    def judge(damage: Damage) -> None:
        files = damage.apply(single.files)
        outcome = start(files, *single.directives)
        if outcome.state is None:
            assert outcome.exit_code == 1 and "appendonly.aof" in outcome.log, _told(damage, outcome)
            assert files["appendonly.aof"] in outcome.files.values(), "the data was changed: " + _told(damage, outcome)
            return
        if outcome.state == whole:
            return
        if outcome.state in single.states and (damage.flip is None or "Truncating the AOF" in outcome.log):
            return
        if "has a command that fails" in outcome.log:  # its length was damaged, and it reached to the end of the next one
            return
        damaged = [payload for payload in payloads if damage.place in payload.where]
        assert damaged, "lost without a word: " + _told(damage, outcome)
        (payload,) = damaged
        if payload.words[0] in (b"SELECT", b"FUNCTION"):
            return
        now = files["appendonly.aof"][payload.where.start : payload.where.stop]
        meant = {*payload.words, now}
        differ = {key[1] for key in whole.keys() | outcome.state.keys() if whole.get(key) != outcome.state.get(key)}
        assert differ <= meant, f"{differ} differ: " + _told(damage, outcome)

    start_all(_cases(single, ["appendonly.aof"]), judge)
