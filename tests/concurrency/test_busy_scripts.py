"""A script that does not end: who needs what it holds is told, who does not goes on, and it can be killed.

By clients of every worker, that which runs it among them.
"""

import pytest

from concurrency.asking import ask
from harness import CheckedServer
from harness.resp import Kind, encode_command
from harness.waiting import until

ENDLESS = "while true do end"
STUBBORN = "while true do pcall(function() while true do end end) end"
AFTER_A_WRITE = "redis.call('SET', KEYS[1], 1) local x = 0 for i = 1, 3e8 do x = x + i end return 'done'"
FUNCTION = "#!lua name=busy\nredis.register_function('endless', function() while true do end end)"
BUSY = b"BUSY Redis is busy running a "
WAIT_S = 30.0


def _is_busy(client):
    reply = client.command("GET", "held")
    return reply.is_error() and reply.value.startswith(BUSY)


class _Everybody:
    """Clients of every worker, from before the script and from now."""

    def __init__(self, server):
        self._server = server
        self._clients = [server.client(timeout_s=WAIT_S) for _ in range(6)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.close()

    def told(self):
        """All of them, once they are answered BUSY."""
        self._clients += [self._server.client(timeout_s=WAIT_S) for _ in range(3)]
        for client in self._clients:
            until(lambda: _is_busy(client))
        return self._clients


def _goes_on(client):
    for number in range(8):
        assert client.command("SET", f"free:{number}", 1).value == b"OK"
        assert client.command("BLPOP", f"list:{number}", "0.001").is_null()


def _run_and_kill(server, script, kill):
    with server.client(timeout_s=WAIT_S) as victim, _Everybody(server) as everybody:
        victim.send_raw(encode_command(script))
        clients = everybody.told()
        for client in clients:
            _goes_on(client)
            assert client.command("EVAL", "return 1", 1, "held").value.startswith(BUSY)
        for client in clients:
            client.must("SUBSCRIBE", "news")
        with server.client(timeout_s=WAIT_S) as publisher:
            until(lambda: publisher.command("PUBLISH", "news", "x").value == len(clients))
            for client in clients:
                assert client.read_reply().value[2].value == b"x"
            wrong = "FUNCTION" if kill == "SCRIPT" else "SCRIPT"
            assert publisher.command(wrong, "KILL").value.startswith(BUSY)
            assert publisher.command(kill, "KILL").value == b"OK"
        reply = victim.read_reply()
        assert reply.kind is Kind.ERROR and b"Script killed by user with SCRIPT KILL..." in reply.value
        assert ask(victim, "SET", "held", "x") == b"OK"


def test_a_script_that_does_not_end_is_killed_and_holds_up_only_who_needs_its_keys(server):
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 20)
        client.must("FUNCTION", "LOAD", "REPLACE", FUNCTION)
    _run_and_kill(server, ("EVAL", ENDLESS, 1, "held"), "SCRIPT")
    _run_and_kill(server, ("EVAL", STUBBORN, 1, "held"), "SCRIPT")
    _run_and_kill(server, ("FCALL", "endless", 1, "held"), "FUNCTION")


def test_only_the_keys_of_a_script_are_held(server):
    """Also in the partitions of its keys, which it uses all the time."""
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 20)
    held = [f"held:{number}" for number in range(300)]
    with server.client(timeout_s=WAIT_S) as victim, server.client(timeout_s=WAIT_S) as other:
        read_all = "for i = 1, #KEYS do redis.call('GET', KEYS[i]) end "
        victim.send_raw(encode_command(("EVAL", "while true do " + read_all + "end", len(held), *held)))
        until(lambda: other.command("GET", held[0]).is_error())
        for number in range(2000):
            assert other.command("INCR", f"free:{number}").value == 1
        for key in held:
            assert other.command("SET", key, 1).value.startswith(BUSY)
        assert other.command("DBSIZE").value.startswith(BUSY)  # needs all keys
        assert other.command("SCRIPT", "KILL").value == b"OK"
        assert victim.read_reply().kind is Kind.ERROR
        assert other.command("DBSIZE").value == 2000


def test_lasting_scripts_that_need_the_same_keys_happen_one_after_the_other(server):
    """Scripts that last, each of which needs what another one has: all of them end, and none sees half of another."""
    step = "for i = 1, 3000 do redis.call('INCR', {0}) redis.call('INCR', {1}) end return redis.call('GET', {1})"
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 0)  # nobody is told BUSY
        clients = [server.client(timeout_s=WAIT_S) for _ in range(6)]
        for turn in range(3):
            for number, each in enumerate(clients):
                first, second = ("a", "b") if number % 2 else ("b", "a")
                if number % 3 == 0:
                    each.send("EVAL", step.format("KEYS[1]", "KEYS[2]"), 2, first, second)
                elif number % 3 == 1:
                    each.send("EVAL", step.format("ARGV[1]", "ARGV[2]"), 0, first, second)
                else:
                    each.send("EVAL", step.format("KEYS[1]", "ARGV[1]"), 1, first, second)
            seen = sorted(int(each.read_reply().value) for each in clients)
            assert seen == [3000 * (turn * len(clients) + place + 1) for place in range(len(clients))]
        assert ask(client, "MGET", "a", "b") == [str(3000 * 3 * len(clients)).encode()] * 2
        for each in clients:
            each.close()


def test_a_script_that_has_written_is_not_killed(server):
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 20)
    with server.client(timeout_s=WAIT_S) as victim, _Everybody(server) as everybody:
        victim.send_raw(encode_command(("EVAL", AFTER_A_WRITE, 1, "held")))
        for client in everybody.told():
            assert client.command("SCRIPT", "KILL").value.startswith(b"UNKILLABLE ")
        assert victim.read_reply().value == b"done"
        assert victim.command("SCRIPT", "KILL").value.startswith(b"NOTBUSY ")


def test_a_script_that_waits_for_what_another_holds_can_be_killed_as_well(server):
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 20)
    with server.client(timeout_s=WAIT_S) as holder, _Everybody(server) as everybody:
        holder.send_raw(encode_command(("EVAL", ENDLESS, 1, "held")))
        client = everybody.told()[0]
        waiting = [server.client(timeout_s=WAIT_S) for _ in range(4)]
        for other in waiting:
            other.send_raw(encode_command(("EVAL", "return redis.call('GET', 'held')", 0)))
        for other in everybody.told():
            _goes_on(other)
        until(lambda: client.command("SCRIPT", "KILL").value.startswith(b"NOTBUSY "))
        assert holder.read_reply().kind is Kind.ERROR
        for other in waiting:
            reply = other.read_reply()
            assert reply.is_null() or reply.kind is Kind.ERROR
            other.close()


@pytest.fixture(name="lone_server")
def _lone_server():
    directives = ["--save", "", "--threads", "1", "--busy-reply-threshold", "20"]
    with CheckedServer(directives) as server:
        yield server


def test_with_one_worker_everybody_is_told_but_for_what_redis_allows(lone_server):
    with lone_server.client(timeout_s=WAIT_S) as victim, lone_server.client(timeout_s=WAIT_S) as old:
        victim.send_raw(encode_command(("EVAL", ENDLESS, 0)))
        until(lambda: _is_busy(old))
        with lone_server.client(timeout_s=WAIT_S) as new:
            for client in old, new:
                for command in ("PING",), ("INFO",), ("SUBSCRIBE", "x"), ("SHUTDOWN",), ("SHUTDOWN", "SAVE"), ("FUNCTION", "KILL"):
                    assert client.command(*command).value.startswith(BUSY), command
                assert client.command("SHUTDOWN", "ABORT").value == b"ERR No shutdown in progress."
                assert client.command("WATCH", "key").value == b"OK"
                assert client.command("MULTI").value == b"OK"
                assert client.command("SET", "key", 1).value.startswith(BUSY)
                assert client.command("EXEC").value.startswith(b"EXECABORT Transaction discarded because of: BUSY ")
                assert client.command("RESET").value == b"RESET"
                assert client.command("HELLO", 3).kind is Kind.MAP
            assert old.command("SCRIPT", "KILL").value == b"OK"
            assert b"SCRIPT KILL" in victim.read_reply().value
            assert new.command("PING").value == b"PONG"


def test_nothing_looks_at_data_in_the_middle_of_the_only_workers_script(lone_server):
    """Keys that expire, long commands that are under way, and snapshots wait for its end."""
    keys = 20_000
    script = """
        redis.call('SET', 'half', 1)
        local x = 0
        for i = 1, 3e8 do x = x + i end
        return {redis.call('GET', 'short'), redis.call('DBSIZE')}"""
    with lone_server.client(timeout_s=WAIT_S) as victim, lone_server.client(timeout_s=WAIT_S) as other:
        other.must("MSET", *[word for number in range(keys) for word in (f"key:{number}", "x")])
        other.must("SET", "short", "alive", "PX", 200)
        other.send_raw(encode_command(("KEYS", "*")))
        victim.send_raw(encode_command(("EVAL", script, 0)))
        alive, size = victim.read_reply().value
        assert alive.value == b"alive" and size.value == keys + 2
        assert keys <= len(other.read_reply().value) <= keys + 2
        until(lambda: other.command("GET", "short").is_null())
