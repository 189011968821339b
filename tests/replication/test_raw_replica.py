"""What a primary sends, byte by byte, to a replica played by hand."""

import pathlib
import subprocess

import pytest

from harness import holdfast_binary
from replication.raw import RawReplica
from replication.stage import until
from replication.writers import LIBRARY, fill

GETACK = b"*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n"
PING = b"*1\r\n$4\r\nping\r\n"


@pytest.fixture
def primary(stage, kind):
    return stage.server(kind, "--repl-ping-replica-period", 3600)


@pytest.fixture
def replica(primary):
    with RawReplica(primary.port) as made:
        yield made


def check_rdb(data: bytes, directory: pathlib.Path) -> None:
    """Both programs that check files find nothing."""
    file = directory / "payload.rdb"
    file.write_bytes(data)
    for program in (pathlib.Path(holdfast_binary()).parent / "holdfast-check-rdb", "redis-check-rdb"):
        done = subprocess.run([program, file], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert done.returncode == 0, done.stdout.decode(errors="replace")


# The payload.


@pytest.mark.parametrize("diskless", ("yes", "no"))
@pytest.mark.parametrize("capabilities", (("eof", "psync2"), ("psync2",), ()))
def test_the_form_of_the_payload(primary, replica, tmp_path, diskless, capabilities):
    """A mark only for those who know marks; the file is sound either way, and names history and offset."""
    primary.config("repl-diskless-sync", diskless)
    fill(primary, 500)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    data = replica.synchronizes(*capabilities)
    assert bool(replica.mark) == (diskless == "yes" and "eof" in capabilities)
    assert data.startswith(b"REDIS0010") or primary.kind == "holdfast"
    assert b"repl-id" in data[:400] and replica.replid in data[:400] and b"repl-offset" in data[:400]
    check_rdb(data, tmp_path)
    assert replica.replid.decode() == primary.info()["master_replid"]


def test_the_stream_waits_for_the_first_acknowledgement(primary, replica):
    """After a payload with a mark nothing may follow before the replica has said how far it is."""
    replica.shakes_hands("eof", "psync2")
    replica.asks_for_everything()
    replica.payload()
    assert replica.mark
    primary.must("SET", "k", "v")
    until(lambda: "state=online" in primary.info()["slave0"])
    primary.must("SET", "k2", "v")
    replica.socket.setblocking(False)
    with pytest.raises(BlockingIOError):
        replica.socket.recv(1)
    replica.socket.settimeout(30)
    replica.acknowledges()
    replica.expects("SELECT", "0")
    replica.expects("SET", "k", "v")
    replica.expects("SET", "k2", "v")


def test_several_wait_for_one_payload(primary):
    primary.config("repl-diskless-sync-delay", 1)
    fill(primary, 200)
    replicas = [RawReplica(primary.port) for _ in range(3)]
    for replica in replicas:
        replica.shakes_hands("eof", "psync2")
        replica.command("PSYNC", "?", "-1")
    answers = [replica.line_skipping_newlines() for replica in replicas]
    assert len(set(answers)) == 1 and answers[0].startswith(b"+FULLRESYNC ")
    payloads = [replica.payload() for replica in replicas]
    if primary.kind == "redis":
        assert payloads[0] == payloads[1] == payloads[2]
        assert len({replica.mark for replica in replicas}) == 1
    primary.must("SET", "k", "v")
    for replica in replicas:
        replica.offset = int(answers[0].split()[2])
        replica.acknowledges()
        replica.expects("SELECT", "0")
        replica.expects("SET", "k", "v")
        replica.close()
    assert primary.stat("sync_full") == 3


def test_sync_without_p(primary, replica):
    """SYNC: no line before the payload, the stream behind it."""
    primary.must("SET", "before", "1")
    replica.send(b"SYNC\r\n")
    data = replica.payload()
    assert b"before" in data and not replica.mark
    primary.must("SET", "after", "1")
    replica.expects("SELECT", "0")
    replica.expects("SET", "after", "1")


def test_only_the_payload(primary, replica):
    """REPLCONF rdb-only 1: the connection ends behind the payload."""
    primary.must("SET", "k", "v")
    assert replica.asks("REPLCONF", "rdb-only", "1") == b"+OK"
    replica.send(b"SYNC\r\n")
    assert replica.payload().startswith(b"REDIS")
    assert replica.is_closed()
    assert not replica.buffer


def test_only_functions(primary, replica, tmp_path):
    primary.must("SET", "a key of the primary", "v")
    primary.must("FUNCTION", "LOAD", LIBRARY)
    assert replica.asks("REPLCONF", "capa", "eof", "rdb-only", "1", "rdb-filter-only", "functions") == b"+OK"
    replica.send(b"SYNC\r\n")
    data = replica.payload()
    assert replica.mark
    assert b"a key of the primary" not in data and b"shop" in data
    check_rdb(data, tmp_path)


# The stream.


def test_the_bytes_of_the_stream(primary, replica):
    replica.synchronizes("eof", "psync2")
    start = replica.offset
    primary.must("SET", "k", "v")
    replica.expects("SELECT", "0")
    replica.expects("SET", "k", "v")
    primary.must("set", "k", "w")  # the name as it was written
    replica.expects("set", "k", "w")
    primary.must("SELECT", 5)
    primary.must("GET", "k")
    primary.must("INCR", "n")
    replica.expects("SELECT", "5")
    replica.expects("INCR", "n")
    primary.must("EXPIREAT", "n", 4000000000)
    replica.expects("PEXPIREAT", "n", "4000000000000")
    primary.must("SET", "n", "1", "PXAT", 4000000000000)
    replica.expects("SET", "n", "1", "PXAT", "4000000000000")
    primary.must("SADD", "s", "only")
    replica.expects("SADD", "s", "only")
    primary.must("SPOP", "s")
    replica.expects("SREM", "s", "only")
    primary.must("INCRBYFLOAT", "f", "1.5")
    replica.expects("SET", "f", "1.5", "KEEPTTL")
    primary.must("GETDEL", "f")
    replica.expects("DEL", "f")
    primary.must("LPUSH", "l", "1")
    replica.expects("LPUSH", "l", "1")
    primary.must("BLPOP", "l", 0)
    replica.expects("LPOP", "l")
    primary.must("FLUSHDB")
    replica.expects("FLUSHDB")
    primary.must("PUBLISH", "channel", "message")
    replica.expects("PUBLISH", "channel", "message")
    assert primary.offset() == replica.offset > start


def test_messages_have_their_place_in_a_transaction(primary, replica):
    """Who is told of it by a replica finds there what was written before."""
    replica.synchronizes("eof", "psync2")
    primary.must("SET", "a", "0")
    replica.expects("SELECT", "0")
    replica.expects("SET", "a", "0")
    writes = [("SET", "a", "1"), ("PUBLISH", "c", "m"), ("SET", "b", "2"), ("SPUBLISH", "s", "n")]
    for words in (("MULTI",), *writes, ("EXEC",)):
        primary.must(*words)
    for words in (("MULTI",), *writes, ("EXEC",)):
        replica.expects(*words)
    script = "redis.call('SET', KEYS[1], '1') redis.call('PUBLISH', 'c', 'm') redis.call('SET', KEYS[1], '2')"
    primary.must("EVAL", script, 1, "k")
    for words in (("MULTI",), ("SET", "k", "1"), ("PUBLISH", "c", "m"), ("SET", "k", "2"), ("EXEC",)):
        replica.expects(*words)
    assert primary.must("EVAL", "return redis.call('PUBLISH', 'c', ARGV[1])", 0, "alone") == 0
    replica.expects("PUBLISH", "c", "alone")
    assert primary.offset() == replica.offset


def test_transactions_and_scripts(primary, replica):
    replica.synchronizes("eof", "psync2")
    primary.must("MULTI")
    primary.must("SET", "a", "1")
    primary.must("GET", "a")
    primary.must("SELECT", 2)
    primary.must("SET", "b", "2")
    primary.must("EXEC")
    first = [("SELECT", "0"), ("MULTI",)]
    for words in first if primary.kind == "redis" else reversed(first):  # Holdfast has the order of Redis 7.2
        replica.expects(*words)
    replica.expects("SET", "a", "1")
    replica.expects("SELECT", "2")
    replica.expects("SET", "b", "2")
    replica.expects("EXEC")
    primary.must("SELECT", 2)
    primary.must("MULTI")
    primary.must("GET", "a")
    primary.must("EXEC")  # nothing was written
    primary.must("EVAL", "redis.call('SET', KEYS[1], 'x'); return redis.call('INCR', 'c')", 1, "d")
    replica.expects("MULTI")
    replica.expects("SET", "d", "x")
    replica.expects("INCR", "c")
    replica.expects("EXEC")
    primary.must("EVAL", "return redis.call('INCR', 'c')", 0)
    replica.expects("INCR", "c")
    primary.must("FUNCTION", "LOAD", LIBRARY)
    replica.expects("FUNCTION", "LOAD", LIBRARY)
    primary.must("FCALL", "sell", 2, "stock", "sold", "pear")
    replica.expects("MULTI")
    replica.expects("HINCRBY", "stock", "pear", "-1")
    replica.expects("ZINCRBY", "sold", "1", "pear")
    replica.expects("EXEC")
    assert primary.offset() == replica.offset


def test_expired_keys_are_deleted_by_the_primary(primary, replica):
    replica.synchronizes("eof", "psync2")
    primary.must("SET", "k", "v", "PX", 30)
    replica.expects("SELECT", "0")
    assert replica.stream().startswith(b"*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$4\r\nPXAT\r\n$13\r\n")
    until(lambda: not primary.must("EXISTS", "k"))
    replica.expects("DEL", "k")
    primary.must("SET", "k", "v")
    replica.expects("SET", "k", "v")
    primary.must("PEXPIREAT", "k", 1)  # past
    replica.expects("DEL", "k")


def test_pings(primary, replica):
    replica.synchronizes("eof", "psync2")
    primary.config("repl-ping-replica-period", 1)
    assert replica.stream() == PING
    assert replica.stream() == PING
    assert primary.offset() >= replica.offset  # they count


def test_wait_asks_and_acknowledgements_answer(primary, replica):
    replica.synchronizes("eof", "psync2")
    primary.must("SET", "k", "v")
    replica.expects("SELECT", "0")
    replica.expects("SET", "k", "v")
    with primary.client() as waiting:
        waiting.must("SET", "k", "w")
        replica.expects("SET", "k", "w")
        at = replica.offset
        waiting.send("WAIT", 1, 0)
        assert replica.stream() == GETACK
        replica.command("REPLCONF", "ACK", at - 1)  # not yet
        replica.command("REPLCONF", "ACK", at)
        assert waiting.read_reply().value == 1
    replica.acknowledges()
    until(lambda: f"offset={replica.offset}," in primary.info()["slave0"])
    assert primary.must("ROLE")[2].value[0].value[2].value == b"%d" % replica.offset
    # What was acknowledged once is not taken back.
    at = replica.offset
    replica.command("REPLCONF", "ACK", 1)
    primary.must("SET", "k", "x")
    replica.expects("SET", "k", "x")
    assert int(primary.info()["slave0"].split("offset=")[1].split(",")[0]) >= at


# Partial synchronization.


def history(replica: RawReplica, primary) -> tuple[bytes, int]:
    """Synchronizes, writes a little; the name of the history and the offset of its last byte."""
    replica.synchronizes("eof", "psync2")
    primary.must("SET", "k", "v")
    replica.expects("SELECT", "0")
    replica.expects("SET", "k", "v")
    return replica.replid, replica.offset


@pytest.mark.parametrize("capabilities", (("eof", "psync2"), ("eof",)))
def test_continue(primary, replica, capabilities):
    replid, at = history(replica, primary)
    replica.close()
    primary.must("SET", "k", "w")
    with RawReplica(primary.port) as again:
        again.shakes_hands(*capabilities)
        answer = again.asks("PSYNC", replid.upper(), at + 1)
        assert answer == (b"+CONTINUE " + replid if "psync2" in capabilities else b"+CONTINUE")
        again.expects("SET", "k", "w")  # no SELECT
        primary.must("SET", "k", "x")
        again.expects("SET", "k", "x")
    assert primary.sync_counts() == (1, 1)


def test_where_the_backlog_begins_and_ends(primary, replica):
    replid, at = history(replica, primary)
    first = int(primary.info()["repl_backlog_first_byte_offset"])
    for asked, partial in ((first, True), (at + 1, True), (first - 1, False), (at + 2, False), (at, True)):
        with RawReplica(primary.port) as other:
            other.shakes_hands("eof", "psync2")
            other.command("PSYNC", replid, asked)
            answer = other.line_skipping_newlines()
            assert answer.startswith(b"+CONTINUE" if partial else b"+FULLRESYNC"), (asked, answer)
    with RawReplica(primary.port) as other:
        other.shakes_hands("eof", "psync2")
        other.command("PSYNC", "a" * 40, at + 1)
        assert other.line_skipping_newlines().startswith(b"+FULLRESYNC")
    assert primary.stat("sync_partial_ok") == 3


def test_the_last_bytes_are_sent_again(primary, replica):
    """Any offset is good, also one in the middle of a command."""
    replid, at = history(replica, primary)
    with RawReplica(primary.port) as other:
        other.shakes_hands("eof", "psync2")
        assert other.asks("PSYNC", replid, at - 4) == b"+CONTINUE " + replid
        assert other.exactly(5) == b"1\r\nv\r\n"[-5:]
