"""What TLS takes of memory is told by CLIENT LIST, INFO and MEMORY STATS, and counts for maxmemory-clients."""

import contextlib
import pathlib
import re

from harness.waiting import until
from tls.actors import client_context, TlsClient, TlsServer

_CONNECTIONS = 200


def _memory_of(server, client) -> int:
    number = client.command("CLIENT", "ID").value
    line = server.ask("CLIENT", "LIST", "ID", number).value.decode()
    return int(re.search(r"tot-mem=(\d+)", line).group(1))


def _field(server, name) -> int:
    return int(re.search(rf"(?m)^{name}:(\d+)", server.ask("INFO", "memory").value.decode()).group(1))


def _resident(server) -> int:
    status = pathlib.Path(f"/proc/{server.server.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) * 1024


def test_a_connection_is_told_with_what_tls_takes(holdfast):
    with holdfast.client() as client, holdfast.plain() as plain:
        for one in (client, plain):
            one.command("PING")
        assert _memory_of(holdfast, client) > _memory_of(holdfast, plain) + 2000


def test_all_of_it_is_used_memory(holdfast):
    """Many connections that do nothing: the sum is near to what the process has grown by."""
    context = client_context(holdfast.certificates)
    with contextlib.ExitStack() as stack:
        def connect(count):
            for _ in range(count):
                stack.enter_context(TlsClient(holdfast.tls_port, context)).command("PING")

        connect(20)  # what is taken once
        used, clients, resident = _field(holdfast, "used_memory"), _field(holdfast, "mem_clients_normal"), _resident(holdfast)
        connect(_CONNECTIONS)
        grown = _field(holdfast, "mem_clients_normal") - clients
        assert grown > _CONNECTIONS * 2000
        assert _field(holdfast, "used_memory") - used >= grown
        # The rest is the table of connections, memory of the allocator that has holes, and what is not per connection.
        assert 0.4 < grown / (_resident(holdfast) - resident) < 1.5
    until(lambda: _field(holdfast, "mem_clients_normal") < clients)


def test_half_a_record_counts_while_the_rest_is_missing(holdfast):
    """The record is caught between two ends of a client that writes to memory."""
    import ssl

    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client_context(holdfast.certificates).wrap_bio(incoming, outgoing)
    with holdfast.raw() as socket:
        def talk(what):
            while True:
                try:
                    return what()
                except ssl.SSLWantReadError:
                    socket.sendall(outgoing.read())
                    incoming.write(socket.recv(1 << 16))
                finally:
                    if outgoing.pending:
                        socket.sendall(outgoing.read())

        talk(session.do_handshake)
        session.write(b"CLIENT ID\r\n")
        number = int(talk(lambda: session.read(100))[1:])

        def memory():
            line = holdfast.ask("CLIENT", "LIST", "ID", number).value.decode()
            return int(re.search(r"tot-mem=(\d+)", line).group(1))

        idle = memory()
        session.write(b"ECHO " + b"x" * 10_000 + b"\r\n")
        record = outgoing.read()
        socket.sendall(record[:5000])
        until(lambda: memory() > idle + 16_000)
        socket.sendall(record[5000:])
        until(lambda: memory() < idle + 16_000)


def test_it_counts_for_the_limit_of_all_connections(certificates):
    """Connections that are let in without TLS are too many with it."""
    limit = 40_000
    with TlsServer("holdfast", certificates, [("maxmemory-clients", str(limit))]) as server:
        context = client_context(certificates)
        with contextlib.ExitStack() as stack:
            plain = [stack.enter_context(server.plain()) for _ in range(5)]
            for client in plain:
                assert client.command("PING").value == b"PONG"
            assert "evicted_clients:0\r" in plain[0].command("INFO", "stats").value.decode()
            for _ in range(20):
                stack.enter_context(TlsClient(server.tls_port, context))
            until(lambda: "evicted_clients:0\r" not in server.ask("INFO", "stats").value.decode())
