"""A replica that has data does not take an empty data set from a primary that has lost its own, unless it is told to."""

import json
import urllib.error
import urllib.request

import pytest

from harness.server import free_port
from replication.raw import FakePrimary, receive_handshake
from replication.stage import digest, until, until_equal, wait_for_equal
from replication.writers import LIBRARY, fill

pytestmark = pytest.mark.holdfast("replica")


@pytest.fixture
def pair(stage, kinds):
    """Neither keeps anything on the disk."""
    primary, replica = stage.pair(kinds)
    fill(primary, 500)
    primary.must("FUNCTION", "LOAD", LIBRARY)
    wait_for_equal(primary, replica)
    return primary, replica


def refused(replica) -> bool:
    return replica.info()["master_refused"] == "1"


def checks(replica) -> dict[str, tuple[str, str]]:
    """The checks of HEALTH: name to status and text."""
    report = replica.must("HEALTH")
    fields = {report[i].value: report[i + 1].value for i in range(0, len(report), 2)}
    flat = fields[b"checks"]
    return {
        flat[i].value.decode(): tuple(part.value.decode() for part in flat[i + 1].value) for i in range(0, len(flat), 2)
    }


def test_a_primary_that_comes_back_empty_is_refused(pair):
    primary, replica = pair
    before = digest(replica)
    assert replica.info()["master_refused"] == "0"
    assert checks(replica)["replication"][0] == "green"
    primary.kill()
    primary.start()
    until(lambda: refused(replica))
    assert digest(replica) == before
    assert replica.info("keyspace")  # serves on
    info = replica.info()
    assert info["role"] == "slave" and info["master_link_status"] == "down"
    until(lambda: checks(replica)["replication"][0] == "red")
    assert "empty" in checks(replica)["replication"][1]
    # It tries again, and again, and keeps what it has.
    count = primary.stat("sync_full") + primary.stat("total_connections_received")
    until(lambda: primary.stat("sync_full") + primary.stat("total_connections_received") > count + 2)
    assert digest(replica) == before and refused(replica)
    assert "empty" in replica.server.log()


def test_the_refusing_replica_is_promoted(pair):
    """The data set is saved, and the primary that has lost it takes it over."""
    primary, replica = pair
    before = digest(replica)
    primary.kill()
    primary.start()
    until(lambda: refused(replica))
    replica.must("REPLICAOF", "NO", "ONE")
    assert digest(replica) == before
    assert replica.must("SET", "k", "v") == b"OK"
    until(lambda: checks(replica)["replication"][0] == "green")
    primary.follow(replica.port)
    until(primary.link_is_up)
    wait_for_equal(replica, primary)


def test_a_primary_that_has_data_again(pair):
    """As soon as there is a key the primary is one again whose data set is taken."""
    primary, replica = pair
    primary.kill()
    primary.start()
    until(lambda: refused(replica))
    primary.must("SET", "k", "v")
    until(replica.link_is_up)
    wait_for_equal(primary, replica)
    assert not refused(replica)
    until(lambda: checks(replica)["replication"][0] == "green")


def test_a_replica_that_is_told_to_take_it(stage, kinds):
    primary = stage.server(kinds.primary)
    fill(primary, 300)
    replica = stage.replica(kinds.replica, primary, "--replica-accept-empty-primary", "yes")
    wait_for_equal(primary, replica)
    primary.kill()
    primary.start()
    until(lambda: replica.link_is_up() and replica.must("DBSIZE") == 0)
    wait_for_equal(primary, replica)
    assert replica.info()["master_refused"] == "0"


def test_it_is_told_so_later(pair):
    primary, replica = pair
    primary.kill()
    primary.start()
    until(lambda: refused(replica))
    assert replica.must("CONFIG", "GET", "replica-accept-empty-primary")[1].value == b"no"
    replica.config("replica-accept-empty-primary", "yes")
    until(replica.link_is_up)
    assert replica.must("DBSIZE") == 0 and not refused(replica)


def test_the_first_replicaof(stage, kinds):
    """A server with keys of its own that is told to follow an empty one: the same question, the same answer."""
    primary, server = stage.server(kinds.primary), stage.server(kinds.replica)
    fill(server, 300)
    before = digest(server)
    server.follow(primary.port)
    until(lambda: refused(server))
    assert digest(server) == before
    server.config("replica-accept-empty-primary", "yes")
    until(server.link_is_up)
    assert digest(server) == b"0" * 40


def test_both_are_empty(stage, kinds):
    primary, replica = stage.pair(kinds)
    assert replica.info()["master_refused"] == "0"
    primary.kill()
    primary.start()
    until(replica.link_is_up)
    primary.must("SET", "k", "v")
    wait_for_equal(primary, replica)


def test_flushall_is_no_loss(pair):
    """Who empties the data set on purpose does so in the stream; the replica follows."""
    primary, replica = pair
    primary.must("FLUSHALL")
    wait_for_equal(primary, replica)
    assert replica.must("DBSIZE") == 0 and not refused(replica)
    primary.cut_replicas()
    until(replica.link_is_up)
    wait_for_equal(primary, replica)


def test_functions_alone_are_no_data(stage, kinds):
    """A replica that holds nothing but functions takes an empty data set; its keys are what it defends."""
    primary, server = stage.server(kinds.primary), stage.server(kinds.replica)
    server.must("FUNCTION", "LOAD", LIBRARY)
    server.follow(primary.port)
    until(server.link_is_up)
    wait_for_equal(primary, server)


@pytest.mark.parametrize("load", ("disabled", "on-empty-db", "swapdb"))
@pytest.mark.parametrize("diskless", ("yes", "no"))
def test_every_mode(stage, kinds, load, diskless):
    primary = stage.server(kinds.primary, "--repl-diskless-sync", diskless)
    fill(primary, 300)
    replica = stage.replica(kinds.replica, primary, "--repl-diskless-load", load)
    wait_for_equal(primary, replica)
    before = digest(replica)
    primary.kill()
    # What Redis has written for a replica it would load again.
    (primary.server.directory / "dump.rdb").unlink(missing_ok=True)
    primary.start()
    until(lambda: refused(replica))
    assert digest(replica) == before


def test_a_chain_keeps_its_data(stage, kinds, pair):
    """The replica of the refusing one is not disturbed."""
    primary, replica = pair
    last = stage.replica(kinds.primary, replica)
    wait_for_equal(primary, replica, last)
    before = digest(last)
    primary.kill()
    primary.start()
    until(lambda: refused(replica))
    assert digest(last) == digest(replica) == before
    replica.must("REPLICAOF", "NO", "ONE")
    replica.must("SET", "k", "v")
    until(lambda: last.link_is_up() and last.must("EXISTS", "k"))


def test_the_page_of_the_admin_port(stage, kinds):
    admin_port = free_port()
    primary = stage.server(kinds.primary)
    fill(primary, 100)
    replica = stage.replica(kinds.replica, primary, "--admin-port", admin_port)
    wait_for_equal(primary, replica)
    primary.kill()
    primary.start()
    until(lambda: refused(replica))

    def sample() -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith('holdfast_check{check="replication"}'))

    until_equal(sample, 2.0)
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{admin_port}/health", timeout=30)
        raise AssertionError("/health is well")
    except urllib.error.HTTPError as error:
        assert error.code == 503 and json.load(error)["status"] == "red"


def test_an_empty_payload_by_hand(stage, kinds):
    """An RDB that says so in its first bytes, as one that does not say how many keys it has."""
    replica = stage.server(kinds.replica)
    fill(replica, 100)
    before = digest(replica)
    source = stage.server("redis")
    source.must("SAVE")
    payload = (source.server.directory / "dump.rdb").read_bytes()

    def act(wire):
        receive_handshake(wire)
        wire.send(b"+FULLRESYNC %s 1\r\n$%d\r\n" % (b"a" * 40, len(payload)) + payload)
        wire.is_closed()

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and refused(replica))
        assert digest(replica) == before
