"""INFO has every field of the reference, of the same kind, in the same order; and what is ours."""

import contextlib
import re

import pytest

from harness.server import Server, holdfast_binary, reference_binary
from harness.waiting import until

# Their lines are by command, in no order of their own.
_BY_COMMAND = ("Commandstats", "Latencystats")


def _sections(client, *names: str) -> dict[str, dict[str, str]]:
    sections, fields = {}, {}
    for line in client.must("INFO", *names).value.decode().split("\r\n"):
        if line.startswith("# "):
            fields = sections[line[2:]] = {}
        elif line:
            name, _, value = line.partition(":")
            fields[name] = value
    return sections


def _kind(value: str) -> str:
    """What a program would parse it as."""
    for kind, pattern in (("integer", r"-?\d+"), ("decimal", r"-?\d+\.\d+"), ("percent", r"-?\d+\.\d+%"), ("bytes", r"[\d.]+[BKMGT]")):
        if re.fullmatch(pattern, value):
            return kind
    return "map" if re.fullmatch(r"(\w[\w.]*=[^,]*,?)+", value) else "text"


def _play(client) -> None:
    client.must("CONFIG", "RESETSTAT")  # whoever waited for the start may have been told LOADING
    client.must("SET", "k", "v", "EX", 1000)
    client.must("RPUSH", "list", "x")
    client.command("INCR", "list")
    client.command("NO-SUCH-COMMAND")
    client.command("GET")


@pytest.mark.parametrize("directives", [("--save", ""), ("--save", "3600 1", "--appendonly", "yes", "--maxmemory", "1gb")],
                         ids=["plain", "persistent"])
def test_fields_are_those_of_the_reference(directives):
    found = []
    for binary in (reference_binary(), holdfast_binary()):
        with Server(binary, directives) as server, server.client() as client:
            _play(client)
            found.append(_sections(client, "everything"))
    theirs, ours = found
    assert list(ours) == list(theirs)
    for section, fields in theirs.items():
        assert fields.keys() <= ours[section].keys(), section
        assert {name: _kind(ours[section][name]) for name in fields} == {name: _kind(value) for name, value in fields.items()}
        if section not in _BY_COMMAND:
            assert [name for name in ours[section] if name in fields] == list(fields), section
    assert ours["Errorstats"] == theirs["Errorstats"]
    assert ours["Keyspace"]["db0"].split(",")[0] == theirs["Keyspace"]["db0"].split(",")[0]


def test_listeners_are_named(tmp_path):
    path = tmp_path / "socket"
    with Server(holdfast_binary(), ["--save", "", "--unixsocket", str(path)]) as server, server.client() as client:
        fields = _sections(client, "server")["Server"]
        assert fields["listener0"] == f"name=tcp,bind=127.0.0.1,port={server.port}"
        assert fields["listener1"] == f"name=unix,bind={path}"


def test_keys_that_are_waited_for_are_counted():
    with Server(holdfast_binary(), ["--save", "", "--threads", "2"]) as server, server.client() as client, contextlib.ExitStack() as waiting:
        def counted() -> tuple[int, int]:
            fields = _sections(client, "clients")["Clients"]
            return int(fields["total_blocking_keys"]), int(fields["total_blocking_keys_on_nokey"])

        client.must("XGROUP", "CREATE", "stream", "group", "$", "MKSTREAM")
        for command in (("BLPOP", "a", "b", 0), ("BLPOP", "b", 0), ("BZPOPMIN", "c", 0), ("XREAD", "BLOCK", 0, "STREAMS", "stream", "$"),
                        ("XREADGROUP", "GROUP", "group", "me", "BLOCK", 0, "STREAMS", "stream", ">")):
            waiting.enter_context(server.client()).send(*command)
        until(lambda: counted() == (4, 1))
        client.must("RPUSH", "a", "x")  # another one waits for b
        until(lambda: counted() == (3, 1))
        client.must("DEL", "stream")
        until(lambda: counted() == (3, 0))
        client.must("RPUSH", "b", "x")
        until(lambda: counted() == (2, 0))


def test_workers_and_partitions_are_shown_when_asked_for():
    with Server(holdfast_binary(), ["--save", "", "--threads", "2"]) as server:
        clients = [server.client() for _ in range(4)]
        try:
            for client in clients:
                for number in range(100):
                    client.must("SET", f"key:{number}", "x")
            assert not {"Workers", "Partitions"} & _sections(clients[0], "everything").keys()
            found = _sections(clients[0], "workers", "partitions")
        finally:
            for client in clients:
                client.close()
        workers = [dict(field.split("=") for field in value.split(",")) for name, value in found["Workers"].items() if name != "workers"]
        assert found["Workers"]["workers"] == "2" and len(workers) == 2
        assert sum(int(worker["connections"]) for worker in workers) == 4
        assert sum(int(worker["commands"]) for worker in workers) >= 400
        assert all(int(worker["turns"]) > 0 and int(worker["busy_usec"]) > 0 for worker in workers)
        partitions = found["Partitions"]
        assert partitions["partitions"] == "256" and int(partitions["partition_keys_max"]) >= 1
        shown = [value for name, value in partitions.items() if re.fullmatch(r"partition_\d+", name)]
        assert len(shown) == 16 and all(_kind(value) == "map" for value in shown)
