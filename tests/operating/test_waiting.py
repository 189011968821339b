"""How long commands have waited is told apart from how long they took."""

import time

import pytest

from harness.server import Server, holdfast_binary
from harness.waiting import until

_SLEEP_MS = 20
# So long that no command waits that long by chance.
_LONG_S = 2


def _map(reply) -> dict[bytes, object]:
    words = reply.value
    return {words[i].value: words[i + 1] for i in range(0, len(words), 2)}


def _waits(client, count=-1) -> list[dict[bytes, object]]:
    return [_map(entry) for entry in client.must("SLOWLOG", "WAITS", count).value]


def _entry(client, word: bytes) -> dict[bytes, object]:
    """The latest slow command of which this is an argument."""
    return next(entry for entry in _waits(client) if word in [argument.value for argument in entry[b"command"].value])


def _queueing(client) -> dict[bytes, int]:
    return {name: _map(figures)[b"calls"].value for name, figures in _map(client.must("LATENCY", "QUEUEING")).items()}


@pytest.fixture
def server():
    directives = ["--threads", "2", "--save", "", "--slowlog-log-slower-than", "0", "--busy-reply-threshold", "60000"]
    with Server(holdfast_binary(), directives) as server:
        yield server


def _busy_script() -> str:
    """Takes much longer than _SLEEP_MS."""
    return "local n = 0 for i = 1, 30000000 do n = n + i end redis.call('SET', KEYS[1], 'x')"


def test_commands_behind_a_slow_one_in_a_pipeline_have_waited(server):
    with server.client() as client:
        client.pipeline([("EVAL", _busy_script(), 1, "slow-key"), ("SET", "behind", "x")])
        slow, behind = _entry(client, b"slow-key"), _entry(client, b"behind")
        # The time of the one is execution, and the same time of the other waiting.
        assert slow[b"executed-usec"].value >= _SLEEP_MS * 1000
        assert behind[b"waited-usec"].value >= slow[b"executed-usec"].value
        assert slow[b"waited-for-locks-usec"].value == behind[b"waited-for-locks-usec"].value == 0


def test_who_waits_for_a_partition_is_counted_as_waiting_for_locks(server):
    clients = [server.client() for _ in range(4)]
    try:
        # On both workers, so that those of one wait for the other.
        for client in clients:
            client.send("EVAL", _busy_script(), 1, "key")
        for client in clients:
            client.read_reply()
        waits = [entry[b"waited-for-locks-usec"].value for entry in _waits(clients[0])]
        assert max(waits) >= _SLEEP_MS * 500
        assert all(entry[b"waited-usec"].value >= entry[b"waited-for-locks-usec"].value for entry in _waits(clients[0]))
        assert _queueing(clients[0])[b"locks"] >= 1
        workers = clients[0].must("INFO", "workers").value.decode()
        assert sum(int(line.rsplit("lock_waits=", 1)[1]) for line in workers.splitlines() if line.startswith("worker-")) >= 1
    finally:
        for client in clients:
            client.close()


def test_a_pause_is_waiting(server):
    with server.client() as client, server.client() as other:
        before = _queueing(client)
        client.must("CLIENT", "PAUSE", 10_000, "WRITE")
        other.send("SET", "held", "x")
        until(lambda: b"blocked_clients:1" in client.must("INFO", "clients").value)
        time.sleep(_SLEEP_MS / 1000)
        client.must("CLIENT", "UNPAUSE")
        other.read_reply()
        held = _entry(client, b"held")
        assert held[b"waited-usec"].value >= _SLEEP_MS * 1000
        assert held[b"waited-for-locks-usec"].value == 0
        assert _queueing(client)[b"held"] == before[b"held"] + 1
        client.must("CONFIG", "RESETSTAT")
        assert _queueing(client)[b"held"] == 0


def test_waiting_for_an_element_is_no_queueing(server):
    with server.client() as client, server.client() as other:
        other.send("BLPOP", "list", 0)
        until(lambda: b"blocked_clients:1" in client.must("INFO", "clients").value)
        time.sleep(_LONG_S)
        client.must("RPUSH", "list", "x")
        other.read_reply()
        popped = next(entry for entry in _waits(client) if entry[b"command"].value[0].value == b"BLPOP")
        assert popped[b"waited-usec"].value < _LONG_S * 1_000_000


def test_the_slow_log_of_existing_clients_is_as_it_was(server):
    with server.client() as client:
        client.must("SET", "k", "v")
        entries = client.must("SLOWLOG", "GET", -1).value
        assert entries and all(len(entry.value) == 6 for entry in entries)
        assert [entry.value[0].value for entry in entries][-1] == _waits(client)[-1][b"id"].value
        assert client.command("SLOWLOG", "WAITS", "-2").value == b"ERR count should be greater than or equal to -1"
        assert client.command("SLOWLOG", "WAITS", 1, 2).value.startswith(b"ERR ")
        assert len(_waits(client, 1)) == 1
