"""WAITAOF and the acknowledgements of what is on the disk; Holdfast has them, the reference 7.0 does not."""

import pytest

from replication.raw import FakePrimary, RawReplica, receive_handshake
from replication.stage import until
from replication.test_raw_primary import ID, SELECT, START

pytestmark = pytest.mark.holdfast("primary", "replica")
AOF = ("--appendonly", "yes", "--appendfsync", "everysec")


def counts(reply) -> list[int]:
    return [each.value for each in reply]


def test_both_on_the_disk(stage, kinds):
    primary, replica = stage.pair(kinds, *AOF)
    primary.must("SET", "k", "v")
    assert counts(primary.must("WAITAOF", 1, 1, 0)) == [1, 1]
    replica.kill()
    replica.start()
    assert replica.must("GET", "k") == b"v"


def test_a_replica_without_aof(stage, kinds):
    primary = stage.server(kinds.primary, *AOF)
    replica = stage.replica(kinds.replica, primary)
    primary.must("SET", "k", "v")
    assert counts(primary.must("WAITAOF", 1, 0, 0)) == [1, 0]
    assert counts(primary.must("WAITAOF", 1, 1, 100)) == [1, 0]
    assert primary.must("WAIT", 1, 0) == 1
    replica.config("appendonly", "yes")
    primary.must("SET", "k", "w")
    assert counts(primary.must("WAITAOF", 1, 1, 0)) == [1, 1]


def test_a_primary_without_aof(stage, kinds):
    primary = stage.server(kinds.primary)
    stage.replica(kinds.replica, primary, *AOF)
    text = b"ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
    assert primary.error("WAITAOF", 1, 1, 0) == text
    primary.must("SET", "k", "v")
    assert counts(primary.must("WAITAOF", 0, 1, 0)) == [0, 1]


def test_on_a_replica(stage, kinds):
    _, replica = stage.pair(kinds, *AOF)
    assert replica.error("WAITAOF", 0, 0, 0).startswith(b"ERR WAITAOF cannot be used with replica instances.")


def test_acknowledgements_by_hand(stage, kinds):
    """FACK is what counts, and is not taken back."""
    primary = stage.server(kinds.primary)
    with RawReplica(primary.port) as replica, primary.client() as client:
        replica.synchronizes("eof", "psync2")
        client.must("SET", "k", "v")
        replica.expects("SELECT", "0")
        replica.expects("SET", "k", "v")
        at = replica.offset
        client.send("WAITAOF", 0, 1, 0)
        until(lambda: primary.info("clients")["blocked_clients"] == "1")
        replica.command("REPLCONF", "ACK", at)
        replica.command("REPLCONF", "ACK", at, "FACK", at - 1)
        assert primary.must("WAIT", 0, 0) == 1
        assert primary.info("clients")["blocked_clients"] == "1"
        replica.command("REPLCONF", "ACK", at, "FACK", at)
        assert counts(client.read_reply().value) == [0, 1]


@pytest.mark.parametrize("aof", (True, False))
def test_what_a_replica_says(stage, kinds, aof):
    """With an AOF each acknowledgement also tells what is on the disk; without, it does not."""
    replica = stage.server(kinds.replica, *(AOF if aof else ()))
    source = stage.server("redis")
    source.must("SET", "k", "v")
    source.must("SAVE")
    payload = (source.server.directory / "dump.rdb").read_bytes()
    seen = []

    def act(wire):
        receive_handshake(wire)
        wire.send(b"+FULLRESYNC %s %d\r\n$%d\r\n" % (ID.encode(), START, len(payload)) + payload)
        wire.send(SELECT)
        at = b"%d" % (START + len(SELECT))
        while True:
            while wire.buffer[:1] == b"\n":
                wire.exactly(1)
            if not wire.buffer:
                wire._more()
                continue
            words = wire.words()
            assert words[:2] == [b"REPLCONF", b"ACK"], words
            seen.append(words)
            if words[2:] == ([at, b"FACK", at] if aof else [at]):
                return

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(primary.has_finished)
    assert aof or not any(b"FACK" in words for words in seen)
