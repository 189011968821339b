"""Every text that REPLICAOF, REPLCONF, PSYNC, WAIT and a replica answer with."""

import pytest

from replication.raw import FakePrimary, RawReplica, Wire, receive_handshake
from replication.stage import until

READONLY = b"READONLY You can't write against a read only replica."
MASTERDOWN = b"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
NOREPLICAS = b"NOREPLICAS Not enough good replicas to write."
WAIT_ON_A_REPLICA = (
    b"ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be "
    b"writable (which is not the default) writes to replicas are just local and are not propagated."
)


@pytest.fixture
def server(stage, kind):
    return stage.server(kind)


@pytest.mark.parametrize("command", ("REPLICAOF", "SLAVEOF"))
def test_replicaof(server, command):
    assert server.error(command, "127.0.0.1") == b"ERR wrong number of arguments for '%s' command" % command.lower().encode()
    assert server.error(command, "127.0.0.1", "port") == b"ERR Invalid master port"
    assert server.error(command, "127.0.0.1", "65536") == b"ERR Invalid master port"
    assert server.error(command, "127.0.0.1", "-1") == b"ERR Invalid master port"
    assert server.must(command, "no", "ONE") == b"OK"
    assert server.info()["role"] == "master"
    assert server.must(command, "127.0.0.1", "1") == b"OK"
    assert server.must(command, "127.0.0.1", "1") == b"OK Already connected to specified master"
    assert server.must(command, "localhost", "1") == b"OK"
    info = server.info()
    assert (info["role"], info["master_host"], info["master_port"]) == ("slave", "localhost", "1")
    assert server.must("CONFIG", "GET", "replicaof")[1].value == b"localhost 1"
    assert server.must(command, "NO", "one") == b"OK"
    assert server.must("CONFIG", "GET", "replicaof")[1].value == b""


def test_replicaof_in_a_transaction_and_a_script(server):
    server.must("MULTI")
    server.must("REPLICAOF", "NO", "ONE")
    assert [reply.value for reply in server.must("EXEC")] == [b"OK"]
    text = server.error("EVAL", "return redis.call('REPLICAOF', 'NO', 'ONE')", 0)
    assert text.startswith(b"ERR This Redis command is not allowed from script"), text


def test_replconf(server):
    with RawReplica(server.port) as replica:
        assert replica.asks("REPLCONF") == b"+OK"
        assert replica.asks("REPLCONF", "listening-port") == b"-ERR syntax error"
        assert replica.asks("REPLCONF", "capa", "eof", "capa") == b"-ERR syntax error"
        assert replica.asks("REPLCONF", "listening-port", "x") == b"-ERR value is not an integer or out of range"
        assert replica.asks("REPLCONF", "no-such", "1") == b"-ERR Unrecognized REPLCONF option: no-such"
        assert replica.asks("REPLCONF", "capa", "no-such") == b"+OK"
        assert replica.asks("REPLCONF", "ip-address", "") == b"+OK"
        assert replica.asks("REPLCONF", "LISTENING-PORT", "1", "Capa", "EOF") == b"+OK"
        assert replica.asks("REPLCONF", "ip-address", "x" * 2000).startswith(b"-ERR REPLCONF ip-address provided by replica")
        text = replica.asks("REPLCONF", "rdb-filter-only", "keys")
        assert text == b"-ERR Unsupported rdb-filter-only option: keys"
        # These say nothing.
        replica.command("REPLCONF", "ack", "10")
        replica.command("REPLCONF", "getack", "*")
        assert replica.asks("PING") == b"+PONG"


def test_psync(server):
    with RawReplica(server.port) as replica:
        assert replica.asks("PSYNC", "?") == b"-ERR wrong number of arguments for 'psync' command"
        assert replica.asks("PSYNC", "?", "x") == b"-ERR value is not an integer or out of range"
        failover = replica.asks("PSYNC", "a" * 40, "1", "FAILOVER")
        assert failover == b"-ERR PSYNC FAILOVER can't be sent to a master."
    with RawReplica(server.port) as replica:
        assert replica.asks("REPLCONF", "rdb-filter-only", "functions") == b"+OK"
        assert replica.asks("PSYNC", "?", "-1") == b"-ERR Filtered replica requires EOF capability"


def test_psync_of_a_replica_without_its_primary(server):
    server.follow(1)
    with RawReplica(server.port) as replica:
        replica.shakes_hands("eof", "psync2")
        for words in (("PSYNC", "?", "-1"), ("SYNC",)):
            assert replica.asks(*words) == b"-NOMASTERLINK Can't SYNC while not connected with my master"


def test_psync_with_replies_that_wait(server):
    """Behind a command in one pipeline its reply may still be on the way."""
    with RawReplica(server.port) as replica:
        replica.send(b"*1\r\n$4\r\nPING\r\n*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n")
        assert replica.line() == b"+PONG"
        assert replica.line() == b"-ERR SYNC and PSYNC are invalid with pending output"


@pytest.mark.parametrize("words", (("GET", "k"), ("PING",), ("INFO",), ("REPLICAOF", "NO", "ONE")))
def test_a_replica_that_asks_for_a_reply(server, words):
    """A command that answers, on a connection of a replica, ends it."""
    with RawReplica(server.port) as replica:
        replica.synchronizes("eof", "psync2")
        until(lambda: server.online_replicas() == 1)
        replica.command(*words)
        assert replica.is_closed()
        until(lambda: server.info()["connected_slaves"] == "0")
        assert server.info()["role"] == "master"


def test_psync_of_a_replica_is_ignored(server):
    with RawReplica(server.port) as replica:
        replica.synchronizes("eof", "psync2")
        replica.command("PSYNC", "?", "-1")
        replica.command("SYNC")
        server.must("SET", "k", "v")
        replica.expects("SELECT", "0")
        replica.expects("SET", "k", "v")
        assert server.stat("sync_full") == 1


def test_a_read_only_replica(stage, kinds):
    primary, replica = stage.pair(kinds)
    for words in (("SET", "k", "v"), ("DEL", "k"), ("PFCOUNT", "k", "l"), ("EVAL", "return redis.call('SET', 'k', 'v')", 0),
                  ("FUNCTION", "FLUSH"), ("FLUSHALL",), ("SORT", "l", "STORE", "m"), ("GETEX", "k")):  # fmt: skip
        if words[0] == "PFCOUNT":
            assert replica.must(*words) == 0
        elif words[0] == "EVAL":
            text = replica.error(*words)
            assert text.startswith(READONLY[:-1]) and b"script: " in text, text
        else:
            assert replica.error(*words) == READONLY, words
    replica.must("MULTI")
    assert replica.error("SET", "k", "v") == READONLY
    assert replica.error("EXEC") == b"EXECABORT Transaction discarded because of previous errors."
    assert replica.error("EVAL", "#!lua\nreturn 1", 0) == READONLY
    assert replica.must("EVAL", "#!lua flags=no-writes\nreturn 1", 0) == 1
    assert replica.must("EVAL_RO", "return redis.call('GET', 'k')", 0) is None
    assert replica.must("PUBLISH", "c", "m") == 0
    assert replica.error("WAIT", 0, 0) == WAIT_ON_A_REPLICA
    # A queue that was made while it could write.
    replica.config("replica-read-only", "no")
    replica.must("MULTI")
    replica.must("SET", "k", "v")
    primary.must("PING")
    with replica.client() as other:
        other.must("CONFIG", "SET", "replica-read-only", "yes")
    assert replica.error("EXEC") == b"EXECABORT Transaction discarded because of: " + READONLY
    assert replica.must("EXISTS", "k") == 0


def test_stale_data(stage, kind):
    """Link down and replica-serve-stale-data no: only commands about the server itself are served."""
    server = stage.server(kind, "--replica-serve-stale-data", "no")
    server.must("SET", "k", "v")
    server.follow(1)
    refused = (("GET", "k"), ("EXISTS", "k"), ("KEYS", "*"), ("DBSIZE",), ("PING",), ("EVAL_RO", "return redis.call('GET', 'k')", 0))
    for words in refused:
        assert server.error(*words) == MASTERDOWN, words
    assert server.error("SET", "k", "v") == READONLY  # is looked at first
    for words in (("INFO",), ("CONFIG", "GET", "port"), ("ROLE",), ("CLIENT", "ID"), ("SUBSCRIBE", "c"), ("UNSUBSCRIBE",)):
        server.must(*words)
    server.must("MULTI")
    assert server.error("GET", "k") == MASTERDOWN
    server.must("DISCARD")
    server.config("replica-serve-stale-data", "yes")
    assert server.must("GET", "k") == b"v"
    server.config("replica-serve-stale-data", "no")
    server.must("REPLICAOF", "NO", "ONE")
    assert server.must("GET", "k") == b"v"


def test_stale_data_of_a_replica_that_had_its_primary(stage, kinds):
    primary, replica = stage.pair(kinds)
    replica.config("replica-serve-stale-data", "no")
    if replica.kind == "holdfast":
        replica.config("replica-accept-empty-primary", "yes")  # the primary will lose its data
    primary.must("SET", "k", "v")
    until(lambda: replica.must("GET", "k") == b"v")
    primary.must("SAVE")
    primary.kill()
    until(lambda: replica.info()["master_link_status"] == "down")
    assert replica.error("GET", "k") == MASTERDOWN
    primary.start()
    until(replica.link_is_up)
    assert replica.must("GET", "k") == b"v"


def test_too_few_replicas(stage, kinds):
    primary = stage.server(kinds.primary, "--min-replicas-to-write", 1, "--min-replicas-max-lag", 10)
    assert primary.error("SET", "k", "v") == NOREPLICAS
    assert primary.must("GET", "k") is None
    assert primary.error("EVAL", "return redis.call('SET', 'k', 'v')", 0).startswith(NOREPLICAS[:-1])
    primary.must("MULTI")
    assert primary.error("SET", "k", "v") == NOREPLICAS
    assert primary.error("EXEC") == b"EXECABORT Transaction discarded because of previous errors."
    assert primary.info()["min_slaves_good_slaves"] == "0"
    replica = stage.replica(kinds.replica, primary)
    until(lambda: primary.info()["min_slaves_good_slaves"] == "1")
    until(lambda: primary.ask("SET", "k", "v").value == b"OK")
    primary.config("min-replicas-to-write", 2)
    assert primary.error("SET", "k", "v") == NOREPLICAS
    primary.config("min-replicas-to-write", 1)
    until(lambda: primary.ask("SET", "k", "v").value == b"OK")
    replica.kill()
    until(lambda: primary.info()["min_slaves_good_slaves"] == "0")
    assert primary.error("SET", "k", "v") == NOREPLICAS
    primary.config("min-replicas-to-write", 0)
    assert primary.must("SET", "k", "v") == b"OK"
    assert "min_slaves_good_slaves" not in primary.info()


def test_no_chain_below_a_replica_that_synchronizes(stage, kind):
    """While the handshake of a replica lasts nobody can synchronize with it."""
    server = stage.server(kind)
    handshakes = []

    def stand_still(wire: Wire) -> None:
        handshakes.append(receive_handshake(wire))
        wire.is_closed()

    with FakePrimary(stand_still) as primary:
        server.follow(primary.port)
        until(lambda: primary.check() and handshakes)
        with RawReplica(server.port) as replica:
            replica.shakes_hands("eof", "psync2")
            assert replica.asks("PSYNC", "?", "-1").startswith(b"-NOMASTERLINK")
        assert server.must("ROLE")[3].value == b"handshake"
        server.must("REPLICAOF", "NO", "ONE")
