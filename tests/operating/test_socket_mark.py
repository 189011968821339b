"""socket-mark-id, beside the reference: listening sockets and what comes through them bear the mark."""

import ctypes
import os
import pathlib
import socket

import pytest

from harness.server import Server, holdfast_binary, reference_binary

_MARK = 0x4D
_SO_MARK = 36
_PIDFD_OPEN, _PIDFD_GETFD = 434, 438
_NET_ADMIN = 12


@pytest.fixture(params=[holdfast_binary(), reference_binary()], ids=["holdfast", "reference"])
def binary(request):
    return request.param


def _may_mark() -> bool:
    status = pathlib.Path("/proc/self/status").read_text()
    return bool(int(status.split("CapEff:")[1].split()[0], 16) >> _NET_ADMIN & 1)


def _sockets(server: Server) -> list[socket.socket]:
    """Copies of the server's TCP sockets."""
    libc = ctypes.CDLL(None, use_errno=True)
    process = libc.syscall(_PIDFD_OPEN, server.pid, 0)
    assert process >= 0, os.strerror(ctypes.get_errno())
    found = []
    try:
        for entry in pathlib.Path(f"/proc/{server.pid}/fd").iterdir():
            if not os.readlink(entry).startswith("socket:"):
                continue
            copy = libc.syscall(_PIDFD_GETFD, process, int(entry.name), 0)
            assert copy >= 0, os.strerror(ctypes.get_errno())
            one = socket.socket(fileno=copy)
            found.append(one) if one.family == socket.AF_INET else one.close()
    finally:
        os.close(process)
    return found


def _marks(server: Server) -> dict[str, set[int]]:
    marks: dict[str, set[int]] = {"listening": set(), "connected": set()}
    for one in _sockets(server):
        with one:
            listens = one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
            marks["listening" if listens else "connected"].add(one.getsockopt(socket.SOL_SOCKET, _SO_MARK))
    return marks


@pytest.mark.parametrize("mark", [0, _MARK])
def test_sockets_bear_the_mark(binary, mark):
    if mark != 0 and not _may_mark():
        return _assert_unmarked(binary)
    with Server(binary, ["--save", "", "--socket-mark-id", str(mark)]) as server, server.client() as client:
        client.must("PING")
        assert _marks(server) == {"listening": {mark}, "connected": {mark}}


def test_who_may_not_mark_starts_all_the_same(binary):
    _assert_unmarked(binary)


def _assert_unmarked(binary):
    """Without the right to do so sockets bear none."""
    words = ["setpriv", "--bounding-set", "-net_admin,-net_raw"] if _may_mark() else []
    server = Server(binary, ["--save", "", "--socket-mark-id", str(_MARK)])
    start = server.directory / "start"
    start.write_text("#!/bin/sh\nexec " + " ".join(words) + f' "{binary}" "$@"\n')
    start.chmod(0o755)
    server.binary = str(start)
    with server, server.client() as client:
        client.must("PING")
        # The reference says nothing.
        assert binary == reference_binary() or "Unable to set the mark of a socket: Operation not permitted" in server.log()
        assert _marks(server)["listening"] == {0}
