"""Files with all types go both ways: what one server has written the other loads, with the same content.

20,000 keys; a million when HOLDFAST_EFFORT is 10 or more, which takes some minutes.
"""

import itertools
import os
import pathlib
import time

import pytest

from compat.dataset import compare_states, read_dataset
from compat.mixed_dataset import DATABASES, mixed_commands
from harness import CheckedServer, Client, Server, reference_binary

EFFORT = float(os.environ.get("HOLDFAST_EFFORT", "1"))
KEYS = 20_000 if EFFORT < 10 else 1_000_000
# So many keys are compared one by one; all of them by the digest.
KEYS_COMPARED = 3000
REPLY_LIMIT_S = 300.0
REWRITE_LIMIT_S = 600.0
LOAD_LIMIT_S = 300.0
PIPELINE_COMMANDS = 2000
COMMON = ["--save", "", "--enable-debug-command", "yes"]
AOF = ["--appendonly", "yes", "--appendfsync", "no"]


def reference(directory: pathlib.Path, *directives: str) -> Server:
    server = Server(reference_binary(), [*COMMON, *directives], directory=directory)
    server.start_limit_s = LOAD_LIMIT_S
    return server


def candidate(directory: pathlib.Path, *directives: str) -> Server:
    server = CheckedServer([*COMMON, "--threads", "2", *directives], directory=directory)
    server.start_limit_s = LOAD_LIMIT_S
    return server


def fill(server: Server, keys: int, prefix: str = "key") -> None:
    with server.client(timeout_s=REPLY_LIMIT_S) as client:
        commands = mixed_commands(keys, seed=21, prefix=prefix)
        while some := list(itertools.islice(commands, PIPELINE_COMMANDS)):
            for command, reply in zip(some, client.pipeline(some)):
                assert not reply.is_error(), (command[:3], reply)


def facts(client: Client) -> tuple:
    """Digest of all databases, and number of keys and of those that expire in each."""
    keyspace = client.must("INFO", "keyspace").value.decode()
    counts = [line.split(",avg_ttl")[0] for line in keyspace.splitlines() if line.startswith("db")]
    return client.must("DEBUG", "DIGEST").value, tuple(counts)


def content(server: Server, keys: int) -> tuple:
    """The facts, and what there is to know about each key unless they are many."""
    with server.client(timeout_s=REPLY_LIMIT_S) as client:
        # What was written by commands can have other encodings than what was read from a file.
        client.must("DEBUG", "RELOAD")
        return facts(client), read_dataset(client) if keys <= KEYS_COMPARED else {}


def assert_same(expected: tuple, found: tuple) -> None:
    assert found[0] == expected[0]
    assert compare_states(expected[1], found[1]) == []


def save(server: Server) -> None:
    with server.client(timeout_s=REPLY_LIMIT_S) as client:
        client.must("SAVE")


def rewrite(server: Server) -> None:
    deadline = time.monotonic() + REWRITE_LIMIT_S
    with server.client(timeout_s=REPLY_LIMIT_S) as client:
        client.must("BGREWRITEAOF")
        while time.monotonic() < deadline:
            persistence = client.must("INFO", "persistence").value
            if b"aof_rewrite_in_progress:0" in persistence and b"aof_rewrite_scheduled:0" in persistence:
                break
            time.sleep(0.05)
        assert b"aof_last_bgrewrite_status:ok" in persistence


@pytest.mark.parametrize("keys", [KEYS_COMPARED, KEYS])
def test_a_dump_goes_through_and_back(tmp_path, keys):
    with reference(tmp_path) as server:
        fill(server, keys)
        expected = content(server, keys)
        assert len(expected[0][1]) == len(DATABASES)
        save(server)
    with candidate(tmp_path) as server:
        assert_same(expected, content(server, keys))
        save(server)
    with reference(tmp_path) as server:
        assert_same(expected, content(server, keys))


@pytest.mark.parametrize("keys", [KEYS_COMPARED, KEYS])
def test_a_dump_comes_and_goes_back(tmp_path, keys):
    with candidate(tmp_path) as server:
        fill(server, keys)
        expected = content(server, keys)
        save(server)
    with reference(tmp_path) as server:
        loaded = content(server, keys)
        # Encodings are wanted differences only where the reference comes first.
        assert_same(loaded, expected)
        save(server)
    with candidate(tmp_path) as server:
        assert_same(loaded, content(server, keys))


@pytest.mark.parametrize("preamble", ["yes", "no"])
@pytest.mark.parametrize("first", [reference, candidate])
def test_append_only_files_go_both_ways(tmp_path, first, preamble):
    """A base and increments of one are loaded by the other, and what that has made of them by the first.

    The digest is compared: how much a group has read stands in no append-only file of Redis 7.0.
    """
    second = candidate if first is reference else reference
    aof = [*AOF, "--aof-use-rdb-preamble", preamble]
    with first(tmp_path, *aof) as server:
        fill(server, KEYS // 4, "base")
        rewrite(server)
        fill(server, KEYS // 4, "increment")
        expected = digest(server)
    with second(tmp_path, *aof) as server:
        assert digest(server) == expected
        fill(server, KEYS // 8, "more")
        expected = digest(server)
    with first(tmp_path, *aof) as server:
        assert digest(server) == expected
    with second(tmp_path, *aof) as server:
        rewrite(server)
        assert digest(server) == expected
    with first(tmp_path, *aof) as server:
        assert digest(server) == expected


def digest(server: Server) -> tuple:
    with server.client(timeout_s=REPLY_LIMIT_S) as client:
        return facts(client)
