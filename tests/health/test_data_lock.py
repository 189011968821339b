"""Two servers on the same files would destroy them: the second one is refused."""

import subprocess

import pytest

from harness import CheckedServer
from harness.server import free_port, holdfast_binary

SAVES = ("--save", "3600 1")
LOGS = ("--save", "", "--appendonly", "yes")


def _start(directory, *options):
    """How a second server ends that is expected to."""
    command = [holdfast_binary(), "--port", str(free_port()), "--dir", str(directory), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("options, name", [(SAVES, "dump.rdb"), (LOGS, "appendonlydir")])
def test_a_second_server_on_the_same_files_is_refused(tmp_path, options, name):
    with CheckedServer(options, directory=tmp_path) as server, server.client() as client:
        client.must("SET", "key", "x")
        done = _start(tmp_path, *options)
        assert done.returncode == 1
        assert f"another server writes {name} in {tmp_path}" in done.stdout
        server.kill()  # the kernel gives the lock back
        server.start()


def test_servers_with_files_of_their_own_share_a_directory(tmp_path):
    with CheckedServer(SAVES, directory=tmp_path), CheckedServer(
        ("--dbfilename", "other.rdb", *SAVES), directory=tmp_path
    ), CheckedServer(LOGS, directory=tmp_path), CheckedServer(("--save", ""), directory=tmp_path):
        pass


def test_a_server_cannot_be_led_to_the_files_of_another(tmp_path):
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.mkdir()
    other.mkdir()
    with CheckedServer(SAVES, directory=other), CheckedServer(
        ("--enable-protected-configs", "yes", *SAVES), directory=mine
    ) as server, server.client() as client:
        reply = client.command("CONFIG", "SET", "dir", other)
        assert reply.is_error() and f"another server writes dump.rdb in {other}".encode() in reply.value
        assert client.must("CONFIG", "GET", "dir").value[1].value == str(mine).encode()
        client.must("CONFIG", "SET", "dbfilename", "mine.rdb", "dir", other)
        # What it has left is free again.
        with CheckedServer(SAVES, directory=mine):
            pass
