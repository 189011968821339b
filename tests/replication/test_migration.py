"""The script of docs/migration.md: a primary in use is replaced by another, forth and back, and no write is lost."""

import pathlib
import re
import subprocess

import pytest

from harness.crew import Crew, stress_seconds, stress_seed
from replication.proxy import Proxy
from replication.stage import digest, until, wait_for_equal
from replication.writers import LIBRARY, append_in_order, check_ledgers, fill, write_everything

_PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/migration.md"
LIMIT_S = 120


@pytest.fixture
def migrate(tmp_path):
    """Runs the script from one server to the other."""
    [text] = re.findall(r"```bash\n(.*?)```", _PAGE.read_text(), re.DOTALL)
    script = tmp_path / "migrate.sh"
    script.write_text(text)

    def run(old, new, *more) -> subprocess.CompletedProcess:
        words = ["bash", script, "127.0.0.1", old.port, "127.0.0.1", new.port, *more]
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=LIMIT_S)

    return run


def test_a_server_in_use(stage, kinds, migrate):
    """Writers that know what they were told, and others that do everything; forth and back, none is lost."""
    old, new = stage.server(kinds.primary), stage.server(kinds.replica)
    fill(old, 2000)
    old.must("FUNCTION", "LOAD", LIBRARY)
    crew = Crew(old.port, stress_seed(), stress_seconds() + 100)
    crew.add(append_in_order, (old.port, new.port), times=3)
    crew.add(write_everything, times=2)
    crew.start()
    until(lambda: old.must("LLEN", "ledger:0") > 200)
    for source, target in ((old, new), (new, old), (old, new)):
        done = migrate(source, target)
        assert done.returncode == 0, done.stdout + done.stderr
        at = target.must("LLEN", "ledger:0")
        until(lambda: target.must("LLEN", "ledger:0") > at + 100)
        assert target.info()["role"] == "master" and source.info()["role"] == "slave"
    crew.end_now()
    counts = crew.results()[:3]
    until(old.link_is_up)
    wait_for_equal(new, old)
    check_ledgers(new, counts)
    assert old.sync_counts()[0] == 1  # the first copy was the only one
    assert new.sync_counts()[0] == 0


def test_a_chain_moves_along(stage, kinds, migrate):
    """A replica of the old server continues with the new one partially."""
    old, new = stage.server(kinds.primary), stage.server(kinds.replica)
    fill(old, 500)
    third = stage.replica(kinds.primary, old)
    done = migrate(old, new)
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for_equal(new, old, third)
    third.follow(new.port)
    until(third.link_is_up)
    new.must("SET", "k", "v")
    wait_for_equal(new, old, third)
    assert new.sync_counts() == (0, 2)


def test_a_new_server_with_keys_of_its_own(stage, kinds, migrate):
    old, new = stage.server(kinds.primary), stage.server(kinds.replica)
    fill(old, 100)
    new.must("SET", "of its own", "v")
    before = digest(new)
    done = migrate(old, new)
    assert done.returncode == 1 and "not empty" in done.stderr
    assert digest(new) == before and new.info()["role"] == "master"


def test_a_new_server_that_follows_another(stage, kinds, migrate):
    old, other = stage.server(kinds.primary), stage.server(kinds.primary)
    new = stage.replica(kinds.replica, other)
    done = migrate(old, new)
    assert done.returncode == 1 and "follows another" in done.stderr
    assert new.info()["master_port"] == str(other.port)


@pytest.fixture
def link():
    """What stands between the two."""
    with Proxy(0) as proxy:
        yield proxy


def test_a_new_server_that_does_not_catch_up(stage, kinds, link, migrate):
    """The network stands still: the script gives up, and the old server serves on."""
    old, new = stage.server(kinds.primary), stage.server(kinds.replica)
    link.target_port = old.port
    new.follow(link.port)
    until(new.link_is_up)
    limit = old.must("CONFIG", "GET", "min-replicas-to-write")[1].value
    link.hold()
    old.must("SET", "k", "v")
    done = migrate(old, new, 2000)
    assert done.returncode == 1, done.stdout
    assert "does not catch up" in done.stderr and "given up" in done.stderr
    link.release()
    assert old.must("SET", "k", "w") == b"OK"
    assert old.must("CONFIG", "GET", "min-replicas-to-write")[1].value == limit
    wait_for_equal(old, new)
