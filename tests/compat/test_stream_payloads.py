"""What one server dumps of a stream, the other one restores: entries, groups and pending ones, both ways; and damage."""

import random

import pytest

from harness.payload import FOOTER_BYTES, seal

_VALUE = b"v" * 3000


def _plain(client, count: int) -> None:
    for number in range(1, count + 1):
        client.must("XADD", "s", f"{number}-{number % 3}", "field", number, "text", "abc")


def _mixed(client) -> None:
    for number in range(1, 400):
        pairs = [word for i in range(number % 4 + 1) for word in (f"f{i * (number % 2)}", number * i)]
        client.must("XADD", "s", f"{number // 5}-{number}", *pairs)
    client.must("XDEL", "s", *[f"{number // 5}-{number}" for number in range(7, 300, 3)])
    client.must("XADD", "s", "1000-1", "big", _VALUE, "", "\x00\xff")


def _groups(client) -> None:
    _plain(client, 250)
    client.must("XGROUP", "CREATE", "s", "empty", "0")
    client.must("XGROUP", "CREATE", "s", "g", "0")
    client.must("XREADGROUP", "GROUP", "g", "alice", "COUNT", "120", "STREAMS", "s", ">")
    client.must("XREADGROUP", "GROUP", "g", "bob", "COUNT", "30", "STREAMS", "s", ">")
    client.must("XACK", "s", "g", *[f"{number}-{number % 3}" for number in range(1, 100, 2)])
    client.must("XGROUP", "CREATECONSUMER", "s", "g", "idle")
    client.must("XDEL", "s", "2-2", "130-1")


def _emptied(client) -> None:
    _plain(client, 10)
    client.must("XGROUP", "CREATE", "s", "g", "$")
    client.must("XTRIM", "s", "MAXLEN", "0")


_STREAMS = {
    "one": lambda client: _plain(client, 1),
    "two_nodes": lambda client: _plain(client, 150),
    "many": lambda client: _plain(client, 2500),
    "mixed": _mixed,
    "groups": _groups,
    "emptied": _emptied,
}


def _content(client) -> list:
    groups = [group.value for group in client.must("XINFO", "GROUPS", "s").value]
    pending = []
    for group in groups:
        rows = client.must("XPENDING", "s", group[1].value, "-", "+", "10000").value
        pending.append([(row.value[0], row.value[1], row.value[3]) for row in rows])
    return [client.must("XLEN", "s"), client.must("XRANGE", "s", "-", "+"), groups, pending]


@pytest.mark.parametrize("name", _STREAMS)
def test_a_dump_is_restored_by_the_other_server(both, name):
    for source, target in (both, both[::-1]):
        for client in both:
            client.must("DEL", "s")
        _STREAMS[name](source)
        target.must("RESTORE", "s", 0, source.must("DUMP", "s").value)
        assert _content(source) == _content(target)
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")
        for client in both:
            client.must("XADD", "s", "9000-1", "field", "1", "text", "abc")
            client.must("XTRIM", "s", "MAXLEN", "100")
            client.must("XGROUP", "CREATE", "s", "later", "5")
            client.must("XREADGROUP", "GROUP", "later", "c", "COUNT", "3", "STREAMS", "s", ">")
        assert _content(source) == _content(target)
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")


@pytest.mark.parametrize("name", ["one", "two_nodes", "mixed", "groups"])
def test_damage_is_refused_or_does_no_harm(both, name):
    _, candidate = both
    _STREAMS[name](candidate)
    body = candidate.must("DUMP", "s").value[:-FOOTER_BYTES]
    dice = random.Random(name)
    restored = 0
    for _ in range(600):
        damaged = bytearray(body)
        for _ in range(dice.randrange(1, 4)):
            damaged[dice.randrange(1, len(damaged))] = dice.randrange(256)
        if dice.random() < 0.2:
            del damaged[dice.randrange(1, len(damaged)) :]
        reply = candidate.command("RESTORE", "damaged", 0, seal(bytes(damaged)), "REPLACE")
        if reply.value == b"OK":
            restored += 1
            candidate.must("XRANGE", "damaged", "-", "+")
            candidate.must("XINFO", "STREAM", "damaged", "FULL")
            candidate.must("XADD", "damaged", "NOMKSTREAM", "MAXLEN", "3", "18446744073709551615-1", "a", "b")
        else:
            assert b"Bad data format" in reply.value, reply
    assert restored < 600
    candidate.must("PING")


def test_entries_need_a_node(both):
    for client in both:
        assert client.command("RESTORE", "s", 0, seal(b"\x13\x00\x01" + b"\x00" * 8)).value == b"ERR Bad data format"
