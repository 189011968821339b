"""A server under systemd, with a socket in systemd's place, and the unit file."""

import os
import pathlib
import shutil
import socket
import subprocess

import pytest

from harness.server import Server, holdfast_binary
from harness.waiting import until

_UNIT = pathlib.Path(__file__).resolve().parents[2] / "packaging/holdfast.service"


class Systemd:
    """What is sent to NOTIFY_SOCKET."""

    def __init__(self, address: str):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.setblocking(False)
        self._said = ""

    def said(self) -> str:
        while True:
            try:
                self._said += self._socket.recv(4096).decode() + "|"
            except BlockingIOError:
                return self._said


@pytest.fixture(params=["path", "abstract"])
def systemd(request, tmp_path, monkeypatch):
    address = str(tmp_path / "notify") if request.param == "path" else f"@holdfast-test-{os.getpid()}"
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    monkeypatch.delenv("UPSTART_JOB", raising=False)
    listener = Systemd(address)
    yield listener
    listener._socket.close()


def _server(*directives: str) -> Server:
    return Server(holdfast_binary(), ["--threads", "2", "--enable-debug-command", "yes", *directives])


def _supervised(server: Server) -> bytes:
    with server.client() as client:
        info = client.must("INFO", "server").value
    return next(line for line in info.splitlines() if line.startswith(b"process_supervised:"))


@pytest.mark.parametrize("how", ["systemd", "auto"])
def test_systemd_is_told_of_start_and_end(systemd, how):
    with _server("--supervised", how, "--daemonize", "yes") as server:  # which is ignored under a supervisor
        until(lambda: "READY=1\n" in systemd.said())
        said = systemd.said()
        assert said.index("STATUS=Redis is loading...\n") < said.index("STATUS=Ready to accept connections\n") < said.index("READY=1")
        assert _supervised(server) == b"process_supervised:systemd"
        assert "Supervised by systemd. Please make sure" in server.log()
        assert ("Systemd supervision detected." in server.log()) == (how == "auto")
        with server.client() as client:
            client.must("SET", "k", "v")
            client.must("CONFIG", "SET", "save", "3600 1")
        assert server.stop() == 0
    after = systemd.said()[len(said):]
    assert after.index("STOPPING=1|") < after.index("STATUS=Saving the final RDB snapshot\n")


def test_nobody_is_told_unless_it_is_configured(systemd):
    with _server("--supervised", "no") as server:
        assert _supervised(server) == b"process_supervised:no"
    assert systemd.said() == ""


def test_a_supervisor_that_is_not_there_is_missed(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("UPSTART_JOB", raising=False)
    for how, line in (
        ("systemd", "systemd supervision error: NOTIFY_SOCKET not found!"),
        ("upstart", "upstart supervision requested, but UPSTART_JOB not found!"),
    ):
        with _server("--supervised", how) as server:
            assert _supervised(server) == b"process_supervised:no"
            assert line in server.log()


def test_a_long_load_asks_for_time(systemd, tmp_path):
    # An AOF whose commands take their time.
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
    (folder / "appendonly.aof.1.incr.aof").write_bytes(b"*3\r\n$5\r\nDEBUG\r\n$5\r\nSLEEP\r\n$1\r\n1\r\n")
    with Server(holdfast_binary(), ["--appendonly", "yes", "--supervised", "systemd"], directory=tmp_path):
        until(lambda: "READY=1\n" in systemd.said())
    assert "EXTEND_TIMEOUT_USEC=60000000\nSTATUS=Redis is loading... " in systemd.said().split("READY=1")[0]


def test_a_replica_says_what_it_waits_for(systemd):
    with Server(holdfast_binary(), ["--save", ""]) as primary:
        with _server("--supervised", "systemd", "--replicaof", f"127.0.0.1 {primary.port}"):
            until(lambda: "STATUS=MASTER <-> REPLICA sync: Finished with success. Ready" in systemd.said())
            assert "READY=1\n" in systemd.said()


def test_upstart_is_answered_by_stopping(monkeypatch, tmp_path):
    monkeypatch.setenv("UPSTART_JOB", "holdfast")
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    process = subprocess.Popen([holdfast_binary(), "--port", "0", "--unixsocket", str(tmp_path / "s"), "--supervised", "auto",
                                "--dir", str(tmp_path), "--save", ""], stdout=subprocess.PIPE)
    try:
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
    finally:
        process.kill()
        assert b"supervised by upstart, will stop to signal readiness." in process.communicate()[0]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_the_unit_is_sound(tmp_path):
    # The program is not installed where the unit expects it.
    unit = tmp_path / "holdfast.service"
    unit.write_text(_UNIT.read_text().replace("/usr/bin/holdfast-server", "/bin/true"))
    run = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and not [line for line in run.stderr.splitlines() if "holdfast.service" in line], run.stderr
