"""A full synchronization gives the replica all the primary has, whatever it is and whoever writes meanwhile."""

import pytest

from harness.crew import Crew, stress_seconds, stress_seed
from replication.stage import digest, until, wait_for_equal, wait_for_offset
from replication.writers import LIBRARY, call_functions, fill, fill_brief_keys, write_everything

BIG = 200_000
LOAD_MODES = ("disabled", "on-empty-db", "swapdb")


def fill_big_values(primary, elements: int) -> None:
    with primary.client() as client:
        for start in range(0, elements, 5000):
            numbers = range(start, start + 5000)
            commands = [
                ("RPUSH", "big:list", *(f"element {i}" for i in numbers)),
                ("HSET", "big:hash", *(word for i in numbers for word in (f"field {i}", i))),
                ("ZADD", "big:sorted set", *(word for i in numbers for word in (i / 3, f"member {i}"))),
                ("SADD", "big:set", *(f"member {i}" for i in numbers)),
            ]
            assert not any(reply.is_error() for reply in client.pipeline(commands))
        client.must("SET", "big:string", bytes(range(256)) * (20 * 1024 * 4))


def test_the_comparison_finds_a_difference(stage, kinds):
    primary, replica = stage.pair(kinds)
    fill(primary, 200)
    wait_for_equal(primary, replica)
    replica.config("replica-read-only", "no")
    replica.must("SET", "only here", "1")
    with pytest.raises(AssertionError, match="only here"):
        wait_for_equal(primary, replica, patience_s=0)
    replica.must("DEL", "only here")
    wait_for_equal(primary, replica)


def test_an_empty_primary(stage, kinds):
    primary, replica = stage.pair(kinds)
    assert digest(replica) == b"0" * 40
    assert primary.sync_counts() == (1, 0)
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)
    assert replica.must("GET", "k") == b"v"


@pytest.mark.parametrize("diskless", ("yes", "no"))
@pytest.mark.parametrize("load", LOAD_MODES)
def test_all_types_in_every_mode(stage, kinds, diskless, load):
    primary = stage.server(kinds.primary, "--repl-diskless-sync", diskless)
    fill(primary)
    fill_brief_keys(primary)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    replica = stage.replica(kinds.replica, primary, "--repl-diskless-load", load)
    wait_for_equal(primary, replica)
    assert primary.info("keyspace").keys() == replica.info("keyspace").keys()
    assert replica.must("DBSIZE") > 0
    primary.must("SELECT", 7)
    primary.must("SET", "in seven", "1")
    primary.must("SELECT", 0)
    wait_for_equal(primary, replica)


@pytest.mark.holdfast("replica")
@pytest.mark.parametrize("load", LOAD_MODES)
def test_old_data_are_served_while_new_ones_come(stage, kinds, load):
    """In every mode; nothing is loaded beside the old data, and INFO does not say so."""
    primary = stage.server(kinds.primary)
    fill(primary, 300)
    replica = stage.server(kinds.replica, "--repl-diskless-load", load)
    replica.must("SET", "old", "1")
    primary.config("rdb-key-save-delay", 10_000)
    replica.follow(primary.port)
    until(lambda: replica.info()["master_sync_in_progress"] == "1")
    assert replica.must("GET", "old") == b"1"
    info = replica.info("persistence")
    assert (info["loading"], info["async_loading"]) == ("0", "0")
    assert replica.must("CONFIG", "GET", "repl-diskless-load")[1].value == load.encode()
    primary.config("rdb-key-save-delay", 0)
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert not replica.must("EXISTS", "old")


@pytest.mark.parametrize(
    "diskless,load,elements", (("yes", "disabled", BIG), ("no", "disabled", 30_000), ("yes", "swapdb", 30_000))
)
def test_big_values(stage, kinds, diskless, load, elements):
    primary = stage.server(kinds.primary, "--repl-diskless-sync", diskless)
    fill_big_values(primary, elements)
    replica = stage.replica(kinds.replica, primary, "--repl-diskless-load", load)
    wait_for_equal(primary, replica)
    assert replica.must("LLEN", "big:list") == replica.must("ZCARD", "big:sorted set") == elements
    assert replica.must("STRLEN", "big:string") == 20 * 1024 * 1024
    # And through the stream.
    primary.must("COPY", "big:hash", "big:copy")
    primary.must("SETRANGE", "big:string", 10 * 1024 * 1024, b"in the middle")
    primary.must("SORT", "big:list", "ALPHA", "STORE", "big:sorted")
    primary.must("ZUNIONSTORE", "big:union", 2, "big:sorted set", "big:set")
    wait_for_equal(primary, replica)


@pytest.mark.parametrize("diskless", ("yes", "no"))
@pytest.mark.parametrize("load", ("disabled", "swapdb"))
def test_under_load(stage, kinds, diskless, load):
    primary = stage.server(kinds.primary, "--repl-diskless-sync", diskless)
    fill(primary, 4000)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    crew = Crew(primary.port, stress_seed(), stress_seconds(2) + 60)
    crew.add(write_everything, times=3)
    crew.add(call_functions)
    crew.start()
    until(lambda: primary.must("EXISTS", "sold"))
    replicas = [
        stage.replica(kinds.replica, primary, "--repl-diskless-load", load),
        stage.replica(kinds.primary, primary, "--repl-diskless-load", load),
    ]
    for replica in replicas:
        at = replica.offset()
        until(lambda: replica.offset() > at + 100_000)  # the stream goes on after the payload
    crew.end_now()
    assert sum(crew.results()) > 0
    wait_for_equal(primary, *replicas)
    assert primary.stat("sync_full") >= 1 and primary.stat("sync_partial_ok") == 0


def test_two_replicas_that_come_together(stage, kinds):
    primary = stage.server(kinds.primary, "--repl-diskless-sync-delay", 1)
    fill(primary)
    replicas = [stage.unsynchronized_replica(kind, primary) for kind in (kinds.replica, kinds.primary, kinds.replica)]
    for replica in replicas:
        until(replica.link_is_up)
    wait_for_equal(primary, *replicas)
    assert primary.info()["connected_slaves"] == "3"
    assert primary.sync_counts() == (3, 0)


def test_the_copy_of_the_replica_gives_way(stage, kinds):
    """What a replica had before, keys and functions, is gone after the synchronization."""
    primary, replica = stage.server(kinds.primary), stage.server(kinds.replica)
    primary.must("SET", "of the primary", "1")
    fill(replica, 500, prefix="old")
    replica.must("FUNCTION", "LOAD", LIBRARY)
    replica.follow(primary.port)
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert replica.must("FUNCTION", "LIST") == () and replica.must("DBSIZE") == 1


def test_a_second_full_synchronization(stage, kinds):
    """To another primary with another history and back again: each time the whole of it."""
    first, second = stage.server(kinds.primary), stage.server(kinds.primary)
    fill(first, 300, seed=1)
    fill(second, 300, seed=2)
    replica = stage.replica(kinds.replica, first)
    for primary in (second, first):
        wait_for_offset(first if primary is second else second, replica)
        replica.follow(primary.port)
        until(lambda: replica.link_is_up() and replica.info()["master_replid"] == primary.info()["master_replid"])
        wait_for_equal(primary, replica)
        assert replica.info()["master_replid2"] == "0" * 40
    assert first.sync_counts() == (2, 0) and second.sync_counts() == (1, 0)


def test_a_waiting_replica_gives_up(stage, kinds):
    """A replica that goes away while it is being served disturbs neither the primary nor the next one."""
    primary = stage.server(kinds.primary, "--repl-diskless-sync-delay", 0)
    fill_big_values(primary, 50_000)
    gone = stage.unsynchronized_replica(kinds.replica, primary)
    until(lambda: int(primary.info()["connected_slaves"]) == 1 or gone.link_is_up())
    gone.kill()
    replica = stage.replica(kinds.replica, primary)
    wait_for_equal(primary, replica)
    until(lambda: primary.info()["connected_slaves"] == "1")
