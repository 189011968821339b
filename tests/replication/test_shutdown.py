"""SHUTDOWN waits for replicas that lag, so that what was acknowledged is somewhere else when the primary is gone."""

import contextlib
import os
import signal
import time

import pytest

from replication.stage import until, wait_for_offset
from replication.writers import burst

WAITS = b"ERR Errors trying to SHUTDOWN. Check logs."


@pytest.fixture
def pair(stage, kinds):
    primary, replica = stage.pair(kinds, "--shutdown-timeout", 60)
    primary.must("SET", "before", "v")
    wait_for_offset(primary, replica)
    return primary, replica


@contextlib.contextmanager
def asked_to_end(primary, *words):
    """A client that has said SHUTDOWN and is not answered."""
    with primary.client() as client:
        client.send("SHUTDOWN", *words)
        yield client


def waits(primary) -> bool:
    return "shutdown_in_milliseconds" in primary.info("server")


@pytest.mark.holdfast("primary")
def test_shutdown_waits_for_a_replica_that_lags(pair):
    primary, replica = pair
    with replica.standing_still():
        primary.must("SET", "late", "v")
        with asked_to_end(primary):
            until(lambda: waits(primary))
            assert 0 < int(primary.info("server")["shutdown_in_milliseconds"]) <= 60_000
            assert primary.must("GET", "late") == b"v"  # reads go on
            primary.forget_connection()
            os.kill(replica.server.pid, signal.SIGCONT)
            until(lambda: not primary.server.running())
    primary.server.killed_on_purpose = True
    assert replica.must("GET", "late") == b"v"
    assert "1 of 1 replicas are in sync when shutting down." in primary.server.log()


@pytest.mark.holdfast("primary")
def test_a_shutdown_that_waits_is_aborted(pair):
    primary, replica = pair
    with replica.standing_still():
        primary.must("SET", "late", "v")
        with asked_to_end(primary) as client:
            until(lambda: waits(primary))
            assert primary.must("SHUTDOWN", "ABORT") == b"OK"
            assert client.read_reply().value == WAITS
        assert not waits(primary)
        assert primary.error("SHUTDOWN", "ABORT") == b"ERR No shutdown in progress."
        primary.must("SET", "after", "v")  # writes are let in again


@pytest.mark.holdfast("primary")
@pytest.mark.parametrize("how", ("NOW", "no time", "signal"))
def test_shutdown_does_not_wait_for_ever(pair, how):
    primary, replica = pair
    with replica.standing_still():
        primary.must("SET", "late", "v")
        if how == "NOW":
            primary.shut_down("NOW")
        else:
            primary.config("shutdown-timeout", 0 if how == "no time" else 1)
            if how == "no time":
                primary.shut_down()
            else:
                primary.forget_connection()
                os.kill(primary.server.pid, signal.SIGTERM)
                until(lambda: not primary.server.running())
                primary.server.killed_on_purpose = True
    text = primary.server.log()
    assert f"Lagging replica 127.0.0.1:{replica.port} reported offset" in text
    assert "0 of 1 replicas are in sync when shutting down." in text
    assert ("Waiting for replicas before shutting down." in text) == (how == "signal")


@pytest.mark.holdfast("primary")
def test_a_replica_that_has_everything_is_not_waited_for(pair):
    primary, replica = pair
    wait_for_offset(primary, replica)
    until(lambda: f"offset={primary.offset()}," in primary.info()["slave0"])
    primary.shut_down()
    assert "Waiting for replicas" not in primary.server.log()


@pytest.mark.parametrize("state", ("asleep", "awake"))
def test_shutdown_waits_for_replicas(stage, kinds, state):
    """SHUTDOWN lets a replica that lags have the rest."""
    primary, replica = stage.pair(kinds, "--shutdown-timeout", 20)
    until(lambda: primary.online_replicas() == 1)
    with contextlib.ExitStack() as still, primary.client() as client:
        if state == "asleep":
            still.enter_context(replica.standing_still())
        burst(client, 2000)
        client.send("SHUTDOWN", "NOSAVE")
        if state == "asleep":
            time.sleep(0.5)  # it could end, and must not
            assert primary.server.running()
        primary.server.killed_on_purpose = True
        still.close()
        until(lambda: not primary.server.running())
    until(lambda: replica.must("EXISTS", "burst:1999"))
