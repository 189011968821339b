"""A server that is full has room for its operator."""

import socket

import pytest

from harness.server import Server, holdfast_binary, reference_binary
from harness.waiting import until

_REFUSED = b"-ERR max number of clients reached\r\n"
_LIMIT = 5


def _tcp(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def _unix(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(path)
    return connection


def _answer(connection: socket.socket) -> bytes:
    """What comes back for a PING; all that comes when it is refused."""
    try:
        connection.sendall(b"PING\r\n")
    except OSError:
        pass  # it is closed already
    text = b""
    while not text.endswith(b"\r\n"):
        try:
            part = connection.recv(1024)
        except ConnectionResetError:
            break
        if not part:
            break
        text += part
    return text


def _fill(server: Server) -> list[socket.socket]:
    """As many connections as maxclients lets in, and no more. Closed ones may count for a moment."""
    connections = []

    def full() -> bool:
        connection = _tcp(server)
        if _answer(connection) == _REFUSED:
            connection.close()
            return len(connections) == _LIMIT
        connections.append(connection)
        return False

    until(full)
    return connections


@pytest.fixture
def start(tmp_path):
    servers = []

    def start(binary: str, *directives: str) -> tuple[Server, str]:
        path = str(tmp_path / f"{len(servers)}.sock")
        servers.append(Server(binary, ["--save", "", "--maxclients", str(_LIMIT), "--unixsocket", path, *directives]))
        return servers[-1].start(), path

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("binary, directives", [
    (reference_binary(), ()), (holdfast_binary(), ("--maxclients-reserved", "0", "--threads", "2"))], ids=["reference", "holdfast"])
def test_without_a_reserve_everybody_is_refused(start, binary, directives):
    server, path = start(binary, *directives)
    connections = _fill(server)
    assert _answer(_tcp(server)) == _REFUSED
    assert _answer(_unix(path)) == _REFUSED
    connections[0].sendall(b"INFO stats\r\n")
    assert b"rejected_connections:" in connections[0].recv(65536)


def test_the_unix_socket_has_a_reserve(start):
    server, path = start(holdfast_binary(), "--maxclients-reserved", "2", "--threads", "2")
    connections = _fill(server)
    operators = [_unix(path), _unix(path)]
    for operator in operators:
        assert _answer(operator) == b"+PONG\r\n"
    # The reserve has an end, and it is not for others.
    assert _answer(_unix(path)) == _REFUSED
    assert _answer(_tcp(server)) == _REFUSED
    operators[0].sendall(b"CLIENT KILL TYPE normal SKIPME yes\r\n")
    assert operators[0].recv(1024) == b":%d\r\n" % (_LIMIT + 1)
    until(lambda: _answer(_tcp(server)) == b"+PONG\r\n")
    assert connections


def test_the_loopback_interface_may_have_it_too(start):
    server, path = start(holdfast_binary(), "--maxclients-reserved", "1", "--maxclients-reserved-for", "loopback")
    connections = []
    until(lambda: connections.append(_tcp(server)) or _answer(connections[-1]) == _REFUSED)
    assert len(connections) - 1 == _LIMIT + 1
    assert _answer(_unix(path)) == _REFUSED


def test_the_reserve_changes_at_run_time(start):
    server, path = start(holdfast_binary(), "--maxclients-reserved", "0")
    connections = _fill(server)
    assert _answer(_unix(path)) == _REFUSED
    connections[0].sendall(b"CONFIG SET maxclients-reserved 1\r\n")
    assert connections[0].recv(1024) == b"+OK\r\n"
    assert _answer(_unix(path)) == b"+PONG\r\n"
