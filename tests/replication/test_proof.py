"""REPLICAPROOF: at one offset, while everybody serves, which replicas have what their primary has."""

import contextlib
import threading
import time

import pytest

from harness.crew import Crew, stress_seconds, stress_seed
from replication.stage import until, until_equal, wait_for_equal, wait_for_offset
from replication.writers import LIBRARY, fill, fill_brief_keys, write_everything

pytestmark = pytest.mark.holdfast("primary", "replica")


def plain(reply):
    """Maps come as flat arrays in RESP2; every map here begins with a name."""
    value = reply.value
    if not isinstance(value, tuple):
        return value.decode() if isinstance(value, bytes) else value
    items = [plain(each) for each in value]
    if items and len(items) % 2 == 0 and isinstance(items[0], str):
        return dict(zip(items[::2], items[1::2]))
    return items


def run(primary, *words) -> dict:
    reply = primary.ask("REPLICAPROOF", "RUN", *words)
    assert not reply.is_error(), reply.value
    return plain(reply)


def verdicts(result) -> dict:
    """What is said of each replica, by the port that it listens on."""
    return {int(each["replica"].rsplit(":", 1)[1]): each["result"] for each in result["replicas"]}


def groups_of(result, replica) -> list:
    [found] = [each["groups"] for each in result["replicas"] if each["replica"].endswith(f":{replica.port}")]
    return found


def group_keys(actor, db, group) -> dict:
    return {key.value: digest.value for key, digest in (pair.value for pair in actor.must("REPLICAPROOF", "KEYS", db, group))}


def test_replicas_that_are_equal(stage, kinds):
    primary, replica = stage.pair(kinds)
    other = stage.replica("holdfast", primary, "--partitions", 64, "--hash-max-listpack-entries", 4)
    fill(primary, 3000)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    before = primary.offset()
    result = run(primary)
    assert verdicts(result) == {replica.port: "equal", other.port: "equal"}
    assert (result["equal"], result["different"], result["unchecked"]) == (2, 0, 0)
    assert result["offset"] > before
    assert result["keys"] == sum(int(keys.split("=")[1].split(",")[0]) for keys in primary.info("keyspace").values())
    assert plain(primary.ask("REPLICAPROOF", "LAST")) == result
    info = primary.info()
    names = ("last_time", "last_equal", "last_different", "last_unchecked", "in_progress")
    assert [info[f"replica_proof_{name}"] for name in names] == [str(result["time"]), "2", "0", "0", "0"]
    # The offsets go on together.
    wait_for_equal(primary, replica, other)


def test_what_differs_is_named(stage, kinds):
    """One key more, one less, one value, one time of expiry, one field, one library: each in its group."""
    primary, replica = stage.pair(kinds, "--replica-read-only", "no")
    fill(primary, 1000)
    primary.must("SET", "value", "a")
    primary.must("SET", "expiry", "a", "PXAT", 4_000_000_000_000)
    primary.must("HSET", "hash", "f", "a", "g", "b")
    primary.must("SET", "missing", "a")
    primary.must("ZADD", "big", *(word for i in range(5000) for word in (i, f"member {i}")))
    wait_for_offset(primary, replica)
    assert verdicts(run(primary)) == {replica.port: "equal"}
    changes = {
        "value": ("SET", "value", "b"),
        "expiry": ("PEXPIREAT", "expiry", 4_000_000_000_001),
        "hash": ("HSET", "hash", "g", "c"),
        "missing": ("DEL", "missing"),
        "extra": ("SET", "extra", "a"),
        "big": ("ZINCRBY", "big", 1, "member 4999"),
    }
    for name, change in changes.items():
        replica.must(*change)
        result = run(primary)
        assert verdicts(result) == {replica.port: "different"}, name
        [[db, group, here, there]] = groups_of(result, replica)
        assert db == 0 and there - here == {"missing": -1, "extra": 1}.get(name, 0)
        ours, theirs = group_keys(primary, db, group), group_keys(replica, db, group)
        assert (len(ours), len(theirs)) == (here, there)
        assert {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)} == {name.encode()}
        assert f"127.0.0.1:{replica.port} are different in 1 groups" in primary.server.log_tail()
        # The primary's copy goes to the replica again.
        primary.must(*change)
        if name == "extra":
            primary.must("DEL", "extra")
        if name == "hash":
            primary.must("HSET", "hash", "g", "b")
        if name == "big":
            primary.must("ZADD", "big", 4999, "member 4999")
        assert verdicts(run(primary)) == {replica.port: "equal"}, name
    replica.must("FUNCTION", "LOAD", LIBRARY)
    assert groups_of(run(primary), replica) == [[-1, 0, 0, 1]]


def test_everything_is_written_meanwhile(stage, kinds):
    """All types, transactions, scripts, expiry, and whole databases that come, go and change places."""
    primary, replica = stage.pair(kinds, "--replica-read-only", "no")
    fill(primary, 4000)
    fill_brief_keys(primary)
    crew = Crew(primary.port, stress_seed(), stress_seconds(2) + 60)
    crew.add(write_everything, times=3)
    crew.add(write_everything, (0, 3))
    crew.add(_turn_databases)
    crew.start()
    proofs = 0
    end = time.monotonic() + stress_seconds(2)
    while time.monotonic() < end or proofs < 10:
        result = run(primary)
        assert verdicts(result) == {replica.port: "equal"}, result
        proofs += 1
    wrote = primary.offset()
    replica.must("SELECT", 15)  # of which nobody but us writes
    replica.must("SET", "of the replica", "1")
    until(lambda: primary.offset() > wrote)
    result = run(primary)
    assert verdicts(result) == {replica.port: "different"}
    assert [[db, there - here] for db, _, here, there in groups_of(result, replica)] == [[15, 1]]
    crew.end_now()
    replica.must("DEL", "of the replica")
    replica.must("SELECT", 0)
    wait_for_equal(primary, replica)
    assert verdicts(run(primary)) == {replica.port: "equal"}


def _turn_databases(shift) -> int:
    turns = 0
    with shift.client(timeout_s=60) as client:
        for _ in shift.turns():
            commands = [("SELECT", 5), ("SET", f"k:{turns}", turns), ("MSET", "a", turns, "b", turns), ("SWAPDB", 5, 6)]
            if turns % 7 == 0:
                commands.append(("FLUSHDB",))
            commands += [("MULTI",), ("SWAPDB", 6, 3), ("SET", "in the transaction", turns), ("EXEC",)]
            assert not any(reply.is_error() for reply in client.pipeline(commands))
            turns += 1
            time.sleep(0.001)
    return turns


def test_keys_that_have_expired_make_no_difference(stage, kinds):
    """They are there on both sides until the primary deletes them, by the stream."""
    primary, replica = stage.pair(kinds)
    for actor in (primary, replica):
        actor.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    for i in range(500):
        primary.must("SET", f"brief:{i}", i, "PX", 1)
    primary.must("HSET", "h", "f", 1, "g", 2)
    primary.must("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
    late = stage.replica(kinds.replica, primary)
    time.sleep(0.05)
    result = run(primary)
    assert verdicts(result) == {replica.port: "equal", late.port: "equal"}
    assert result["keys"] == 501
    assert primary.must("GET", "brief:3") is None  # deletes it
    assert verdicts(run(primary)) == {replica.port: "equal", late.port: "equal"}


def test_beside_a_replica_that_cannot_answer(stage, kinds):
    """Redis takes the mark for a ping; it and who follows it go on, and what is not checked is not called equal."""
    primary, replica = stage.pair(kinds)
    redis = stage.replica("redis", primary)
    behind = stage.replica("holdfast", redis)
    fill(primary, 500)
    result = run(primary)
    assert verdicts(result) == {replica.port: "equal", redis.port: "unsupported"}
    assert (result["equal"], result["different"], result["unchecked"]) == (1, 0, 1)
    primary.must("SET", "after", "1")
    wait_for_equal(primary, replica, redis, behind)
    assert [primary.sync_counts(), redis.sync_counts()] == [(2, 0), (1, 0)]
    assert "CRITICAL" not in redis.server.log_tail()


def test_replicas_of_replicas(stage, kinds):
    primary, middle = stage.pair(kinds)
    last = stage.replica("holdfast", middle, "--replica-read-only", "no")
    redis = stage.replica("redis", middle)
    end = stage.replica("holdfast", last)
    fill(primary, 500)
    last.must("SET", "of its own", "1")
    result = run(primary)
    assert verdicts(result) == {
        middle.port: "equal", last.port: "different", redis.port: "unsupported", end.port: "equal",
    }  # fmt: skip
    via = {int(each["replica"].rsplit(":", 1)[1]): each["via"] for each in result["replicas"]}
    names = {actor.port: f"127.0.0.1:{actor.port}" for actor in (middle, last)}
    assert via[middle.port] == ""
    assert via[last.port] == via[redis.port] == names[middle.port]
    assert via[end.port] == f"{names[middle.port]} > {names[last.port]}"


def test_refusals(stage, kinds):
    alone = stage.server("holdfast")
    assert alone.error("REPLICAPROOF", "RUN") == b"ERR REPLICAPROOF RUN requires connected replicas."
    assert alone.must("REPLICAPROOF", "LAST") is None
    primary, replica = stage.pair(kinds)
    assert replica.error("REPLICAPROOF", "RUN") == b"ERR REPLICAPROOF RUN is not valid when server is a replica."
    for words, text in (
        (("RUN", "TIMEOUT"), b"ERR syntax error"),
        (("RUN", "SOON", 1), b"ERR syntax error"),
        (("RUN", "TIMEOUT", "x"), b"ERR timeout is not an integer or out of range"),
        (("RUN", "TIMEOUT", 0), b"ERR REPLICAPROOF timeout must be greater than 0"),
        (("KEYS", 16, 0), b"ERR DB index is out of range"),
        (("KEYS", "x", 0), b"ERR invalid DB index"),
        (("KEYS", 0, 256), b"ERR group is out of range, must be between 0 and 255"),
        (("LAST", 1), b"ERR wrong number of arguments for 'replicaproof|last' command"),
    ):
        assert primary.error("REPLICAPROOF", *words) == text
    primary.must("MULTI")
    assert primary.error("REPLICAPROOF", "RUN") == b"ERR Command not allowed inside a transaction"
    assert primary.error("EXEC").startswith(b"EXECABORT")


@contextlib.contextmanager
def _slow_cuts(actor):
    """Whoever makes a snapshot takes long for it."""
    actor.config("rdb-key-save-delay", 20_000)
    try:
        yield
    finally:
        actor.config("rdb-key-save-delay", 0)


def _in_background(actor, *words):
    """Sends it from another connection. Returns what waits for the reply."""
    replies = []

    def ask():
        with actor.client() as client:
            replies.append(client.command(*words))

    thread = threading.Thread(target=ask)
    thread.start()

    def wait():
        thread.join()
        return replies[0]

    return wait


def test_one_at_a_time(stage, kinds):
    primary, replica = stage.pair(kinds)
    fill(primary, 200)
    with _slow_cuts(primary):
        first = _in_background(primary, "REPLICAPROOF", "RUN")
        until_equal(lambda: primary.info()["replica_proof_in_progress"], "1")
        assert primary.error("REPLICAPROOF", "RUN") == b"ERR REPLICAPROOF already in progress."
        assert primary.must("SET", "meanwhile", "1") == b"OK"
        assert replica.must("EXISTS", "nothing") == 0
    assert plain(first())["equal"] == 1
    assert run(primary)["equal"] == 1


def test_a_snapshot_of_the_primary_comes_first(stage, kinds):
    primary, replica = stage.pair(kinds)
    fill(primary, 200)
    with _slow_cuts(primary):
        primary.must("BGSAVE")
        text = primary.error("REPLICAPROOF", "RUN", "TIMEOUT", 50)
        assert text == b"ERR REPLICAPROOF timed out waiting for another snapshot to end."
        later = _in_background(primary, "REPLICAPROOF", "RUN")
        until_equal(lambda: primary.info()["replica_proof_in_progress"], "1")
    assert verdicts(plain(later())) == {replica.port: "equal"}


def test_a_replica_that_makes_a_snapshot_is_not_held_up(stage, kinds):
    """It says that it is busy, and its stream goes on."""
    primary, replica = stage.pair(kinds)
    fill(primary, 200)
    wait_for_offset(primary, replica)
    with _slow_cuts(replica):
        replica.must("BGSAVE")
        until_equal(lambda: replica.info("persistence")["rdb_bgsave_in_progress"], "1")
        assert verdicts(run(primary)) == {replica.port: "busy"}
        primary.must("SET", "after", "1")
        until(lambda: replica.must("EXISTS", "after"))
        assert replica.info("persistence")["rdb_bgsave_in_progress"] == "1"
    until_equal(lambda: replica.info("persistence")["rdb_bgsave_in_progress"], "0")
    assert verdicts(run(primary)) == {replica.port: "equal"}


def test_a_replica_that_says_nothing(stage, kinds):
    primary, replica = stage.pair(kinds)
    other = stage.replica("holdfast", primary)
    with replica.standing_still():
        assert verdicts(run(primary, "TIMEOUT", 300)) == {replica.port: "no-answer", other.port: "equal"}
    # What it says now belongs to a proof that is over.
    assert verdicts(run(primary)) == {replica.port: "equal", other.port: "equal"}
    with replica.standing_still():
        later = _in_background(primary, "REPLICAPROOF", "RUN")
        until_equal(lambda: primary.info()["replica_proof_in_progress"], "1")
        primary.must("CLIENT", "KILL", "TYPE", "replica")
        assert verdicts(plain(later())) in (
            {replica.port: "disconnected", other.port: "equal"}, {replica.port: "disconnected", other.port: "disconnected"},
        )  # fmt: skip
    until(replica.link_is_up)


def test_a_replica_that_is_being_sent_all_data(stage, kinds):
    primary, replica = stage.pair(kinds)
    fill(primary, 100)
    with replica.standing_still():
        primary.must("SET", "big", b"x" * 50_000_000)  # more than sockets hold
        primary.cut_replicas()
        until_equal(primary.online_replicas, 0)
        assert primary.error("REPLICAPROOF", "RUN") == b"ERR REPLICAPROOF RUN requires connected replicas."
    until(lambda: replica.link_is_up() and primary.online_replicas() == 1)
    assert verdicts(run(primary)) == {replica.port: "equal"}


def test_who_asked_has_gone(stage, kinds):
    """The next one need not wait for ever."""
    primary, replica = stage.pair(kinds)
    fill(primary, 100)
    with _slow_cuts(primary):
        with primary.client() as client:
            client.send("REPLICAPROOF", "RUN")
            until_equal(lambda: primary.info()["replica_proof_in_progress"], "1")
        until_equal(lambda: primary.info()["replica_proof_in_progress"], "0")
    assert verdicts(run(primary)) == {replica.port: "equal"}


def test_marks_in_an_append_only_file(stage, kinds):
    """They are read back as the pings they are, by Holdfast and by Redis, and the replicas go on behind them."""
    primary, replica = stage.pair(kinds, "--appendonly", "yes")
    # A replica that has taken a data set begins its file anew.
    for actor in (primary, replica):
        until(lambda: "aof_base_size" in actor.info("persistence") and actor.info("persistence")["aof_rewrite_in_progress"] == "0")
    fill(primary, 100)
    assert verdicts(run(primary)) == {replica.port: "equal"}
    primary.must("SET", "after", "1")
    wait_for_offset(primary, replica)
    primary.restart()
    until(lambda: replica.link_is_up())
    assert verdicts(run(primary)) == {replica.port: "equal"}
    wait_for_equal(primary, replica)
