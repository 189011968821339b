"""FAILOVER: primary and replica change places without the loss of a write."""

import contextlib
import functools

import pytest

from harness.crew import Crew, stress_seconds, stress_seed
from replication.raw import RawReplica
from replication.stage import Stage, chosen_kinds, until, until_equal, wait_for_equal
from replication.writers import append_in_order, check_ledgers, fill


@functools.cache
def every_kind_knows_failover() -> bool:
    with Stage() as stage:
        return all(stage.server(kind).must("COMMAND", "INFO", "FAILOVER")[0].value for kind in chosen_kinds())


@pytest.fixture(autouse=True)
def _needs_the_command():
    if not every_kind_knows_failover():
        pytest.skip("FAILOVER does not exist yet")


@pytest.fixture
def pair(stage, kinds):
    primary, replica = stage.pair(kinds, "--repl-ping-replica-period", 3600)
    fill(primary, 300)
    wait_for_equal(primary, replica)
    until(lambda: primary.online_replicas() == 1)
    return primary, replica


def has_failed_over(primary, replica) -> bool:
    info = primary.info()
    return info["role"] == "slave" and replica.info()["role"] == "master" and info["master_link_status"] == "up"


def state(primary) -> str:
    return primary.info()["master_failover_state"]


@contextlib.contextmanager
def lagging(primary, replica):
    """Within the block the replica stands still, and has something unread."""
    with replica.standing_still():
        primary.must("SET", "not yet there", "1")
        yield


def test_errors(stage, kinds):
    primary = stage.server(kinds.primary)
    error = primary.error
    assert error("FAILOVER") == b"ERR FAILOVER requires connected replicas."
    assert error("FAILOVER", "ABORT") == b"ERR No failover in progress."
    assert error("FAILOVER", "TO", "127.0.0.1") == b"ERR syntax error"
    assert error("FAILOVER", "TO", "127.0.0.1", "x") == b"ERR value is not an integer or out of range"
    assert error("FAILOVER", "TIMEOUT", 0) == b"ERR FAILOVER timeout must be greater than 0"
    assert error("FAILOVER", "TIMEOUT", "x") == b"ERR value is not an integer or out of range"
    assert error("FAILOVER", "ABORT", "TIMEOUT", 1) == b"ERR syntax error"
    assert error("FAILOVER", "NO-SUCH") == b"ERR syntax error"
    replica = stage.replica(kinds.replica, primary)
    until(lambda: primary.online_replicas() == 1)
    forced = b"ERR FAILOVER with force option requires both a timeout and target HOST and IP."
    assert error("FAILOVER", "FORCE") == forced
    assert error("FAILOVER", "TO", "127.0.0.1", replica.port, "FORCE") == forced
    assert error("FAILOVER", "FORCE", "TIMEOUT", 100) == forced
    assert error("FAILOVER", "TO", "127.0.0.1", primary.port) == b"ERR FAILOVER target HOST and PORT is not a replica."
    assert replica.error("FAILOVER") == b"ERR FAILOVER is not valid when server is a replica."
    assert state(primary) == state(replica) == "no-failover"
    assert primary.must("SET", "k", "v") == b"OK"


def test_places_are_changed(pair):
    primary, replica = pair
    before = primary.info()
    assert primary.must("FAILOVER") == b"OK"
    until(lambda: has_failed_over(primary, replica))
    wait_for_equal(replica, primary)
    at = int(before["master_repl_offset"])
    for actor in pair:
        info = actor.info()
        assert (info["master_replid2"], int(info["second_repl_offset"])) == (before["master_replid"], at + 1)
    assert replica.sync_counts() == (0, 1)
    assert state(primary) == state(replica) == "no-failover"
    replica.must("SET", "k", "v")
    wait_for_equal(replica, primary)
    # And back.
    assert replica.must("FAILOVER", "TO", "127.0.0.1", primary.port) == b"OK"
    until(lambda: has_failed_over(replica, primary))
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 1)


def test_one_of_two_is_chosen(stage, kinds, pair):
    primary, other = pair
    chosen = stage.replica(kinds.primary, primary)
    until(lambda: primary.online_replicas() == 2)
    assert primary.must("FAILOVER", "TO", "127.0.0.1", chosen.port, "TIMEOUT", 30_000) == b"OK"
    until(lambda: has_failed_over(primary, chosen))
    assert other.info()["role"] == "slave"
    until(lambda: other.link_is_up() and other.info()["master_replid"] == chosen.info()["master_replid"])
    chosen.must("SET", "k", "v")
    wait_for_equal(chosen, primary, other)  # `other` follows the old primary still


def test_under_load(stage, kinds, pair):
    """Writers are held for a moment, are told that this is a replica, and find the other: not a write is lost."""
    primary, replica = pair
    crew = Crew(primary.port, stress_seed(), stress_seconds() + 60)
    crew.add(append_in_order, (primary.port, replica.port), times=4)
    crew.start()
    sides = [primary, replica]
    for _ in range(4):
        at = sides[0].offset()
        until(lambda: sides[0].offset() > at + 20_000)
        assert sides[0].must("FAILOVER") == b"OK"
        until(lambda: has_failed_over(*sides))
        sides.reverse()
        until(lambda: sides[0].online_replicas() == 1)
    crew.end_now()
    counts = crew.results()
    wait_for_equal(*sides)
    check_ledgers(sides[0], counts)
    assert primary.stat("sync_full") == 1 and replica.stat("sync_full") == 0


def test_the_time_is_over(pair):
    """A replica that does not catch up in time: all stays as it was."""
    primary, replica = pair
    with lagging(primary, replica):
        assert primary.must("FAILOVER", "TIMEOUT", 200) == b"OK"
        until_equal(lambda: state(primary), "no-failover")
        assert primary.info()["role"] == "master"
        assert primary.must("SET", "k", "v") == b"OK"
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 0)


def test_it_is_called_off(pair):
    primary, replica = pair
    with lagging(primary, replica):
        assert primary.must("FAILOVER") == b"OK"
        assert state(primary) == "waiting-for-sync"
        assert primary.error("FAILOVER") == b"ERR FAILOVER already in progress."
        assert primary.error("REPLICAOF", "NO", "ONE") == b"ERR REPLICAOF not allowed while failing over."
        with primary.client() as writer:
            writer.send("SET", "held", "1")
            until(lambda: primary.info("clients")["blocked_clients"] == "1")
            assert primary.must("GET", "held") is None  # writes wait, reads do not
            assert primary.must("FAILOVER", "ABORT") == b"OK"
            assert writer.read_reply().value == b"OK"
        assert state(primary) == "no-failover" and primary.info()["role"] == "master"
    wait_for_equal(primary, replica)


def test_by_force(pair):
    """The target is behind when the time is over: it is taken all the same, with what it has by then."""
    primary, replica = pair
    with lagging(primary, replica):
        assert primary.must("FAILOVER", "TO", "127.0.0.1", replica.port, "FORCE", "TIMEOUT", 100) == b"OK"
        until(lambda: primary.info()["role"] == "slave")
    until(lambda: has_failed_over(primary, replica))
    wait_for_equal(replica, primary)
    assert replica.must("SET", "k", "v") == b"OK"


def test_the_replica_that_is_told_to_take_over_says_so_to_others(pair):
    """PSYNC ... FAILOVER with the wrong history is refused by a replica."""
    _, replica = pair
    with RawReplica(replica.port) as other:
        other.shakes_hands("eof", "psync2")
        text = other.asks("PSYNC", "a" * 40, "1", "FAILOVER")
        assert text == b"-ERR PSYNC FAILOVER replid must match my replid."
    assert replica.info()["role"] == "slave"
