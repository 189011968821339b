"""Primary and replica over TLS, Holdfast and redis-server in all pairs."""

import os
import time

import pytest

from replication.stage import Stage, chosen_kinds, chosen_pairs, until, wait_for_equal
from harness.server import free_port
from tls.actors import base_directives


@pytest.fixture
def stage():
    with Stage() as made:
        yield made


@pytest.fixture(params=chosen_pairs(), ids=lambda pair: pair.name)
def kinds(request):
    return request.param


def words(certificates, tls_port, **changes) -> list[str]:
    directives = base_directives(certificates, tls_port) | {"tls-replication": "yes"}
    directives |= {name.replace("_", "-"): value for name, value in changes.items()}
    return [word for name, value in directives.items() for word in (f"--{name}", value)]


class Secured:
    """An actor of the replication suite that others reach by its TLS port."""

    def __init__(self, stage, kind, certificates, **changes):
        self.tls_port = free_port()
        self.actor = stage.server(kind, *words(certificates, self.tls_port, **changes))


@pytest.fixture
def pair(stage, kinds, certificates):
    primary = Secured(stage, kinds.primary, certificates)
    replica = Secured(stage, kinds.replica, certificates)
    replica.actor.follow(primary.tls_port)
    until(replica.actor.link_is_up)
    return primary, replica


def fill(actor, count=2000) -> None:
    with actor.client() as client:
        client.pipeline([("SET", f"key:{i}", os.urandom(i % 300)) for i in range(count)])
        client.pipeline([("RPUSH", f"list:{i % 7}", i) for i in range(count)])
        client.must("SET", "big", os.urandom(3_000_000))


@pytest.mark.parametrize("diskless", ["yes", "no"])
def test_a_data_set_and_what_is_written_after_it(stage, kinds, certificates, diskless):
    primary = Secured(stage, kinds.primary, certificates, repl_diskless_sync=diskless)
    fill(primary.actor)
    replica = Secured(stage, kinds.replica, certificates)
    replica.actor.follow(primary.tls_port)
    until(replica.actor.link_is_up)
    fill(primary.actor, 300)
    wait_for_equal(primary.actor, replica.actor)
    assert primary.actor.must("WAIT", 1, 20_000) == 1
    assert f"port={replica.tls_port}," in primary.actor.info()["slave0"], "it tells its TLS port"


def test_partial_synchronization_after_a_cut(pair):
    primary, replica = (side.actor for side in pair)
    fill(primary, 500)
    before = primary.sync_counts()
    for _ in range(3):
        assert primary.cut_replicas() == 1
        primary.must("INCR", "n")
        until(lambda: primary.sync_counts() > before and replica.link_is_up())
        wait_for_equal(primary, replica)
    full, partial = primary.sync_counts()
    assert full == before[0] and partial > before[1]


def test_a_chain_and_the_way_back(stage, pair, certificates):
    """The replica of a replica; then the first replica is promoted and the old primary follows it."""
    primary, replica = pair
    third = Secured(stage, chosen_kinds()[0], certificates)
    third.actor.follow(replica.tls_port)
    until(third.actor.link_is_up)
    fill(primary.actor, 200)
    wait_for_equal(primary.actor, replica.actor, third.actor)
    replica.actor.must("REPLICAOF", "NO", "ONE")
    primary.actor.follow(replica.tls_port)
    until(primary.actor.link_is_up)
    fill(replica.actor, 100)
    wait_for_equal(replica.actor, primary.actor, third.actor)


def test_certificates_are_renewed_under_the_link(pair, certificates):
    primary, replica = (side.actor for side in pair)
    for actor in (primary, replica):
        actor.config("tls-cert-file", certificates.path("client.crt"), "tls-key-file", certificates.path("client.key"))
    fill(primary, 100)
    wait_for_equal(primary, replica)
    assert primary.sync_counts()[0] == 1, "the link has stayed"
    primary.cut_replicas()
    until(replica.link_is_up)
    fill(primary, 100)
    wait_for_equal(primary, replica)


@pytest.mark.parametrize("kind", chosen_kinds())
def test_the_replica_shows_its_client_certificate(stage, kind, certificates):
    primary = Secured(stage, kind, certificates)
    shown = {"tls_cert_file": certificates.path("stranger.crt"), "tls_key_file": certificates.path("stranger.key")}
    replica = Secured(stage, "holdfast", certificates, **shown)
    replica.actor.follow(primary.tls_port)
    until(lambda: "Error accepting a client connection" in primary.actor.server.log())
    assert not replica.actor.link_is_up()
    replica.actor.config("tls-client-cert-file", certificates.path("client.crt"), "tls-client-key-file", certificates.path("client.key"))
    until(replica.actor.link_is_up)


def test_a_primary_that_is_not_trusted(stage, certificates):
    primary = Secured(stage, "holdfast", certificates, tls_auth_clients="no")
    replica = Secured(stage, "holdfast", certificates, tls_ca_cert_file=certificates.path("other-ca.crt"))
    replica.actor.must("SET", "mine", 1)
    replica.actor.follow(primary.tls_port)
    reason = "Error condition on socket for SYNC: error:0A000086:SSL routines::certificate verify failed"
    until(lambda: reason in replica.actor.server.log())
    assert replica.actor.info()["master_link_status"] == "down"
    assert replica.actor.must("GET", "mine") == b"1"


def test_a_plain_port_instead_of_tls_and_the_other_way_round(stage, certificates):
    primary = Secured(stage, "holdfast", certificates)
    replica = Secured(stage, "holdfast", certificates)
    replica.actor.follow(primary.actor.port)
    until(lambda: "Error condition on socket for SYNC: error:" in replica.actor.server.log())
    replica.actor.config("tls-replication", "no")
    until(replica.actor.link_is_up)
    replica.actor.follow(primary.tls_port)
    until(lambda: "wrong version number" in primary.actor.server.log())
    replica.actor.config("tls-replication", "yes")
    until(replica.actor.link_is_up)


def test_the_stream_under_load(pair):
    """Writers at full speed while the link is cut again and again."""
    primary, replica = (side.actor for side in pair)
    end = time.monotonic() + 2
    with primary.client() as client:
        while time.monotonic() < end:
            client.pipeline([("APPEND", f"a:{i % 50}", os.urandom(500)) for i in range(500)])
            primary.cut_replicas()
    wait_for_equal(primary, replica)
