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


def increments(server) -> list:
    """Files of the AOF that the stream is in, oldest first."""
    files = (server.server.directory / "appendonlydir").glob("*.incr.aof")
    return sorted(files, key=lambda file: int(file.name.split(".")[2]))


@pytest.mark.holdfast("primary")
def test_what_a_replica_lacked_is_still_there_after_the_crash_of_its_primary(pair_with_aof):
    """The replica stands still; what it was not sent is read from the increments, also from before a switch of files."""
    primary, replica = pair_with_aof
    with replica.standing_still(), primary.client() as client:
        burst(client, 2000, prefix="before", size=1000)
        primary.kill()
    primary.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (0, 1)


@pytest.mark.holdfast("primary")
def test_a_primary_that_has_lost_a_tail_gives_all_data_to_who_has_more(pair_with_aof):
    """What it has lost must not be taken for what it writes next, at the same offsets."""
    primary, replica = pair_with_aof
    lost = primary.offset()
    primary.must("SET", "lost", "v" * 100)
    wait_for_offset(primary, replica)
    primary.kill()
    with increments(primary)[-1].open("r+b") as file:
        file.truncate(file.seek(0, 2) - 40)
    primary.start()
    assert int(primary.info()["second_repl_offset"]) <= lost + 1 + 40
    for i in range(50):
        primary.must("SET", f"new {i}", "v" * 100)
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert replica.must("EXISTS", "lost") == 0
    assert primary.sync_counts() == (1, 0)


@pytest.mark.holdfast("replica")
def test_a_replica_with_aof_comes_back_into_the_database_of_the_stream(pair_with_aof):
    """Its newest file begins in the middle of a stream that does not select the database again."""
    primary, replica = pair_with_aof
    with primary.client() as client:
        client.must("SELECT", 3)
        client.must("SET", "first", 1)
        wait_for_offset(primary, replica)
        replica.must("BGREWRITEAOF")
        until(lambda: replica.info("persistence")["aof_rewrite_in_progress"] == "0")
        client.must("SET", "second", 2)
        wait_for_offset(primary, replica)
        replica.kill()
        client.must("SET", "third", 3)
        replica.start()
        until(replica.link_is_up)
        client.must("SET", "fourth", 4)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 1)


@pytest.mark.holdfast("replica")
def test_a_promoted_replica_with_aof_keeps_its_history(pair_with_aof, stage, kinds):
    """The new name, and up to where it shares the old one, are known after a crash."""
    primary, replica = pair_with_aof
    old = wait_for_offset(primary, replica)
    name = primary.info()["master_replid"]
    replica.must("REPLICAOF", "NO", "ONE")
    until(lambda: replica.info()["role"] == "master")
    replica.must("SET", "after", "promotion")
    replica.server.directives = replica.server.directives[:-3]
    promoted, at = replica.info()["master_replid"], replica.offset()
    replica.kill()
    replica.start()
    info = replica.info()
    assert info["role"] == "master"
    assert (info["master_replid2"], int(info["second_repl_offset"])) == (promoted, at + 1)
    assert name != promoted and old < at
    primary.follow(replica.port)  # it has the name before the last: all data
    until(primary.link_is_up)
    wait_for_equal(replica, primary)


@pytest.mark.holdfast("primary")
def test_an_aof_that_was_off_meanwhile_is_a_place_to_go_on_from_again(pair_with_aof):
    primary, replica = pair_with_aof
    primary.config("appendonly", "no")
    until(lambda: primary.info("persistence")["aof_enabled"] == "0")
    primary.must("SET", "while", "off")
    primary.config("appendonly", "yes")
    until(lambda: primary.info("persistence")["aof_rewrite_in_progress"] == "0")
    primary.must("SET", "while", "on")
    wait_for_offset(primary, replica)
    primary.kill()
    primary.start()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (0, 1)  # replicas were there, so the stream was in files all the time
