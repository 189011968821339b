"""What the kernel is asked for about this process: who goes when memory is short, which processors, names of threads."""

import os
import pathlib

import pytest

from harness.server import Server, holdfast_binary, reference_binary
from harness.waiting import until

_OWN = int(pathlib.Path("/proc/self/oom_score_adj").read_text())


def _score(server: Server) -> int:
    return int(pathlib.Path(f"/proc/{server.pid}/oom_score_adj").read_text())


@pytest.fixture(params=[holdfast_binary(), reference_binary()], ids=["holdfast", "reference"])
def start(request):
    servers = []

    def start(*directives: str) -> Server:
        servers.append(Server(request.param, ["--save", "", *directives]))
        return servers[-1].start()

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("mode, first", [("no", _OWN), ("yes", _OWN + 150), ("relative", _OWN + 150), ("absolute", 150)])
def test_the_score_is_that_of_the_role(start, mode, first):
    server = start("--oom-score-adj", mode, "--oom-score-adj-values", "150 250 350")
    assert _score(server) == first
    with server.client() as client:
        client.must("REPLICAOF", "127.0.0.1", server.port + 1 if server.port < 65535 else 1)
        until(lambda: _score(server) == (first if mode == "no" else first + 100))
        client.must("REPLICAOF", "NO", "ONE")
        until(lambda: _score(server) == first)


def test_the_score_changes_with_the_configuration(start):
    server = start()
    with server.client() as client:
        client.must("CONFIG", "SET", "oom-score-adj", "absolute", "oom-score-adj-values", "300 400 500")
        assert _score(server) == 300
        client.must("CONFIG", "SET", "oom-score-adj-values", "2000 2000 2000")
        assert _score(server) == 1000
        client.must("CONFIG", "SET", "oom-score-adj", "relative", "oom-score-adj-values", "10 20 30")
        assert _score(server) == _OWN + 10
        client.must("CONFIG", "SET", "oom-score-adj", "no")
        assert _score(server) == _OWN
        client.must("CONFIG", "SET", "oom-score-adj-values", "20 10 30")
        assert "may not work for non-privileged processes" in server.log()


def _threads(server: Server) -> dict[str, set[int]]:
    """The processors of each thread, by its name; that of worker 0 is "main"."""
    found = {}
    for task in pathlib.Path(f"/proc/{server.pid}/task").iterdir():
        name = "main" if task.name == str(server.pid) else (task / "comm").read_text().strip()
        found[name] = os.sched_getaffinity(int(task.name))
    return found


def test_threads_have_names_and_keep_to_their_processors():
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        pytest.skip("needs two processors")
    one, other = allowed[0], allowed[1]
    directives = ["--threads", "2", "--appendonly", "yes", "--server_cpulist", str(one), "--bio_cpulist", str(other)]
    with Server(holdfast_binary(), directives) as server:
        threads = until(lambda: (found := _threads(server)).keys() >= {"log-writer", "log-fsync"} and found)
        assert threads.keys() >= {"worker-1", "snapshot-file", "health", "crash-report", "lazy-free"}
        for name in ("main", "worker-1"):
            assert threads[name] == {one}, name
        for name in ("log-writer", "log-fsync", "snapshot-file", "health", "lazy-free"):
            assert threads[name] == {other}, name


def test_connections_begin_with_the_protocol_of_the_configuration():
    with Server(holdfast_binary(), ["--save", "", "--client-default-resp", "3"]) as server:
        with server.client() as client:
            assert client.must("CONFIG", "GET", "port").kind.name == "MAP"
            client.must("HELLO", 2)
            assert client.must("CONFIG", "GET", "port").kind.name == "ARRAY"
            client.must("RESET")
            assert client.must("CONFIG", "GET", "port").kind.name == "MAP"
