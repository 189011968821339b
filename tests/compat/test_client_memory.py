"""What connections may take of memory: maxmemory-clients, CLIENT NO-EVICT, and replies to who has not logged in."""

import time

import pytest

from harness.client import ConnectionClosed, ReplyTimeout

_LIMIT_S = 10.0
_CHUNK = b"x" * 100_000


def _queue(client, chunks):
    """Takes memory: commands queued by MULTI."""
    client.must("MULTI")
    for _ in range(chunks):
        assert client.command("ECHO", _CHUNK).value == b"QUEUED"


def _evicted(admin):
    text = admin.must("INFO", "stats").value.decode()
    return int(text.split("evicted_clients:")[1].split("\r\n")[0])


def _lives(client):
    try:
        return client.command("PING").value == b"QUEUED"
    except (ConnectionClosed, ReplyTimeout):
        return False


def _wait_until(true):
    deadline = time.monotonic() + _LIMIT_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _play(server, directives, sizes, no_evict=()):
    """Connections of so many chunks, then the limit. Returns which live."""
    admin = server.client(timeout_s=_LIMIT_S)
    admin.must("CLIENT", "NO-EVICT", "ON")
    admin.must("CONFIG", "RESETSTAT")
    clients = [server.client(timeout_s=_LIMIT_S) for _ in sizes]
    try:
        for number, (client, chunks) in enumerate(zip(clients, sizes)):
            if number in no_evict:
                client.must("CLIENT", "NO-EVICT", "ON")
            _queue(client, chunks)
        for name, value in directives:
            admin.must("CONFIG", "SET", name, value)
        time.sleep(0.3)
        _wait_until(lambda: _evicted(admin) == sum(not _lives(client) for client in clients))
        return [_lives(client) for client in clients]
    finally:
        for name in ("maxmemory-clients", "maxmemory"):
            admin.must("CONFIG", "SET", name, 0)
        for client in (*clients, admin):
            client.close()


@pytest.mark.parametrize(
    "directives, sizes, no_evict, expected",
    [
        ([("maxmemory-clients", "5mb")], (40, 1, 20), (), [False, True, True]),
        ([("maxmemory-clients", "3500kb")], (40, 1, 20, 8), (), [False, True, True, True]),
        ([("maxmemory-clients", "1500kb")], (40, 1, 20, 8), (), [False, True, False, True]),
        ([("maxmemory-clients", "9mb")], (40, 1, 20), (), [True, True, True]),
        ([("maxmemory-clients", "5mb")], (40, 1, 20), (0,), [True, True, False]),
        ([("maxmemory", "100mb"), ("maxmemory-clients", "5%")], (40, 1, 20), (), [False, True, True]),
    ],
)
def test_the_biggest_connections_are_closed(pair, directives, sizes, no_evict, expected):
    played = pair.both(lambda server: _play(server, directives, sizes, no_evict))
    assert played == (expected, expected)


def _grow(server):
    """The limit is there before the connection grows."""
    with server.client(timeout_s=_LIMIT_S) as admin, server.client(timeout_s=_LIMIT_S) as client:
        admin.must("CONFIG", "SET", "maxmemory-clients", "2mb")
        try:
            client.must("MULTI")
            for _ in range(1000):
                client.send("ECHO", _CHUNK)
                client.read_reply()
                time.sleep(0.01)
        except ConnectionClosed:
            return True
        finally:
            admin.must("CONFIG", "SET", "maxmemory-clients", 0)
        return False


def test_a_connection_that_grows_over_the_limit_is_closed(pair):
    assert pair.both(_grow) == (True, True)


def _never_read(server):
    with server.client(timeout_s=_LIMIT_S) as admin:
        admin.must("CONFIG", "SET", "requirepass", "secret")
        try:
            with server.client(timeout_s=_LIMIT_S) as client:
                for _ in range(3000):
                    client.send_raw(b"PING\r\n" * 1000)
        except ConnectionClosed:
            return True
        finally:
            admin.must("CONFIG", "SET", "requirepass", "")
        return False


def test_who_has_not_logged_in_and_does_not_read_is_closed(pair):
    assert pair.both(_never_read) == (True, True)


def _answers_in_one_batch(server, count):
    """Bytes of replies to so many PINGs sent at once by somebody who reads them."""
    with server.client(timeout_s=_LIMIT_S) as admin:
        admin.must("CONFIG", "SET", "requirepass", "secret")
        try:
            with server.client(timeout_s=_LIMIT_S) as client:
                client.send_raw(b"PING\r\n" * count)
                for answered in range(count):
                    client.read_reply()
        except ConnectionClosed:
            return answered
        finally:
            admin.must("CONFIG", "SET", "requirepass", "")
        return count


def test_who_has_not_logged_in_but_reads_is_answered(pair):
    assert pair.both(lambda server: _answers_in_one_batch(server, 100)) == (100, 100)
    # D59
    assert pair.both(lambda server: _answers_in_one_batch(server, 1000)) == (0, 1000)
