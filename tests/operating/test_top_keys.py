"""Which keys are used most and which take most is known without a scan, and stays true."""

import pytest

from harness.server import Server, holdfast_binary
from harness.waiting import until

_BIG = 64 * 1024


@pytest.fixture
def server(tmp_path):
    directives = ["--threads", "2", "--save", "", "--enable-debug-command", "yes"]
    with Server(holdfast_binary(), directives, directory=tmp_path) as server:
        yield server


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def _maps(reply) -> list[dict[str, object]]:
    found = []
    for entry in reply.value:
        words = [word.value for word in entry.value]
        found.append({words[i].decode(): words[i + 1] for i in range(0, len(words), 2)})
    return found


def _big(client, *options) -> list[tuple[bytes, int, bytes]]:
    return [(entry["key"], entry["db"], entry["type"]) for entry in _maps(client.must("TOPKEYS", "BIG", *options))]


def _fill(client, key: str, count: int) -> None:
    client.pipeline([("RPUSH", key, *(["x" * 1000] * 100)) for _ in range(count // 100)])


def test_big_values_of_all_types_are_known_by_size(client):
    for number in range(1000):
        client.must("SET", f"small:{number}", "x" * 100)
    assert _big(client) == []
    _fill(client, "list", 800)
    client.must("SET", "string", "x" * (_BIG * 2))
    client.pipeline([("HSET", "hash", f"field:{number}", "x" * 100) for number in range(3000)])
    client.pipeline([("SADD", "set", f"member:{number}") for number in range(5000)])
    found = _maps(client.must("TOPKEYS", "BIG"))
    assert {entry["key"] for entry in found} == {b"list", b"string", b"hash", b"set"}
    sizes = [entry["bytes"] for entry in found]
    assert sizes == sorted(sizes, reverse=True)
    for entry in found:
        # The rest is the record and its share of the table.
        whole = client.must("MEMORY", "USAGE", entry["key"]).value
        assert entry["bytes"] <= whole < entry["bytes"] + 10_000
    assert found[0]["key"] == b"list" and found[0]["type"] == b"list"
    assert _big(client, "TYPE", "STRING") == [(b"string", 0, b"string")]
    assert len(_big(client, "COUNT", 2)) == 2


def test_what_shrinks_or_goes_is_not_shown(client):
    for key in ("a", "b", "c", "d"):
        _fill(client, key, 200)
    assert len(_big(client)) == 4
    client.must("LTRIM", "a", 0, 3)
    client.must("DEL", "b")
    client.must("RENAME", "c", "e")
    client.must("PEXPIRE", "d", 1)
    until(lambda: _big(client) == [(b"e", 0, b"list")])
    client.must("MOVE", "e", 5)
    assert _big(client) == [(b"e", 5, b"list")]
    client.must("SWAPDB", 5, 6)
    assert _big(client) == [(b"e", 6, b"list")]
    client.must("FLUSHALL")
    assert _big(client) == []


def test_what_grows_in_place_is_found(client):
    client.must("SET", "string", "x")
    client.must("SETRANGE", "string", _BIG, "x")
    client.must("APPEND", "string", "x" * _BIG)
    _fill(client, "list", 100)
    for _ in range(10):
        _fill(client, "list", 100)
    assert {key for key, _, _ in _big(client)} == {b"string", b"list"}


def test_big_values_are_known_after_a_restart(server):
    with server.client() as client:
        _fill(client, "list", 500)
        client.must("SET", "string", "x" * _BIG)
        client.must("SAVE")
        before = _big(client)
    server.restart()
    with server.client() as client:
        assert _big(client) == before == [(b"list", 0, b"list"), (b"string", 0, b"string")]


def test_the_keys_that_are_used_most_come_first(client):
    for round in range(40):
        client.pipeline([("GET", "hot") if number % 2 else ("GET", f"cold:{round}:{number}") for number in range(500)])
        client.pipeline([("INCR", "warm")] * 100)
    client.must("SET", "hot", "x")  # who asks is shown keys that are there
    found = _maps(client.must("TOPKEYS", "HOT"))
    assert [entry["key"] for entry in found[:2]] == [b"hot", b"warm"]
    assert found[0]["db"] == 0 and found[0]["samples"] > found[1]["samples"] > 0 and found[0]["uses-per-second"] > 0
    assert len(_maps(client.must("TOPKEYS", "HOT", "COUNT", 1))) == 1
    client.must("DEL", "hot")
    assert b"hot" not in {entry["key"] for entry in _maps(client.must("TOPKEYS", "HOT"))}


def test_commands_in_transactions_and_scripts_count(client):
    client.must("SET", "tx", "1")
    client.must("SET", "script", "1")
    for _ in range(200):
        client.pipeline([("MULTI",), *[("GET", "tx")] * 10, ("EXEC",)])
        client.must("EVAL", "for i = 1, 10 do redis.call('GET', KEYS[1]) end", 1, "script")
    assert {entry["key"] for entry in _maps(client.must("TOPKEYS", "HOT"))} >= {b"tx", b"script"}


def test_bad_options_are_refused(client):
    for command in (["HOT", "COUNT"], ["HOT", "TYPE", "list"], ["BIG", "COUNT", "10", "x"], ["BIG", "SIZE", "1"]):
        assert client.command("TOPKEYS", *command).value == b"ERR syntax error"
    assert client.command("TOPKEYS", "BIG", "COUNT", "0").value == b"ERR COUNT must be > 0"
    assert client.command("TOPKEYS", "BIG", "COUNT", "x").value == b"ERR value is not an integer or out of range"
