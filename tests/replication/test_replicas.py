"""What clients see on a replica: keys that expire, messages and events, scripts, WAIT; and what configures a replica."""

import pytest

from replication.stage import digest, until, until_equal, wait_for_equal, wait_for_offset
from replication.writers import LIBRARY, burst, fill


@pytest.fixture
def pair(stage, kinds):
    return stage.pair(kinds)


# Expiry.


def test_an_expired_key_waits_for_its_deletion(pair):
    """While the primary does not delete it, a key whose time is over is invisible on the replica, but counted."""
    primary, replica = pair
    primary.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    primary.must("SET", "k", "v", "PX", 100)
    primary.must("SET", "stays", "v")
    wait_for_offset(primary, replica)
    until(lambda: replica.must("GET", "k") is None)
    assert replica.must("EXISTS", "k") == 0 and replica.must("TTL", "k") == -2
    assert [key.value for key in replica.must("KEYS", "*")] == [b"stays"]
    assert [key.value for key in replica.must("SCAN", 0)[1].value] == [b"stays"]
    assert replica.must("DBSIZE") == 2
    at = primary.offset()
    assert primary.must("GET", "k") is None  # the primary deletes it, and says so
    assert primary.offset() > at
    wait_for_equal(primary, replica)
    assert replica.must("DBSIZE") == 1
    primary.must("DEBUG", "SET-ACTIVE-EXPIRE", 1)


def test_the_primary_sees_what_the_replica_does_not(pair):
    """Commands of the stream find a key that has expired on the replica's clock: the primary is who knows."""
    primary, replica = pair
    primary.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    primary.must("RPUSH", "l", "1")
    primary.must("PEXPIRE", "l", 300)
    primary.must("MULTI")
    primary.must("RPUSH", "l", "2")
    primary.must("PERSIST", "l")
    primary.must("EXEC")
    wait_for_equal(primary, replica)
    assert [word.value for word in replica.must("LRANGE", "l", 0, -1)] == [b"1", b"2"]


def test_many_keys_expire(pair):
    primary, replica = pair
    with primary.client() as client:
        client.pipeline([("SET", f"k:{i}", i, "PX", 1 + i % 700) for i in range(3000)])
    until(lambda: primary.must("DBSIZE") == 0)
    wait_for_equal(primary, replica)
    assert replica.must("DBSIZE") == 0
    assert replica.stat("expired_keys") == 0  # they were deleted, not by its own clock


def test_while_writes_are_paused_the_offset_stands_still(pair):
    """Keys whose time is over are not seen and not deleted, so that a replica that is promoted meanwhile has all there is."""
    primary, replica = pair
    with primary.client() as client:
        client.pipeline([("SET", f"k:{i}", i, "PX", 300 + i % 700) for i in range(3000)])
        client.pipeline([("SET", f"stays:{i}", i) for i in range(10)])
    primary.must("CLIENT", "PAUSE", 100_000, "WRITE")
    at, keys = primary.offset(), primary.must("DBSIZE")
    until(lambda: len(primary.must("KEYS", "*")) == 10)
    assert primary.must("GET", "k:1") is None and primary.must("SCAN", 0, "MATCH", "k:*", "COUNT", 10_000)[1].value == ()
    assert (primary.offset(), primary.must("DBSIZE")) == (at, keys) and keys > 10
    wait_for_offset(primary, replica)
    primary.must("CLIENT", "UNPAUSE")
    until(lambda: primary.must("DBSIZE") == 10)
    wait_for_equal(primary, replica)


@pytest.mark.holdfast("primary", "replica")
def test_a_replica_does_not_delete_fields_that_have_expired_on_its_clock(pair):
    primary, replica = pair
    primary.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    primary.must("HSET", "h", "a", 1, "b", 2)
    primary.must("HPEXPIRE", "h", 100, "FIELDS", 1, "a")
    wait_for_offset(primary, replica)
    until(lambda: replica.must("HGET", "h", "a") is None)
    assert replica.must("HLEN", "h") == 2 and replica.stat("expired_subkeys") == 0
    assert primary.must("HGET", "h", "a") is None
    wait_for_equal(primary, replica)
    assert replica.must("HLEN", "h") == 1


def test_a_writable_replica(stage, kinds):
    """Its own writes go nowhere; its own keys that expire are its own business."""
    primary, replica = stage.pair(kinds, "--repl-ping-replica-period", 3600)
    primary.must("SET", "first", "v")
    wait_for_offset(primary, replica)
    primary.must("DEL", "first")
    wait_for_offset(primary, replica)
    replica.config("replica-read-only", "no")
    at = replica.offset()
    assert replica.must("SET", "own", "v") == b"OK"
    assert replica.must("SET", "own:brief", "v", "PX", 20) == b"OK"
    assert replica.must("RPUSH", "own:list", 1, 2) == 2
    assert replica.must("PEXPIRE", "own:list", 30) == 1
    until(lambda: replica.must("DBSIZE") == 1)
    assert replica.offset() == at
    primary.must("SET", "own", "of the primary")
    until_equal(lambda: replica.must("GET", "own"), b"of the primary")
    wait_for_equal(primary, replica)


@pytest.mark.holdfast("replica")
def test_a_writable_replica_leaves_to_the_primary_what_is_its(stage, kinds):
    """Redis deletes such a key by itself."""
    primary, replica = stage.pair(kinds, "--replica-read-only", "no")
    primary.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)
    replica.must("SET", "k", "own", "PX", 200)
    replica.must("SET", "own", "own", "PX", 300)
    primary.must("SET", "k", "of the primary", "PX", 100)
    wait_for_offset(primary, replica)
    until(lambda: replica.must("DBSIZE") == 1)  # when "own" is gone the time of "k" is over
    assert replica.must("EXISTS", "k") == 0
    primary.must("GET", "k")
    until(lambda: replica.must("DBSIZE") == 0)


# Messages.


def test_publish_reaches_the_subscribers_of_replicas(pair):
    primary, replica = pair
    with replica.client() as subscriber:
        subscriber.must("SUBSCRIBE", "c")
        subscriber.must("PSUBSCRIBE", "c*")
        assert primary.must("PUBLISH", "c", "m") == 0  # nobody here
        assert [part.value for part in subscriber.read_reply().value] == [b"message", b"c", b"m"]
        assert [part.value for part in subscriber.read_reply().value] == [b"pmessage", b"c*", b"c", b"m"]
        assert replica.must("PUBLISH", "c", "own") == 2
        assert [part.value for part in subscriber.read_reply().value] == [b"message", b"c", b"own"]
    with primary.client() as subscriber, replica.client() as sharded:
        subscriber.must("SUBSCRIBE", "c")
        sharded.must("SSUBSCRIBE", "s")
        until(lambda: replica.must("PUBSUB", "NUMPAT") == 0)  # the first subscriber has gone
        assert replica.must("PUBLISH", "c", "not upwards") == 0
        assert primary.must("SPUBLISH", "s", "m") == 0
        assert [part.value for part in sharded.read_reply().value] == [b"smessage", b"s", b"m"]


def test_keyspace_events_of_the_stream(pair):
    primary, replica = pair
    replica.config("notify-keyspace-events", "KEA")
    with replica.client() as subscriber:
        subscriber.must("SUBSCRIBE", "__keyspace@0__:k", "__keyspace@0__:brief")
        subscriber.read_reply()
        primary.must("SET", "k", "v")
        primary.must("APPEND", "k", "w")
        primary.must("DEL", "k")
        primary.must("SET", "brief", "v", "PX", 20)
        primary.must("SET", "last", "v")
        until(lambda: primary.must("EXISTS", "brief") == 0)
        events = [subscriber.read_reply().value for _ in range(6)]
        found = [(event[1].value.rpartition(b":")[2], event[2].value) for event in events]
        assert found == [
            (b"k", b"set"), (b"k", b"append"), (b"k", b"del"), (b"brief", b"set"), (b"brief", b"expire"), (b"brief", b"del"),
        ]  # fmt: skip


def test_monitor_and_slowlog_and_stats_of_a_replica(pair):
    """MONITOR shows what comes from the primary; a reply to it is counted nowhere."""
    primary, replica = pair
    with replica.client() as monitor:
        assert monitor.must("MONITOR").value == b"OK"
        primary.must("SET", "seen", "v")
        while b'"SET" "seen" "v"' not in (line := monitor.read_reply().value):
            assert b"seen" not in line
        until(lambda: replica.info("commandstats").get("cmdstat_set", "").startswith("calls=1,"))  # counted behind the line


# Tracking, WATCH.


def test_watch_on_a_replica(pair):
    """A change that comes through the stream touches watched keys."""
    primary, replica = pair
    with replica.client() as client:
        client.must("WATCH", "k")
        primary.must("SET", "k", "v")
        wait_for_offset(primary, replica)
        client.must("MULTI")
        client.must("GET", "k")
        assert client.must("EXEC").is_null()


def test_a_full_synchronization_touches_watched_keys(stage, kinds):
    primary, server = stage.server(kinds.primary), stage.server(kinds.replica)
    primary.must("SET", "k", "of the primary")
    server.must("SET", "k", "own")
    with server.client() as client:
        client.must("WATCH", "k")
        server.follow(primary.port)
        until(server.link_is_up)
        client.must("MULTI")
        client.must("GET", "k")
        assert client.must("EXEC").is_null()


def test_invalidations_on_a_replica(pair):
    primary, replica = pair
    primary.must("SET", "k", "v")
    wait_for_offset(primary, replica)
    with replica.client() as client:
        client.must("HELLO", 3)
        client.must("CLIENT", "TRACKING", "ON")
        client.must("GET", "k")
        primary.must("SET", "k", "w")
        push = client.read_push()
        assert push.value[0].value == b"invalidate" and push.value[1].value[0].value == b"k"


# Scripts.


def test_functions_and_scripts(pair):
    primary, replica = pair
    primary.must("FUNCTION", "LOAD", LIBRARY)
    sha = primary.must("SCRIPT", "LOAD", "return redis.call('GET', KEYS[1])")
    primary.must("FCALL", "sell", 2, "stock", "sold", "pear")
    wait_for_equal(primary, replica)
    assert replica.must("FUNCTION", "STATS")[3].value[1].value is not None
    assert replica.must("SCRIPT", "EXISTS", sha)[0].value == 0  # scripts of EVAL are not part of the stream
    assert b"read only replica" in replica.error("FCALL", "sell", 2, "stock", "sold", "pear")
    assert b"can't write against a read only replica" in replica.error("FUNCTION", "DELETE", "shop")
    primary.must("FUNCTION", "FLUSH")
    wait_for_equal(primary, replica)
    assert replica.must("FUNCTION", "LIST") == ()


# WAIT.


def test_wait(stage, kinds):
    primary, first = stage.pair(kinds)
    second = stage.replica(kinds.primary, primary)
    until(lambda: primary.online_replicas() == 2)
    assert primary.must("WAIT", 0, 0) == 2  # nothing written by this client
    primary.must("SET", "k", "v")
    assert primary.must("WAIT", 2, 0) == 2
    assert first.must("GET", "k") == second.must("GET", "k") == b"v"
    assert primary.must("WAIT", 3, 50) == 2
    second.kill()
    until(lambda: primary.info()["connected_slaves"] == "1")
    primary.must("SET", "k", "w")
    assert primary.must("WAIT", 1, 0) == 1
    assert primary.must("WAIT", 2, 50) == 1
    primary.must("MULTI")
    primary.must("SET", "k", "x")
    primary.must("WAIT", 2, 0)
    assert len(primary.must("EXEC")) == 2  # does not wait inside


def test_wait_counts_only_what_was_received(stage, kinds):
    """A replica that stands still does not count; as it goes on the client is told."""
    primary, replica = stage.pair(kinds)
    until(lambda: primary.online_replicas() == 1)
    with primary.client() as waiting:
        with replica.standing_still():
            waiting.must("SET", "k", "v")
            assert waiting.must("WAIT", 1, 100).value == 0
            waiting.send("WAIT", 1, 0)
            until(lambda: primary.info("clients")["blocked_clients"] == "1")
        assert waiting.read_reply().value == 1
        assert replica.must("GET", "k") == b"v"


def test_wait_is_given_up_when_roles_change(stage, kinds):
    primary, replica = stage.pair(kinds)
    replica.kill()
    with primary.client() as waiting:
        waiting.must("SET", "k", "v")
        waiting.send("WAIT", 1, 0)
        until(lambda: primary.info("clients")["blocked_clients"] == "1")
        primary.follow(1)
        assert waiting.read_reply().value.startswith(b"UNBLOCKED")


# Configuration.


def test_announcements(stage, kinds):
    primary = stage.server(kinds.primary)
    stage.replica(kinds.replica, primary, "--replica-announce-ip", "10.9.8.7", "--replica-announce-port", 7777)
    until(lambda: primary.online_replicas() == 1)
    assert primary.info()["slave0"].startswith("ip=10.9.8.7,port=7777,state=online,")
    assert [field.value for field in primary.must("ROLE")[2].value[0].value][:2] == [b"10.9.8.7", b"7777"]


def test_priority(pair):
    primary, replica = pair
    replica.config("replica-priority", 42, "replica-announced", "no")
    info = replica.info()
    assert (info["slave_priority"], info["replica_announced"]) == ("42", "0")


def test_a_password(stage, kinds):
    primary = stage.server(kinds.primary)
    primary.must("SET", "k", "v")
    primary.config("requirepass", "secret")
    replica = stage.unsynchronized_replica(kinds.replica, primary)
    for _ in range(20):
        assert replica.info()["master_link_status"] == "down"
    replica.config("masterauth", "wrong")
    for _ in range(20):
        assert replica.info()["master_link_status"] == "down"
    replica.config("masterauth", "secret")
    until(replica.link_is_up)
    until_equal(lambda: replica.must("GET", "k"), b"v")


def test_a_user_with_the_rights_of_a_replica(stage, kinds):
    primary = stage.server(kinds.primary)
    primary.must("ACL", "SETUSER", "follower", "on", ">secret", "+psync", "+replconf", "+ping")
    primary.must("ACL", "SETUSER", "default", "resetpass", ">other")
    with primary.client() as client:
        client.must("AUTH", "other")
    replica = stage.unsynchronized_replica(kinds.replica, primary, "--masteruser", "follower", "--masterauth", "secret")
    until(replica.link_is_up)


def test_the_limit_of_the_output_buffer(stage, kinds):
    """A replica that reads nothing is cut off when more than the limit waits for it, and comes back."""
    primary, replica = stage.pair(kinds)
    # Below the backlog a limit means nothing.
    primary.config("repl-backlog-size", 1 << 16, "client-output-buffer-limit", "replica 8mb 0 0")
    with primary.client() as client, replica.standing_still():
        for turn in range(60):
            burst(client, 100, prefix=f"large {turn}", size=10_000)
        until(lambda: primary.info()["connected_slaves"] == "0" or kinds.primary == "holdfast")
    wait_for_equal(primary, replica)
    assert sum(primary.sync_counts()) >= 2 or kinds.primary == "holdfast"  # which may hold on to it, on its disk


def test_client_list_shows_the_link(pair):
    primary, replica = pair
    until(lambda: primary.online_replicas() == 1)
    [line] = primary.must("CLIENT", "LIST", "TYPE", "replica").decode().splitlines()
    assert " flags=S " in line and " cmd=replconf" in line
    [line] = replica.must("CLIENT", "LIST", "TYPE", "master").decode().splitlines()
    assert " flags=M " in line


@pytest.mark.holdfast("replica")
def test_the_link_is_no_connection_of_a_worker(pair):
    _, replica = pair
    workers = [value for value in replica.info("workers").values() if value.startswith("connections=")]
    assert sum(int(value.split(",")[0].removeprefix("connections=")) for value in workers) == replica.must("CLIENT", "LIST").decode().count(" flags=N ")


def test_the_link_is_killed_from_the_replica(pair):
    """CLIENT KILL TYPE master: the link comes back, partially."""
    primary, replica = pair
    assert replica.must("CLIENT", "KILL", "TYPE", "master") == 1
    until(lambda: primary.sync_counts() == (1, 1))
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)


def test_flushall_and_swapdb_and_copies(pair):
    primary, replica = pair
    fill(primary, 1200)
    primary.must("SWAPDB", 0, 7)
    primary.must("SELECT", 7)
    primary.must("SET", "k", "v")
    primary.must("MOVE", "k", 3)
    primary.must("SELECT", 3)
    primary.must("COPY", "k", "k2", "DB", 4)
    wait_for_equal(primary, replica)
    assert primary.info("keyspace").keys() == replica.info("keyspace").keys()
    primary.must("FLUSHALL")
    wait_for_equal(primary, replica)
    assert digest(replica) == b"0" * 40


def test_a_primary_of_many_memory_limits(stage, kinds):
    """Evictions arrive as deletions; the replica evicts nothing by itself although its own limit is lower."""
    primary, replica = stage.pair(kinds)
    replica.config("maxmemory", 1, "maxmemory-policy", "allkeys-random")
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)
    assert replica.must("GET", "k") == b"v"
    used = int(primary.info("memory")["used_memory"])
    primary.config("maxmemory", used + (4 << 20), "maxmemory-policy", "allkeys-lru")
    with primary.client() as client:
        for turn in range(20):
            burst(client, 500, prefix=f"much {turn}", size=2000)
    assert primary.stat("evicted_keys") > 0
    wait_for_equal(primary, replica)
    assert replica.stat("evicted_keys") == 0


@pytest.mark.holdfast("primary")
def test_what_a_script_says_is_for_replicas_only_is_not_replicated(pair):
    """D37: one log serves the AOF and the replicas."""
    primary, replica = pair
    script = "redis.set_repl(redis.{}) redis.call('SET', KEYS[1], 1) redis.set_repl(redis.REPL_ALL) return redis.call('SET', 'last', 1)"
    for mode in ("REPL_REPLICA", "REPL_SLAVE", "REPL_NONE", "REPL_ALL"):
        primary.must("EVAL", script.format(mode), 1, mode)
    wait_for_offset(primary, replica)
    assert replica.must("EXISTS", "REPL_REPLICA", "REPL_SLAVE", "REPL_NONE") == 0
    assert replica.must("EXISTS", "REPL_ALL", "last") == 2 and primary.must("DBSIZE") == 5
