"""redis-benchmark runs against it, and what it has written is there."""

import pytest

from clients.tools import run

TESTS = {"set": "SET", "get": "GET", "incr": "INCR", "mset": "MSET (10 keys)"}


@pytest.mark.parametrize("options", [["-P", 16], ["-c", 200], ["-P", 16, "--threads", 2], ["-d", 100000, "-n", 2000]])
def test_smoke(server, effort, options):
    words = ["redis-benchmark", "-p", server.port, "-t", ",".join(TESTS), "-n", 20000 * effort, "-r", 1000, "--csv"]
    with server.client() as client:
        client.must("CONFIG", "RESETSTAT")  # whoever waited for the start may have been told LOADING
    said = run(words + options)
    rows = [line.split(",")[0].strip('"') for line in said.splitlines()]
    assert [row for row in rows if row in TESTS.values()] == list(TESTS.values()), said
    with server.client() as client:
        assert client.must("EXISTS", "key:000000000001").value == 1
        assert client.must("DBSIZE").value > 1000
        assert b"errorstat_" not in client.must("INFO", "errorstats").value
