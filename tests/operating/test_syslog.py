"""What goes to syslog, beside the reference. There need be no daemon: the server runs in a mount namespace of its own, whose
/dev has a socket of the test under the name `log`."""

import os
import pathlib
import re
import socket
import subprocess
import threading

import pytest

from harness.server import Server, holdfast_binary, reference_binary
from harness.waiting import until

_LOCAL3 = 19
_INFO, _NOTICE, _WARNING = 6, 5, 4
# /dev of the namespace: what a process needs, and the socket.
_START = """\
#!/bin/sh
set -e
mount -t tmpfs none "$TEST_DEV"
for name in null zero full random urandom; do : > "$TEST_DEV/$name"; mount --bind "/dev/$name" "$TEST_DEV/$name"; done
ln -s /proc/self/fd "$TEST_DEV/fd"
: > "$TEST_DEV/log"
mount --bind "$TEST_SOCKET" "$TEST_DEV/log"
mount --rbind "$TEST_DEV" /dev
exec "$@"
"""


class _Syslog:
    """A server whose syslog is read here. Its process is the one that the harness knows."""

    def __init__(self, binary: str, directory: pathlib.Path, *directives: str) -> None:
        self.received: list[str] = []
        self._over = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(directory / "log"))
        os.chmod(directory / "log", 0o666)
        (directory / "dev").mkdir()
        inside, start = directory / "inside", directory / "start"
        inside.write_text(_START)
        inside.chmod(0o755)
        namespaces = "--mount" if os.geteuid() == 0 else "--mount --map-root-user"
        start.write_text(
            f'#!/bin/sh\nexport TEST_DEV="{directory}/dev" TEST_SOCKET="{directory}/log"\n'
            f'exec unshare {namespaces} --propagation private "{inside}" "{binary}" "$@"\n'
        )
        start.chmod(0o755)
        self.server = Server(str(start), ["--save", "", *directives], directory=directory)

    def __enter__(self) -> "_Syslog":
        # The kernel keeps a few messages only, and who logs waits for room.
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()
        self._stop_reading()
        self._socket.close()

    def _read(self) -> None:
        self._socket.settimeout(0.05)
        while True:
            try:
                self.received.append(self._socket.recv(65536).decode(errors="replace"))
            except TimeoutError:
                if self._over:
                    return

    def _stop_reading(self) -> None:
        self._over = True
        self._reader.join()

    def until(self, text: str) -> list[str]:
        """All that has come, when a message with this text has."""
        until(lambda: any(text in message for message in self.received))
        return list(self.received)

    def all(self) -> list[str]:
        """When the server has ended."""
        self._stop_reading()
        return self.received


@pytest.fixture(params=[holdfast_binary(), reference_binary()], ids=["holdfast", "reference"])
def binary(request):
    return request.param


def _parts(messages: list[str]) -> list[tuple[int, int, str, int, str]]:
    """Facility, severity, identity, process, text of each. What the reference says before it knows its identity is left out: it
    has no process."""
    found = [re.fullmatch(r"<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d ([^\[]+?)(\[\d+\])?: (.*)", text.rstrip("\n\0"), re.DOTALL)
             for text in messages]  # fmt: skip
    assert all(found), messages
    return [(int(one[1]) >> 3, int(one[1]) & 7, one[2], int(one[3][1:-1]), one[4]) for one in found if one[3]]


def test_a_namespace_can_be_made():
    """Without it the tests below would fail one by one, and say less."""
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--mount", "--map-root-user"]
    done = subprocess.run(["unshare", *namespaces, "true"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_identity_facility_and_severity(binary, tmp_path):
    directives = ["--syslog-enabled", "yes", "--syslog-ident", "my-store", "--syslog-facility", "local3", "--loglevel", "verbose"]
    with _Syslog(binary, tmp_path, *directives) as syslog:
        syslog.until("Ready to accept connections")
        with syslog.server.client() as client:
            client.must("PING")
        syslog.until("Accepted 127.0.0.1:")
        syslog.server.stop()
        said = _parts(syslog.until("now ready to exit, bye bye..."))
        assert {process for *_, process, _ in said} == {syslog.server.pid}
    assert {(facility, ident) for facility, _, ident, _, _ in said} == {(_LOCAL3, "my-store")}
    severity = {text: severity for _, severity, _, _, text in said}

    def severity_of(start: str) -> set[int]:
        return {number for text, number in severity.items() if text.startswith(start)}

    assert severity_of("Ready to accept connections") == {_NOTICE}
    assert severity_of("Accepted 127.0.0.1:") == {_INFO}
    assert {number for text, number in severity.items() if "now ready to exit" in text} == {_WARNING}
    # The same goes to the log, with the time and a mark in front; no line of it has a second one inside.
    log = syslog.server.log()
    assert all(text in log for text in severity)


def test_the_level_holds_for_syslog_too(binary, tmp_path):
    directives = ["--syslog-enabled", "yes", "--loglevel", "warning"]
    with _Syslog(binary, tmp_path, *directives) as syslog:
        with syslog.server.client() as client:
            client.must("PING")
        syslog.server.stop()
        said = _parts(syslog.until("now ready to exit"))
    assert {(facility, ident) for facility, _, ident, _, _ in said} == {(16, "redis")}
    assert {severity for _, severity, *_ in said} == {_WARNING}
    assert not any("Ready to accept" in text for *_, text in said)


def test_without_it_nothing_is_said(binary, tmp_path):
    with _Syslog(binary, tmp_path) as syslog:
        with syslog.server.client() as client:
            client.must("PING")
        syslog.server.stop()
        assert not syslog.all()
