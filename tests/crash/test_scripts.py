"""What scripts and functions have done is in the log by its effects: it is replayed to the same data set, here and by redis-server.

And an AOF may hold scripts itself, as those of Redis before 5 did.
"""

import random
import time

import pytest

from harness import CheckedServer, Server, encode_command, reference_binary

DIRECTIVES = ["--appendonly", "yes", "--save", "", "--threads", "4", "--enable-debug-command", "yes"]
SEED = 7
EXIT_LIMIT_S = 30.0
CALLS = 400
LIBRARY = """#!lua name=lib
redis.register_function('fill', function(keys, args)
  redis.call('SET', keys[1], args[1])
  redis.call('RPUSH', keys[1] .. ':list', args[1])
  return redis.call('SADD', keys[1] .. ':set', args[1])
end)
"""
UNDECLARED = "redis.call('INCR', KEYS[1]) redis.call('HINCRBY', 'hash:' .. ARGV[1], ARGV[2], 1) return redis.call('DBSIZE')"
PARTLY = "redis.call('SET', KEYS[1], ARGV[1]) redis.call('LPUSH', KEYS[2], ARGV[1]) return redis.call('LPUSH', KEYS[1], 1)"


def _write(client) -> None:
    choice = random.Random(SEED)
    client.must("FUNCTION", "LOAD", LIBRARY)
    for number in range(CALLS):
        key, other = (f"key:{choice.randrange(50)}" for _ in range(2))
        kind = choice.randrange(4)
        if kind == 0:
            client.must("FCALL", "fill", 1, "f:" + key, number)
        elif kind == 1:
            client.must("EVAL", UNDECLARED, 1, "n:" + key, other, number % 5)
        elif kind == 2:
            client.command("EVAL", PARTLY, 2, "p:" + key, "l:" + other, number)  # ends in an error after two writes
        else:
            client.must("EVAL", "redis.call('SELECT', ARGV[1]) return redis.call('APPEND', KEYS[1], 'x')", 1, key, number % 3)


def _begin_endless(server: Server, script: str) -> None:
    """A script that is known to be busy."""
    client = server.client()
    client.send_raw(encode_command(("EVAL", script, 1, "held")))
    with server.client() as other:
        while not other.command("GET", "held").is_error():
            time.sleep(0.01)


@pytest.mark.parametrize("threads", [1, 2])
def test_shutdown_nosave_ends_a_script_that_has_written_and_logs_nothing_of_it(tmp_path, threads):
    directives = [*DIRECTIVES, "--threads", str(threads), "--busy-reply-threshold", "20"]
    with CheckedServer(directives, directory=tmp_path) as server:
        with server.client() as client:
            client.must("SET", "before", 1)
        _begin_endless(server, "redis.call('SET', KEYS[1], 1) redis.call('INCR', KEYS[1]) while true do end")
        with server.client() as client:
            client.send_raw(encode_command(("SHUTDOWN", "NOSAVE")))
            end = time.monotonic() + EXIT_LIMIT_S
            while server.running():
                assert time.monotonic() < end
                time.sleep(0.01)
        server.start()
        with server.client() as client:
            assert client.command("EXISTS", "before", "held").value == 1


@pytest.mark.parametrize("threads", [1, 2])
def test_a_signal_kills_a_script_that_has_not_written_and_saves(tmp_path, threads):
    directives = ["--save", "3600 1", "--threads", str(threads), "--busy-reply-threshold", "20"]
    with CheckedServer(directives, directory=tmp_path) as server:
        with server.client() as client:
            client.must("SET", "before", 1)
        _begin_endless(server, "while true do end")
        server.restart()
        with server.client() as client:
            assert client.command("EXISTS", "before", "held").value == 1


def _digest(server: Server) -> bytes:
    with server.client() as client:
        return client.must("DEBUG", "DIGEST").value


def test_effects_of_scripts_are_replayed_to_the_same_digest(tmp_path):
    with CheckedServer(DIRECTIVES, directory=tmp_path) as server:
        with server.client() as client:
            _write(client)
        before = _digest(server)
        server.restart()
        assert _digest(server) == before
        with server.client() as client:
            assert client.must("FCALL", "fill", 1, "again", "x").value == 1
            client.must("DEL", "again", "again:list", "again:set")
    with Server(reference_binary(), DIRECTIVES[:4] + DIRECTIVES[6:], directory=tmp_path) as reference:
        assert _digest(reference) == before
        with reference.client() as client:
            assert client.must("FCALL", "fill", 1, "again", "x").value == 1


@pytest.mark.parametrize("threads", (1, 4))
def test_an_aof_that_holds_scripts_is_replayed(tmp_path, threads):
    sha = "a42059b356c875f0717db19a51f6aaca9ae659ea"  # of the script that is loaded
    commands = [
        ("SELECT", 0),
        ("EVAL", "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('INCR', 'undeclared')", 1, "a", 5),
        ("SCRIPT", "LOAD", "return {KEYS[1],KEYS[2],ARGV[1],ARGV[2]}"),
        ("EVALSHA", sha, 2, "a", "b", "c", "d"),
        ("MULTI",),
        ("EVAL", "return redis.call('RPUSH', 'list', unpack(ARGV))", 0, 1, 2, 3),
        ("EXEC",),
    ]
    (tmp_path / "appendonly.aof").write_bytes(b"".join(encode_command(words) for words in commands))
    directives = ["--appendonly", "yes", "--save", "", "--threads", str(threads)]
    with CheckedServer(directives, directory=tmp_path) as server, server.client() as client:
        assert client.must("GET", "a").value == b"5"
        assert client.must("GET", "undeclared").value == b"1"
        assert client.must("LLEN", "list").value == 3
