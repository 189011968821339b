"""Files made while others write are the state of one moment, for Holdfast and for redis-server."""

import contextlib
import threading
import time

import pytest

from crash.ledger import check
from crash.reference import NO_SAVE, digest, reference_on_copy
from crash.writers import check_transfers, everything, open_accounts, transfer, write_by_plan
from harness import CheckedServer
from harness.crew import Crew, stress_seconds, stress_seed

WRITERS = 2
SNAPSHOTS = 3
# Keys that nobody writes: they make a snapshot last, so that much is written while it runs.
BALLAST_KEYS = 40000
WAIT_S = 60


def _wait_until_saved(server, client, field: bytes) -> None:
    deadline = time.monotonic() + WAIT_S
    while field + b":0" not in client.must("INFO", "persistence").value:
        assert time.monotonic() < deadline, f"{field} stays 1:\n{server.thread_states()}\n{server.log_tail()}"
        time.sleep(0.005)


def _without_ballast(client):
    """What the writers have written. The ballast is only counted; the digest covers it."""
    written = everything(client, "[wt]*")
    assert client.must("DBSIZE").value == BALLAST_KEYS + len(written)
    return written


@contextlib.contextmanager
def _with_ballast(directory, directives):
    """A server and a client of it, with the accounts open and the ballast loaded."""
    with CheckedServer(directives, directory=directory) as server, server.client() as client:
        open_accounts(client)
        client.must("DEBUG", "POPULATE", BALLAST_KEYS, "ballast", 100)
        yield server, client


def _writers(server, seed, seconds):
    crew = Crew(server.port, seed, seconds)
    for number in range(WRITERS):
        crew.add(write_by_plan, f"w{number}", seed)
    crew.add(transfer, "a")
    crew.add(transfer, "b")
    crew.start()
    return crew


@pytest.mark.parametrize("threads", [2, 4])
def test_a_dump_made_under_load_is_one_moment(tmp_path, threads):
    seed = stress_seed()
    directives = NO_SAVE + ["--threads", str(threads)]
    dumps = []
    with _with_ballast(tmp_path, directives) as (server, client):
        crew = _writers(server, seed, stress_seconds() + 1)
        for _ in range(SNAPSHOTS):
            time.sleep(stress_seconds() / SNAPSHOTS)
            client.must("BGSAVE")
            _wait_until_saved(server, client, b"rdb_bgsave_in_progress")
            assert b"rdb_last_bgsave_status:ok" in client.must("INFO", "persistence").value
            dumps.append((tmp_path / "dump.rdb").read_bytes())
        ledgers = crew.results()[:WRITERS]
    steps = transfers = 0
    for dump in dumps:
        (tmp_path / "dump.rdb").write_bytes(dump)
        with reference_on_copy(tmp_path, appendonly=False) as reference, reference.client() as client:
            held, reference_digest = _without_ballast(client), digest(reference)
        with CheckedServer(directives, directory=tmp_path) as server, server.client() as client:
            assert _without_ballast(client) == held
            assert digest(server) == reference_digest
        (tmp_path / "dump.rdb").write_bytes(dump)
        # Each dump is later than the one before it, and none is of a moment after its end.
        steps_now = [check(ledger, seed, held, promised=0) for ledger in ledgers]
        transfers_now = check_transfers(held)
        assert sum(steps_now) >= steps and transfers_now >= transfers
        steps, transfers = sum(steps_now), transfers_now
    assert steps > 0 and transfers > 0


@pytest.mark.parametrize("preamble", ["yes", "no"])
def test_a_rewrite_under_load_loses_nothing(tmp_path, preamble):
    """After rewrites during writes the files replay to exactly what memory holds, in both formats of the base."""
    seed = stress_seed()
    directives = NO_SAVE + ["--threads", "2", "--appendonly", "yes", "--aof-use-rdb-preamble", preamble]
    with _with_ballast(tmp_path, directives) as (server, client):
        crew = _writers(server, seed, stress_seconds() + 1)
        for _ in range(SNAPSHOTS):
            time.sleep(stress_seconds() / SNAPSHOTS)
            client.must("BGREWRITEAOF")
            _wait_until_saved(server, client, b"aof_rewrite_in_progress")
            assert b"aof_last_bgrewrite_status:ok" in client.must("INFO", "persistence").value
        ledgers = crew.results()[:WRITERS]
        held, held_digest = _without_ballast(client), digest(server)
    for ledger in ledgers:
        assert check(ledger, seed, held, promised=ledger.acknowledged) == ledger.sent
    assert check_transfers(held) > 0
    assert any(f".{SNAPSHOTS + 1}.base." in path.name for path in (tmp_path / "appendonlydir").iterdir())
    with reference_on_copy(tmp_path, appendonly=True) as reference:
        assert digest(reference) == held_digest
    with CheckedServer(directives, directory=tmp_path) as server:
        assert digest(server) == held_digest


def test_a_switched_aof_holds_what_was_there_before_it(tmp_path):
    """CONFIG SET appendonly yes under load: once it is on, a kill loses nothing that was ever acknowledged."""
    seed = stress_seed()
    directives = NO_SAVE + ["--threads", "2", "--appendfsync", "always"]
    with _with_ballast(tmp_path, directives) as (server, client):
        crew = _writers(server, seed, 30)
        time.sleep(0.3)
        client.must("CONFIG", "SET", "appendonly", "yes")
        time.sleep(0.005)
        _wait_until_saved(server, client, b"aof_rewrite_in_progress")
        _wait_until_saved(server, client, b"aof_rewrite_scheduled")
        assert b"aof_enabled:1" in client.must("INFO", "persistence").value
        time.sleep(0.3)
        server.check_alive()
        server.kill()
        ledgers = crew.results()[:WRITERS]
    with reference_on_copy(tmp_path, appendonly=True) as reference, reference.client() as client:
        reference_digest = digest(reference)
    with CheckedServer(directives + ["--appendonly", "yes"], directory=tmp_path) as server, server.client() as client:
        held = _without_ballast(client)
        for ledger in ledgers:
            check(ledger, seed, held, promised=ledger.acknowledged)
        assert check_transfers(held) > 0
        assert digest(server) == reference_digest


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_debug_loadaof_brings_back_what_was_acknowledged(tmp_path, threads):
    directives = NO_SAVE + ["--threads", str(threads), "--appendonly", "yes", "--enable-debug-command", "yes"]
    with CheckedServer(directives, directory=tmp_path) as server, server.client() as client:
        for number in range(500):
            client.must("SET", f"key{number}", "x" * (number % 7))
        client.must("MULTI")
        client.must("INCR", "n")
        client.must("SELECT", 3)
        client.must("INCR", "n")
        client.must("EXEC")
        client.must("SELECT", 0)
        stop = threading.Event()
        acknowledged, unexpected = [], []

        def write():
            with server.client() as writer:
                number = 0
                while not stop.is_set():
                    reply = writer.command("SET", f"w{number}", number)
                    if not reply.is_error():
                        acknowledged.append(number)
                    elif not reply.value.startswith(b"LOADING"):
                        unexpected.append(reply)
                    number += 1

        writers = threading.Thread(target=write)
        writers.start()
        for _ in range(10):
            client.must("DEBUG", "LOADAOF")
            time.sleep(0.02)
        stop.set()
        writers.join()
        before = digest(server)
        client.must("DEBUG", "LOADAOF")
        assert digest(server) == before
        assert acknowledged and not unexpected
        for number in acknowledged:
            assert client.must("GET", f"w{number}").value == b"%d" % number
        assert client.must("DBSIZE").value == 501 + len(acknowledged)
        server.stop()
        server.start()
        assert digest(server) == before


def test_debug_loadaof_without_an_append_only_file_keeps_the_data(tmp_path):
    with CheckedServer(NO_SAVE + ["--enable-debug-command", "yes"], directory=tmp_path) as server, server.client() as client:
        client.must("SET", "k", "v")
        assert client.command("DEBUG", "LOADAOF").value == b"ERR Error trying to load the AOF files, check server logs."
        assert client.must("GET", "k").value == b"v"
