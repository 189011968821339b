"""One server for the clients; it must survive all of them."""

import os

import pytest

from harness import CheckedServer


@pytest.fixture(scope="module")
def server():
    directives = ["--save", "", "--threads", "2", "--enable-debug-command", "yes"]
    with CheckedServer(directives) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(request):
    """Every test that uses the shared server starts with empty databases."""
    if "server" in request.fixturenames:
        running = request.getfixturevalue("server")
        running.check_alive()
        with running.client() as client:
            client.must("FLUSHALL")


@pytest.fixture(scope="session")
def effort():
    return int(os.environ.get("HOLDFAST_EFFORT", "1"))
