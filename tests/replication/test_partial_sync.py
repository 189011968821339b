"""A link that was cut goes on where it ended, as long as the backlog holds what is missing; offsets are exact."""

import pytest

from harness import encode_command
from harness.crew import Crew, stress_seconds, stress_seed
from replication.proxy import Proxy
from replication.stage import until, until_equal, wait_for_equal, wait_for_offset
from replication.writers import burst, fill, write_everything

MINIMUM_BACKLOG = 16 * 1024
MIB = 1 << 20


def bytes_of(*words: object) -> int:
    return len(encode_command(words))


@pytest.fixture
def proxied(stage, kinds):
    """A primary, the proxy before it, and a replica that is synchronized through it."""
    primary = stage.server(kinds.primary, "--repl-ping-replica-period", 3600)
    fill(primary, 300)
    with Proxy(primary.port) as proxy:
        replica = stage.replica(kinds.replica, proxy.port)
        wait_for_offset(primary, replica)
        assert primary.sync_counts() == (1, 0)
        yield primary, proxy, replica


def test_the_primary_ends_the_connection(stage, kinds):
    primary, replica = stage.pair(kinds)
    for turn in range(1, 4):
        until(lambda: primary.online_replicas() == 1)
        assert primary.cut_replicas() == 1
        primary.must("INCR", "turn")
        until_equal(primary.sync_counts, (1, turn))
        wait_for_equal(primary, replica)


@pytest.mark.parametrize("reset", (False, True))
def test_the_network_ends_the_connection(proxied, reset):
    primary, proxy, replica = proxied
    for turn in range(1, 4):
        assert proxy.cut(reset) == 1
        with primary.client() as client:
            burst(client, 100, prefix=f"turn {turn}")
        until_equal(primary.sync_counts, (1, turn))
        wait_for_equal(primary, replica)
    assert primary.stat("sync_partial_err") == 1  # the PSYNC of the beginning


def test_offsets_count_the_bytes_of_the_stream(proxied):
    primary, _, replica = proxied
    select, before = bytes_of("SELECT", "3"), wait_for_offset(primary, replica)
    primary.must("SELECT", 3)
    primary.must("SET", "k", "v")
    assert primary.offset() == before + select + bytes_of("SET", "k", "v")
    primary.must("GET", "k")
    primary.must("DEL", "no such key")
    primary.must("SET", "k", "w", "NX")
    assert primary.offset() == before + select + bytes_of("SET", "k", "v")
    at = wait_for_offset(primary, replica)
    primary.must("INCRBY", "n", "12")
    assert primary.offset() == at + bytes_of("INCRBY", "n", "12")
    at = wait_for_offset(primary, replica)
    assert primary.must("EVAL", "redis.call('SET', 'a', '1'); redis.call('SET', 'b', '2'); return 1", 0) == 1
    both = bytes_of("MULTI") + bytes_of("SET", "a", "1") + bytes_of("SET", "b", "2") + bytes_of("EXEC")
    assert wait_for_offset(primary, replica) == at + both
    info = replica.info()
    assert info["slave_read_repl_offset"] == info["slave_repl_offset"] == info["master_repl_offset"]
    assert info["master_replid"] == primary.info()["master_replid"]


def test_the_fields_of_the_backlog(proxied):
    primary, _, replica = proxied
    wait_for_offset(primary, replica)
    with primary.client() as client:
        burst(client, 200)
    wait_for_offset(primary, replica)
    for actor in (primary, replica):
        info = actor.info()
        first, length = int(info["repl_backlog_first_byte_offset"]), int(info["repl_backlog_histlen"])
        assert info["repl_backlog_active"] == "1" and info["repl_backlog_size"] == str(MIB)
        assert first + length - 1 == int(info["master_repl_offset"])
        assert length >= 200 * 100
        assert (info["master_replid2"], info["second_repl_offset"]) == ("0" * 40, "-1")


def test_beyond_the_backlog(proxied):
    """More is written than the backlog holds while the replica is away: the whole is sent again, unless the primary
    has kept more than it was told to."""
    primary, proxy, replica = proxied
    primary.config("repl-backlog-size", MINIMUM_BACKLOG)
    proxy.refuse()
    until(lambda: not replica.link_is_up() and primary.info()["connected_slaves"] == "0")
    with primary.client() as client:
        burst(client, 20_000)  # 2 MB; blocks of the backlog are let go as wholes
        burst(client, 20_000, prefix="more")
    info = primary.info()
    missing = int(replica.info()["slave_repl_offset"]) + 1
    kept = int(info["repl_backlog_first_byte_offset"]) <= missing
    assert not kept or primary.kind == "holdfast"
    full, partial = (1, 1) if kept else (2, 0)
    proxy.accept()
    until_equal(primary.sync_counts, (full, partial))
    wait_for_equal(primary, replica)
    # From there on, partially again.
    proxy.cut()
    until_equal(primary.sync_counts, (full, partial + 1))
    wait_for_equal(primary, replica)


def test_what_the_backlog_still_holds(proxied):
    primary, proxy, replica = proxied
    primary.config("repl-backlog-size", 8 * MIB)
    proxy.refuse()
    until(lambda: not replica.link_is_up())
    with primary.client() as client:
        burst(client, 40_000)
    assert int(primary.info()["repl_backlog_histlen"]) > 4_000_000
    proxy.accept()
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 1)


def test_a_link_that_only_pauses(proxied):
    """Nothing passes for a while, nothing is lost: no new synchronization at all."""
    primary, proxy, replica = proxied
    proxy.hold()
    with primary.client() as client:
        burst(client, 5000)
    assert not replica.must("EXISTS", "burst:4999")
    proxy.release()
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 0)
    assert proxy.accepted == 1


def test_a_cut_inside_of_a_transaction(proxied):
    """Half a transaction has arrived when the link is cut: the replica shows none of it until it has come again."""
    primary, proxy, replica = proxied
    names = [f"t:{i}" for i in range(1000)]
    at = primary.offset()
    proxy.drop_after(10_000)
    proxy.hold()
    primary.must("MULTI")
    for name in names:
        primary.must("SET", name, "1")
    assert len(primary.must("EXEC")) == len(names)
    proxy.release()
    until(proxy.dropped)
    while replica.offset() < primary.offset():
        assert replica.must("EXISTS", *names) in (0, len(names))
    assert primary.offset() > at + 20_000
    wait_for_equal(primary, replica)
    assert replica.must("EXISTS", *names) == len(names)
    assert primary.sync_counts() == (1, 1)


@pytest.mark.parametrize("after", (1, 5, 37, 1000, 100_000, 1_000_000))
def test_a_cut_inside_of_the_first_synchronization(stage, kinds, after):
    """The connection ends after so many bytes to the replica; the next attempt succeeds."""
    primary = stage.server(kinds.primary)
    fill(primary, 3000)
    with Proxy(primary.port) as proxy:
        proxy.drop_after(after)
        replica = stage.replica(kinds.replica, proxy.port)
        if not proxy.dropped():  # the payload was shorter
            with primary.client() as client:
                burst(client, 1 + after // 100)
            until(proxy.dropped)
        until(replica.link_is_up)
        wait_for_equal(primary, replica)
        assert proxy.accepted >= 2


def test_many_cuts_under_load(stage, kinds):
    primary = stage.server(kinds.primary, "--repl-backlog-size", 64 * MIB)
    fill(primary, 300)
    with Proxy(primary.port) as proxy:
        replica = stage.replica(kinds.replica, proxy.port)
        crew = Crew(primary.port, stress_seed(), stress_seconds() + 60)
        crew.add(write_everything, times=3)
        crew.start()
        for turn in range(10):
            at = replica.offset()
            until(lambda: replica.offset() > at + 20_000)
            proxy.delay_s = 0.002 * (turn % 3)
            proxy.drop_after(1 + 997 * turn)
            until(proxy.dropped)
        proxy.delay_s = 0.0
        crew.end_now()
        assert sum(crew.results()) > 0
        wait_for_equal(primary, replica)
        full, partial = primary.sync_counts()
        assert full == 1 and partial >= 10


def test_a_slow_network(proxied):
    """Many small pieces, each of them late."""
    primary, proxy, replica = proxied
    proxy.delay_s = 0.01
    for number in range(50):
        primary.must("SET", f"slow:{number}", number)
    proxy.cut()
    with primary.client() as client:
        burst(client, 1000)
    wait_for_equal(primary, replica)
    assert primary.sync_counts() == (1, 1)


def test_the_backlog_goes_when_nobody_needs_it(stage, kinds):
    """repl-backlog-ttl: without replicas for so long, the backlog is let go and the history gets a new name."""
    primary, replica = stage.pair(kinds, "--repl-backlog-ttl", 1)
    primary.must("SET", "k", "v")
    wait_for_offset(primary, replica)
    before = primary.info()["master_replid"]
    replica.must("REPLICAOF", "NO", "ONE")
    until(lambda: primary.info()["repl_backlog_active"] == "0")
    info = primary.info()
    assert info["master_replid"] != before
    assert (info["repl_backlog_first_byte_offset"], info["repl_backlog_histlen"]) == ("0", "0")
    at = primary.offset()
    primary.must("SET", "k", "w")
    assert primary.offset() == at  # nothing is counted while nobody listens
    replica.follow(primary.port)
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert primary.sync_counts()[0] == 2
