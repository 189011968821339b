"""The pair of servers every test of this folder talks to, and the count of what was not compared."""

import collections

import pytest

from compat.pair import Pair

_REPLY_LIMIT_S = 5.0
_SKIPPED_STEPS = pytest.StashKey[collections.Counter]()


def pytest_configure(config):
    config.stash[_SKIPPED_STEPS] = collections.Counter()


def pytest_terminal_summary(terminalreporter, config):
    skipped = config.stash.get(_SKIPPED_STEPS, None)
    if skipped:
        terminalreporter.section(f"{skipped.total()} dialogue steps skipped: commands that come later")
        for names, count in sorted(skipped.items()):
            terminalreporter.line(f"{count:5} need {names}")


@pytest.fixture(scope="session")
def skipped_steps(pytestconfig):
    """Counts steps by the commands they lack; shown at the end of the run."""
    return pytestconfig.stash[_SKIPPED_STEPS]


@pytest.fixture(scope="session")
def pair():
    """The reference and Holdfast (or what HOLDFAST_SERVER names), started once; dead ones are started again."""
    with Pair() as started:
        yield started


@pytest.fixture
def both(pair):
    """A connection to each server, reference first; both are empty."""
    clients = pair.clients(_REPLY_LIMIT_S)
    try:
        for client in clients:
            client.must("FLUSHALL")
        yield clients
    finally:
        for client in clients:
            client.close()


@pytest.fixture(autouse=True)
def _alive(request):
    if "pair" in request.fixturenames:
        request.getfixturevalue("pair").ensure_running()
