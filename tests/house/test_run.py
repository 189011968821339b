"""./run as a newcomer types it: it builds what is not built yet, and a server answers."""

import pathlib
import re
import signal
import subprocess

import pytest

from harness import Client
from harness.server import free_port

_ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def started(tmp_path):
    """`./run --port N --dir <temporary>` and the port, up to the moment the server says that it is ready."""
    port = free_port()
    command = [str(_ROOT / "run"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
    )
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                break
        else:
            pytest.fail("it ended before it was ready:\n" + "".join(said))
        yield process, port, "".join(said)
    finally:
        process.kill()
        process.communicate()


def test_it_starts_takes_arguments_and_ends_with_an_interrupt(started, tmp_path):
    process, port, said = started
    assert f"redis-cli -p {port}" in said and str(tmp_path) in said
    with Client(port) as client:
        assert client.command("SET", "greeting", "hello").value == b"OK"
        assert client.command("GET", "greeting").value == b"hello"
        directory = client.command("CONFIG", "GET", "dir").value[1].value
    assert pathlib.Path(directory.decode()) == tmp_path.resolve()
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert (tmp_path / "dump.rdb").exists(), "an interrupt saves"


def test_arguments_that_only_ask_start_nothing():
    result = subprocess.run([str(_ROOT / "run"), "--version"], capture_output=True, text=True, check=True)
    assert re.search(r"\bv=\d", result.stdout), result.stdout
