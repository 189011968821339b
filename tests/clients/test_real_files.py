"""Files go both ways: what redis-server writes Holdfast loads, and the other way round, with the same digest.

100,000 keys; a million when HOLDFAST_EFFORT is 10.
"""

import pathlib
import random
import shutil

import pytest

from clients.tools import redis_cli
from harness import CheckedServer, Server, encode_command, reference_binary

KEYS_PER_EFFORT = 100000
DATABASES = (0, 1, 7, 15)
# On both sides of where the encodings change.
INTEGERS = (0, 1, -1, 127, 128, -129, 9999, 10000, 1 << 31, -(1 << 63), (1 << 63) - 1)
SEED = 20
COMMON = ["--save", "", "--enable-debug-command", "yes"]
FAR_MS = 4102444800000  # 2100, so that nothing expires while it is looked at


def fill(server: Server, keys: int) -> None:
    """Strings of all forms in several databases, a fifth of them with a time to live."""
    choice = random.Random(SEED)
    with server.client(timeout_s=120) as client:
        client.must("DEBUG", "POPULATE", keys // 2, "populated", 40)
    wire = []
    for number in range(keys - keys // 2):
        if number % 1000 == 0:
            wire.append(encode_command(("SELECT", choice.choice(DATABASES))))
        kind = choice.randrange(10)
        if kind < 3:
            value = choice.choice((*INTEGERS, choice.getrandbits(40)))
        elif kind < 6:
            value = choice.randbytes(choice.randrange(64))
        elif kind < 9:
            value = b"abcdefghij" * choice.randrange(1, 30)  # compressible
        else:
            value = b"\r\n*1\r\n" * (4000 if number % 5000 == 9 else 3)
        options = ("PXAT", FAR_MS + choice.getrandbits(32)) if choice.randrange(5) == 0 else ()
        key = b"key:%d:" % number + choice.randbytes(choice.randrange(3))
        wire.append(encode_command(("SET", key, value, *options)))
    said = redis_cli(server.port, "--pipe", stdin=b"".join(wire))
    assert "errors: 0" in said, said


def facts(server: Server) -> tuple:
    """Digest of all databases, and number of keys and of those that expire in each."""
    with server.client(timeout_s=120) as client:
        keyspace = client.must("INFO", "keyspace").value.decode()
        counts = [line.split(",avg_ttl")[0] for line in keyspace.splitlines() if line.startswith("db")]
        return client.must("DEBUG", "DIGEST").value, tuple(counts)


def holdfast(directory: pathlib.Path, *directives: str) -> CheckedServer:
    return CheckedServer([*COMMON, "--threads", "2", *directives], directory=directory)


def reference(directory: pathlib.Path, *directives: str) -> Server:
    return Server(reference_binary(), [*COMMON, *directives], directory=directory)


def test_a_large_dump_goes_through_and_back(tmp_path, effort):
    keys = KEYS_PER_EFFORT * effort
    with reference(tmp_path) as server:
        fill(server, keys)
        expected = facts(server)
        assert len(expected[1]) == len(DATABASES)
        with server.client(timeout_s=120) as client:
            client.must("SAVE")
    written_by_reference = (tmp_path / "dump.rdb").read_bytes()
    with holdfast(tmp_path) as server:
        assert facts(server) == expected
        with server.client(timeout_s=120) as client:
            assert client.must("STRLEN", "populated:1").value == 40
            client.must("SAVE")
    assert (tmp_path / "dump.rdb").read_bytes() != written_by_reference
    with reference(tmp_path) as server:
        assert facts(server) == expected
    with holdfast(tmp_path, "--rdbcompression", "no", "--rdbchecksum", "no") as server:
        assert facts(server) == expected
        with server.client(timeout_s=120) as client:
            client.must("DEBUG", "RELOAD")
            assert facts(server) == expected
            client.must("SAVE")
    with reference(tmp_path) as server:
        assert facts(server) == expected


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("first", [reference, holdfast])
def test_append_only_files_go_both_ways(tmp_path, effort, first, preamble):
    """One writes a base and increments, the other loads them, goes on, rewrites; the first loads that."""
    second = holdfast if first is reference else reference
    aof = ["--appendonly", "yes", "--appendfsync", "no", "--aof-use-rdb-preamble", preamble]
    with first(tmp_path, *aof) as server:
        fill(server, KEYS_PER_EFFORT // 5 * effort)
        rewrite(server)
        _change(server, "first")
        expected = facts(server)
    with second(tmp_path, *aof) as server:
        assert facts(server) == expected
        _change(server, "second")
        expected = facts(server)
    with first(tmp_path, *aof) as server:
        assert facts(server) == expected
    with second(tmp_path, *aof) as server:
        rewrite(server)
        _change(server, "after")
        expected = facts(server)
    with first(tmp_path, *aof) as server:
        assert facts(server) == expected


def test_a_single_file_of_before_redis_7_is_taken_over(tmp_path):
    """appendonly.aof beside the data directory: loaded, moved, and readable by redis-server afterwards."""
    aof = ["--appendonly", "yes"]
    with reference(tmp_path, *aof) as server:
        _change(server, "old")
        expected = facts(server)
    (increment,) = (tmp_path / "appendonlydir").glob("*.incr.aof")
    increment.rename(tmp_path / "appendonly.aof")
    shutil.rmtree(tmp_path / "appendonlydir")
    with holdfast(tmp_path, *aof) as server:
        assert facts(server) == expected
    assert not (tmp_path / "appendonly.aof").exists()
    with reference(tmp_path, *aof) as server:
        assert facts(server) == expected


def rewrite(server: Server) -> None:
    with server.client(timeout_s=120) as client:
        client.must("BGREWRITEAOF")
        while True:
            persistence = client.must("INFO", "persistence").value
            if b"aof_rewrite_in_progress:0" in persistence and b"aof_rewrite_scheduled:0" in persistence:
                break
        assert b"aof_last_bgrewrite_status:ok" in persistence


def _change(server: Server, name: str) -> None:
    """Every kind of write that strings know, with effects that depend on time or chance made absolute."""
    commands = [
        ("SET", f"{name}:a", "1"), ("INCR", f"{name}:a"), ("INCRBYFLOAT", f"{name}:f", "0.1"),
        ("APPEND", f"{name}:s", "tail"), ("SETRANGE", f"{name}:s", 2, "X"), ("SET", f"{name}:t", "v", "EX", 100000),
        ("EXPIRE", f"{name}:a", 100000),
        ("PERSIST", f"{name}:a"), ("GETEX", f"{name}:s", "PX", 100000000), ("SETEX", f"{name}:u", 100000, "v"),
        ("MSET", f"{name}:m1", "1", f"{name}:m2", "2"), ("MSETNX", f"{name}:m1", "x", f"{name}:m3", "y"),
        ("RENAME", f"{name}:m1", f"{name}:renamed"), ("COPY", f"{name}:renamed", f"{name}:copy", "DB", 3),
        ("MOVE", f"{name}:m2", 4), ("GETDEL", f"{name}:t"), ("SWAPDB", 3, 5),
        ("MULTI",), ("SET", f"{name}:x", "1"), ("SELECT", 2), ("SET", f"{name}:x", "2"), ("EXEC",), ("SELECT", 0),
        ("SET", f"{name}:gone", "v", "PX", 1), ("DEL", f"{name}:u"), ("SELECT", 9), ("SET", "z", 1), ("FLUSHDB",),
    ]
    with server.client() as client:
        for reply in client.pipeline(commands):
            assert not reply.is_error(), reply
        client.must("SELECT", 0)
        while client.must("EXISTS", f"{name}:gone").value:
            pass
