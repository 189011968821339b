"""Bytes that no client sends. The server lives, others are answered, nothing stays behind, nothing forbidden happens."""

import os
import random
import time

import pytest

from harness import CheckedServer, ConnectionClosed, ReplyTimeout
from security.mutations import Mutations

_EFFORT = float(os.environ.get("HOLDFAST_EFFORT", "1"))
_CONNECTIONS = int(600 * _EFFORT)
_AT_ONCE = 20
_LIMIT_S = 30.0
# What is left behind by thousands of connections: caches and fragments, not their requests.
_MEMORY_KEPT_MAX = 64 << 20
# What anybody may say.
_OPEN = {"auth", "hello", "quit", "reset"}
_FORBIDDEN = ("@dangerous", "@admin", "@scripting")


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("HOLDFAST_STRESS_SEED") or random.randrange(1 << 31))
    print(f"HOLDFAST_STRESS_SEED={seed}")
    return seed


def _executed(admin) -> dict[str, int]:
    """Calls that were executed, by command."""
    lines = admin.must("INFO", "commandstats").value.decode().splitlines()
    calls = {}
    for line in lines:
        if line.startswith("cmdstat_"):
            name, figures = line[len("cmdstat_") :].split(":", 1)
            calls[name] = int(figures.split("calls=")[1].split(",")[0])
    return {name: count for name, count in calls.items() if count}


def _used(admin) -> int:
    text = admin.must("INFO", "memory").value.decode()
    return int(text.split("used_memory:")[1].split("\r\n")[0])


def _clients(admin) -> list[str]:
    return admin.must("CLIENT", "LIST").value.decode().splitlines()


def _storm(server, admin, mutations, login=None) -> None:
    open_ones = []
    for number in range(_CONNECTIONS):
        client = server.client(timeout_s=_LIMIT_S)
        open_ones.append(client)
        try:
            if login:
                client.must("AUTH", *login)
            for piece in mutations.pieces():
                client.send_raw(piece)
                client.poll_raw(0.0005)
        except ConnectionClosed:
            pass
        if len(open_ones) >= _AT_ONCE:
            open_ones.pop(0).close()  # in the middle of whatever it was doing
        if number % 50 == 0:
            server.check_alive()
            assert admin.command("PING").value == b"PONG"
    for client in open_ones:
        client.close()


def _nobody_is_left(admin) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while len(left := _clients(admin)) > 1:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def _names(admin) -> list[bytes]:
    return [reply.value for reply in admin.must("COMMAND", "LIST").value]


def test_before_authentication(seed):
    """Nothing but AUTH, HELLO, QUIT and RESET is executed, whatever is sent."""
    with CheckedServer(["--requirepass", "sesame", "--save", "", "--proto-max-bulk-len", "64mb"]) as server:
        with server.client(timeout_s=_LIMIT_S) as admin:
            admin.must("AUTH", "sesame")
            names = _names(admin)
            admin.must("CONFIG", "RESETSTAT")
            before = _used(admin)
            _storm(server, admin, Mutations(seed, names))
            _nobody_is_left(admin)
            ours = {"ping", "info", "client|list", "config|resetstat"}
            assert set(_executed(admin)) - ours <= _OPEN
            assert admin.must("DBSIZE").value == 0
            assert _used(admin) - before < _MEMORY_KEPT_MAX


def test_after_authentication(seed):
    """A user who may do much, and not everything: what is forbidden to him is never executed."""
    with CheckedServer(["--save", "", "--maxmemory", "256mb", "--proto-max-bulk-len", "64mb"]) as server:
        with server.client(timeout_s=_LIMIT_S) as admin:
            names = _names(admin)
            rules = ["+@all", *(f"-{category}" for category in _FORBIDDEN)]
            admin.must("ACL", "SETUSER", "guest", "on", ">guest", "~*", "&*", *rules)
            admin.must("ACL", "SETUSER", "operator", "on", ">sesame", "~*", "&*", "+@all")
            admin.must("AUTH", "operator", "sesame")
            admin.must("ACL", "SETUSER", "default", "off")  # which RESET goes back to
            admin.must("CONFIG", "RESETSTAT")
            _storm(server, admin, Mutations(seed, names), login=("guest", "guest"))
            _nobody_is_left(admin)
            ours = {"info", "client|list", "config|resetstat"}
            done = set(_executed(admin)) - ours
            forbidden = set()
            for category in _FORBIDDEN:
                forbidden |= {reply.value.decode() for reply in admin.must("ACL", "CAT", category[1:]).value}
            assert not done & forbidden
            assert len(done) > 50, "most commands were met"
            # All that it may have left is in the key space.
            admin.must("FLUSHALL")
            deadline = time.monotonic() + _LIMIT_S
            while _used(admin) > _MEMORY_KEPT_MAX:
                assert time.monotonic() < deadline, _used(admin)
                time.sleep(0.1)


def test_a_storm_of_replies_that_nobody_reads(seed):
    """Requests for 100 MB each, whose replies are never read: the rest is not executed before somebody reads."""
    with CheckedServer(["--save", ""]) as server:
        with server.client(timeout_s=_LIMIT_S) as admin:
            admin.must("SET", "large", "x" * 500_000)
            greedy = [server.client(timeout_s=1.0) for _ in range(10)]
            for client in greedy:
                try:
                    client.send_raw(b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n" * 200)
                except (ConnectionClosed, ReplyTimeout):
                    pass
            for _ in range(20):
                assert admin.command("PING").value == b"PONG"
                assert _used(admin) < _MEMORY_KEPT_MAX
                time.sleep(0.02)
            for client in greedy:
                client.close()
            _nobody_is_left(admin)
