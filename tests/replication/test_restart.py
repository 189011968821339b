"""A restart is a cut like others: who was shut down with a snapshot, or has an AOF, goes on partially."""

import time

import pytest

from replication.stage import until, until_equal, wait_for_equal, wait_for_offset
from replication.writers import LIBRARY, burst, fill

NO_ID = "0" * 40
LARGE_BACKLOG = ("--repl-backlog-size", 32 << 20)


def follow_from_start(replica, port: int) -> None:
    """What a configuration file would say."""
    replica.server.directives += ["--replicaof", "127.0.0.1", str(port)]


LATER = pytest.mark.skip("a restart from an AOF asks for all data, for now")


@pytest.fixture
def pair(stage, kinds):
    primary, replica = stage.pair(kinds, *LARGE_BACKLOG, "--repl-ping-replica-period", 3600)
    follow_from_start(replica, primary.port)
    fill(primary, 500)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    primary.must("SELECT", 3)
    wait_for_equal(primary, replica)
    return primary, replica


def test_a_replica_goes_on_where_it_was(pair):
    primary, replica = pair
    for turn in range(1, 3):
        primary.must("SELECT", turn)
        primary.must("SET", "before", turn)
        wait_for_offset(primary, replica)
        replica.shut_down("SAVE")
        primary.must("SET", "meanwhile", turn)  # in the database of the stream
        with primary.client() as client:
            burst(client, 3000, prefix=f"turn {turn}")
        replica.start()
        until(replica.link_is_up)
        wait_for_equal(primary, replica)
        assert primary.sync_counts() == (1, turn)


def test_a_replica_without_a_snapshot_starts_anew(stage, kinds):
    """A payload that was received as a file may stay as the snapshot, and be a place to go on from: it is taken away."""
    primary = stage.server(kinds.primary)
    fill(primary, 300)
    replica = stage.replica(kinds.replica, primary)
    follow_from_start(replica, primary.port)
    replica.shut_down("NOSAVE")
    (replica.server.directory / "dump.rdb").unlink(missing_ok=True)
    replica.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (2, 0)


def test_a_replica_knows_its_place_before_the_link_is_up(pair):
    primary, replica = pair
    at, name = wait_for_offset(primary, replica), primary.info()["master_replid"]
    replica.shut_down("SAVE")
    primary.kill()
    replica.start()
    info = replica.info()
    assert (info["role"], info["master_replid"], int(info["master_repl_offset"])) == ("slave", name, at)


def test_a_primary_goes_on_where_it_was(pair):
    """It has a new name, and knows the old one up to where it was."""
    primary, replica = pair
    name = primary.info()["master_replid"]
    wait_for_offset(primary, replica)
    primary.shut_down("SAVE")
    until(lambda: replica.info()["master_link_status"] == "down")
    at = int(replica.info()["slave_repl_offset"])
    primary.start()
    info = primary.info()
    assert info["master_replid2"] == name and info["master_replid"] != name
    assert int(info["second_repl_offset"]) == at + 1
    assert int(info["master_repl_offset"]) == at
    until(replica.link_is_up)
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (0, 1)
    assert replica.info()["master_replid"] == primary.info()["master_replid"]
    assert replica.info()["master_replid2"] == name


def test_keys_that_expire_while_the_primary_is_away(pair):
    """The primary finds them when it loads, and says so to the replica, which does not judge by itself."""
    primary, replica = pair
    primary.must("SELECT", 0)
    end = int(time.time() * 1000) + 1500
    primary.must("SET", "brief", "v", "PXAT", end)
    primary.must("SET", "long", "v", "EX", 10_000)
    wait_for_offset(primary, replica)
    primary.shut_down("SAVE")
    until(lambda: time.time() * 1000 > end + 100)
    primary.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert replica.must("EXISTS", "brief", "long") == 1
    assert primary.must("DBSIZE") == replica.must("DBSIZE")
    assert primary.sync_counts() == (0, 1)


def test_both_restart(pair):
    primary, replica = pair
    wait_for_offset(primary, replica)
    primary.shut_down("SAVE")
    replica.shut_down("SAVE")
    primary.start()
    replica.start()
    until(replica.link_is_up)
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (0, 1)


def test_a_restarted_primary_that_has_written(pair):
    """What it writes before the replica is back is part of the same history."""
    primary, replica = pair
    wait_for_offset(primary, replica)
    replica.shut_down("SAVE")
    primary.shut_down("SAVE")
    primary.start()
    with primary.client() as client:
        burst(client, 1000)
    replica.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (0, 1)


def test_the_middle_of_a_chain_restarts(stage, kinds, pair):
    primary, middle = pair
    last = stage.replica(kinds.primary, middle, *LARGE_BACKLOG)
    wait_for_equal(primary, middle, last)
    middle.shut_down("SAVE")
    primary.must("SET", "k", "v")
    middle.start()
    until(middle.link_is_up)
    until(last.link_is_up)
    wait_for_equal(primary, middle, last)
    assert primary.sync_counts() == (1, 1)


def test_a_replica_becomes_a_primary_by_restart(pair):
    """Started without replicaof: its history is that of its snapshot, continued under a new name."""
    primary, replica = pair
    at, name = wait_for_offset(primary, replica), primary.info()["master_replid"]
    replica.shut_down("SAVE")
    del replica.server.directives[-3:]
    replica.start()
    info = replica.info()
    assert (info["role"], info["master_replid2"], int(info["second_repl_offset"])) == ("master", name, at + 1)
    primary.follow(replica.port)
    until(primary.link_is_up)
    wait_for_equal(replica, primary)
    assert replica.sync_counts() == (0, 1)


def test_a_killed_replica_loads_its_last_snapshot(pair):
    """kill -9: the snapshot is older, but what it lacks the backlog still holds."""
    primary, replica = pair
    replica.must("SAVE")
    with primary.client() as client:
        burst(client, 3000)
    wait_for_offset(primary, replica)
    replica.kill()
    replica.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 1)


def test_info_says_no_second_name_without_a_snapshot(stage, kind):
    server = stage.server(kind)
    server.must("SET", "k", "v")
    server.must("SAVE")
    server.restart()
    info = server.info()
    assert (info["master_replid2"], info["second_repl_offset"], info["repl_backlog_active"]) == (NO_ID, "-1", "0")


# With an AOF, which holds the history too. The reference starts anew then.


@pytest.fixture
def pair_with_aof(stage, kinds):
    directives = ["--appendonly", "yes", "--appendfsync", "always", *LARGE_BACKLOG]
    primary = stage.server(kinds.primary, *(directives if kinds.primary == "holdfast" else LARGE_BACKLOG))
    replica = stage.replica(kinds.replica, primary, *(directives if kinds.replica == "holdfast" else LARGE_BACKLOG))
    follow_from_start(replica, primary.port)
    fill(primary, 500)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    wait_for_equal(primary, replica)
    return primary, replica


@pytest.mark.holdfast("replica")
@pytest.mark.parametrize("end", ("SHUTDOWN", "kill"))
@LATER
def test_a_replica_with_aof(pair_with_aof, end):
    primary, replica = pair_with_aof
    for turn in range(1, 3):
        if end == "kill":
            replica.kill()
        else:
            replica.shut_down()
        with primary.client() as client:
            burst(client, 2000, prefix=f"turn {turn}")
        replica.start()
        until(replica.link_is_up)
        wait_for_equal(primary, replica)
        until_equal(primary.sync_counts, (1, turn))


@pytest.mark.holdfast("primary")
@pytest.mark.parametrize("end", ("SHUTDOWN", "kill"))
@LATER
def test_a_primary_with_aof(pair_with_aof, end):
    primary, replica = pair_with_aof
    with primary.client() as client:
        burst(client, 2000)
    wait_for_offset(primary, replica)
    if end == "kill":
        primary.kill()
    else:
        primary.shut_down()
    primary.start()
    until(replica.link_is_up)
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (0, 1)


@pytest.mark.holdfast("replica")
@LATER
def test_a_rewrite_of_the_replica_keeps_its_place(pair_with_aof):
    primary, replica = pair_with_aof
    replica.must("BGREWRITEAOF")
    until(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0")
    with primary.client() as client:
        burst(client, 2000)
    wait_for_offset(primary, replica)
    replica.kill()
    replica.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 1)
