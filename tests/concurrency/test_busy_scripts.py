"""A script that does not end: who needs what it holds is told, who does not goes on, and it can be killed."""

import time

from concurrency.asking import ask
from harness import ReplyTimeout
from harness.resp import Kind, encode_command

ENDLESS = "while true do end"
STUBBORN = "while true do pcall(function() while true do end end) end"
AFTER_A_WRITE = "redis.call('SET', KEYS[1], 1) local x = 0 for i = 1, 3e8 do x = x + i end return 'done'"
FUNCTION = "#!lua name=busy\nredis.register_function('endless', function() while true do end end)"
BUSY = b"BUSY Redis is busy running a "
WAIT_S = 30.0


def _until(condition):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def _is_busy(client):
    reply = client.command("GET", "held")
    return reply.is_error() and reply.value.startswith(BUSY)


class _Others:
    """Clients from before the script: of them, one whose worker is not the one that runs it and serves nobody meanwhile."""

    def __init__(self, server):
        self._clients = [server.client(timeout_s=2.0) for _ in range(4)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for client in self._clients:
            client.close()

    def one_that_is_told(self):
        for client in self._clients:
            try:
                _until(lambda: _is_busy(client))
                return client
            except ReplyTimeout:
                continue
        raise AssertionError("every worker is busy")


def _run_and_kill(server, script, kill):
    with server.client(timeout_s=WAIT_S) as victim, _Others(server) as others:
        victim.send_raw(encode_command(script))
        other = others.one_that_is_told()
        assert other.command("SET", "free", "1").value == b"OK"
        wrong = "FUNCTION" if kill == "SCRIPT" else "SCRIPT"
        assert other.command(wrong, "KILL").value.startswith(BUSY)
        assert other.command(kill, "KILL").value == b"OK"
        reply = victim.read_reply()
        assert reply.kind is Kind.ERROR and b"Script killed by user with SCRIPT KILL..." in reply.value
        assert ask(victim, "SET", "held", "x") == b"OK"


def test_a_script_that_does_not_end_is_killed_and_holds_up_only_who_needs_its_keys(server):
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 20)
        ask(client, "SET", "free", 0)
        client.must("FUNCTION", "LOAD", "REPLACE", FUNCTION)
    _run_and_kill(server, ("EVAL", ENDLESS, 1, "held"), "SCRIPT")
    _run_and_kill(server, ("EVAL", STUBBORN, 1, "held"), "SCRIPT")
    _run_and_kill(server, ("FCALL", "endless", 1, "held"), "FUNCTION")


def test_a_script_that_has_written_is_not_killed(server):
    with server.client() as client:
        ask(client, "CONFIG", "SET", "busy-reply-threshold", 20)
    with server.client(timeout_s=WAIT_S) as victim, _Others(server) as others:
        victim.send_raw(encode_command(("EVAL", AFTER_A_WRITE, 1, "held")))
        assert others.one_that_is_told().command("SCRIPT", "KILL").value.startswith(b"UNKILLABLE ")
        assert victim.read_reply().value == b"done"
        assert victim.command("SCRIPT", "KILL").value.startswith(b"NOTBUSY ")
