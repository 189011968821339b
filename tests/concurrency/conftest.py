"""A server for each number of threads; a test that makes it end, or makes a sanitizer report, has failed."""

import pytest

from harness import CheckedServer
from harness.checked_server import sanitizer_report
from harness.crew import Crew, stress_seconds, stress_seed

# Two threads for each of two cores, and more threads than this needs: then they are interrupted while holding locks.
THREADS = (2, 4)


@pytest.fixture(scope="module", params=THREADS, ids=lambda threads: f"{threads}threads")
def long_lived_server(request):
    directives = ["--save", "", "--threads", str(request.param), "--maxclients", "4000"]
    directives += ["--enable-debug-command", "yes"]
    with CheckedServer(directives) as server:
        yield server


@pytest.fixture
def server(long_lived_server):
    """The server with empty databases; started again when the test before has ended it."""
    if not long_lived_server.running():
        long_lived_server.start()
    with long_lived_server.client() as client:
        client.must("CLIENT", "UNPAUSE")
        client.must("FLUSHALL")
    length_before = len(long_lived_server.log())
    yield long_lived_server
    long_lived_server.check_alive()
    assert sanitizer_report(long_lived_server.log()[length_before:]) == ""


@pytest.fixture
def crew(server):
    return Crew(server.port, stress_seed(), stress_seconds())
