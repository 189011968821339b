"""A disk whose fsync does not come back: clients that do not depend on it are served, those that do wait, and HEALTH is red
until it answers. The server runs with a library before the C library that holds `fdatasync` as long as a file is there."""

import os
import pathlib
import subprocess

import pytest

from crash.reference import NO_SAVE
from harness import CheckedServer, Client
from harness.waiting import until

_SOURCE = r"""
#include <sys/syscall.h>
#include <unistd.h>
#include <stdlib.h>
extern "C" int fdatasync(int file) {
  char const* stuck = getenv("HOLDFAST_TEST_STUCK");
  while (stuck && access(stuck, F_OK) == 0) usleep(1000);
  return static_cast<int>(syscall(SYS_fdatasync, file));
}
"""
KEYS = 40
# Nothing may come while the disk is stuck, however long one waits.
_SILENCE_S = 0.3


class Disk:
    def __init__(self, file: pathlib.Path) -> None:
        self._file = file

    def hold(self) -> None:
        self._file.touch()

    def release(self) -> None:
        self._file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("library")
    (folder / "stuck.cc").write_text(_SOURCE)
    compiler = os.environ.get("CXX", "c++")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", folder / "stuck.so", folder / "stuck.cc"], check=True)
    return folder / "stuck.so"


@pytest.fixture
def disk(library, tmp_path, monkeypatch):
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("HOLDFAST_TEST_STUCK", str(tmp_path / "stuck"))
    made = Disk(tmp_path / "stuck")
    yield made
    made.release()


def _server(policy: str) -> CheckedServer:
    words = ["--appendonly", "yes", "--appendfsync", policy, "--threads", "2", "--health-fsync-lag-max", "1"]
    return CheckedServer([*NO_SAVE, *words])


def _health(client: Client) -> bytes:
    words = client.must("HEALTH").value
    return dict(zip([word.value for word in words[::2]], [word.value for word in words[1::2]]))[b"status"]


def _is_silent(client: Client) -> bool:
    return client.poll_raw(_SILENCE_S) == (b"", False)


def test_always_waits_where_it_must_and_nowhere_else(disk):
    with _server("always") as server, server.client() as client, server.client() as writer:
        for key in range(KEYS):
            client.must("SET", f"key:{key}", "old")
        disk.hold()
        try:
            writer.send("SET", "key:0", "new")
            assert _is_silent(writer)
            # It is there for whoever reads it, but nobody is told before it is safe.
            with server.client() as reader:
                reader.send("GET", "key:0")
                assert _is_silent(reader)
                # Both workers serve others; a key may happen to share the partition of the one that was written.
                others = [server.client() for _ in range(KEYS - 1)]
                for number, other in enumerate(others, start=1):
                    other.send("GET", f"key:{number}")
                assert sum(other.poll_raw(1.0)[0] == b"$3\r\nold\r\n" for other in others) > KEYS / 2
                until(lambda: _health(client) == b"red")
                assert _is_silent(writer) and _is_silent(reader)
                disk.release()
                assert writer.read_reply().value == b"OK"
                assert reader.read_reply().value == b"new"
                for other in others:
                    other.close()
            until(lambda: _health(client) == b"green")
        finally:
            disk.release()


def test_everysec_goes_on_and_says_what_is_at_risk(disk):
    with _server("everysec") as server, server.client() as client:
        client.must("SET", "key", "old")
        disk.hold()
        try:
            written = 0

            def is_red() -> bool:
                nonlocal written
                written += 1
                client.must("SET", "key", written)
                assert client.must("GET", "key").value == b"%d" % written
                return _health(client) == b"red"

            until(is_red)
        finally:
            disk.release()
        until(lambda: _health(client) == b"green")
        # A machine that crashes now loses nothing: WAITAOF has the last write on the disk.
        assert client.must("WAITAOF", 1, 0, 0).value[0].value == 1
    assert written > 1
