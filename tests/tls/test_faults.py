"""What goes wrong on a TLS port stays with who caused it."""

import os
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from harness import ConnectionClosed
from tls.actors import TlsClient, client_context

ALERT = 21  # type of the only kind of record that a server may send to who does not speak TLS


def read_to_end(raw: socket.socket) -> bytes:
    received = b""
    try:
        while data := raw.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return received


def client_hello(certificates) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = client_context(certificates).wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    "garbage",
    [b"PING\r\n", b"*1\r\n$4\r\nPING\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 3000, b"\x16\x03\x01\xff\xff" + b"x" * 5000,
     b"\x16\x03\x01\x00\x04\x01\x00\xff\xff", b"\x17\x03\x03\x00\x20" + b"y" * 32],
    ids=["inline", "resp", "http", "zeros", "long-record", "short-hello", "data"],
)  # fmt: skip
def test_garbage_is_not_answered_in_plain(server, garbage):
    with server.client() as steady:
        with server.raw() as raw:
            raw.sendall(garbage)
            try:
                raw.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has been closed already
            answer = read_to_end(raw)
        assert answer == b"" or answer[0] == ALERT
        server.wait_for_log("Error accepting a client connection: error:0A")
        assert steady.command("PING").value == b"PONG"
    server.wait_for_clients(0)


def test_the_reason_of_plain_text_is_in_the_log(server):
    with server.raw() as raw:
        raw.sendall(b"PING\r\n")
        read_to_end(raw)
    server.wait_for_log("Error accepting a client connection: error:0A00010B:SSL routines::wrong version number")


def test_no_plain_bytes_when_there_are_too_many_clients(server):
    with server.plain() as plain, server.client() as first:
        assert first.command("PING").value == b"PONG"
        assert plain.command("CONFIG", "SET", "maxclients", 2).value == b"OK"
        with server.raw() as raw:
            assert read_to_end(raw) == b""
        assert plain.command("INFO", "stats").value.decode().split("rejected_connections:")[1].split()[0] == "1"


@pytest.mark.parametrize("part", [1, 5, 40, -1])
def test_a_handshake_that_ends_in_the_middle(server, part):
    hello = client_hello(server.certificates)
    for _ in range(20):
        with server.raw() as raw:
            raw.sendall(hello[:part])
    with server.client() as client:
        assert client.command("PING").value == b"PONG"
    server.wait_for_clients(0)


def test_a_reset_in_the_middle(server):
    hello = client_hello(server.certificates)
    for _ in range(20):
        raw = server.raw()
        raw.sendall(hello)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()
    with server.client() as client:
        assert client.command("PING").value == b"PONG"
    server.wait_for_clients(0)


def test_d76_who_does_not_finish_the_handshake_is_closed(holdfast):
    """Silent, or stuck in the middle: both are gone after ten seconds, without a client timeout."""
    hello = client_hello(holdfast.certificates)
    with holdfast.client() as steady, holdfast.raw() as silent, holdfast.raw() as stuck:
        stuck.sendall(hello)
        for raw in (silent, stuck):
            raw.settimeout(60)
        assert read_to_end(silent) == b""
        assert read_to_end(stuck) != b"", "it has been answered"
        assert steady.command("PING").value == b"PONG"
    holdfast.wait_for_clients(0)


def test_a_broken_record_ends_the_connection(server):
    with server.client() as client:
        assert client.command("PING").value == b"PONG"
        raw = socket.socket(fileno=os.dup(client.fileno()))
        with raw:
            raw.sendall(b"\x17\x03\x03\x00\x40" + b"z" * 64)
        with pytest.raises(ConnectionClosed):
            client.command("PING")
    server.wait_for_clients(0)


def test_a_connection_that_ends_without_the_end_of_the_stream(server):
    server.ask("CONFIG", "SET", "loglevel", "verbose")
    with server.client() as client:
        client.command("PING")
    server.wait_for_log("Reading from client: error:0A000126:SSL routines::unexpected eof while reading")
    server.wait_for_clients(0)


def test_no_renegotiation(server):
    path = server.certificates.path
    process = subprocess.Popen(
        ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{server.tls_port}", "-cert", path("client.crt"), "-key",
         path("client.key"), "-CAfile", path("ca.crt")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        process.stdin.write(b"R\n")  # asks for it
        process.stdin.flush()
        text = process.communicate(timeout=30)[0]
    finally:
        process.kill()
        process.wait()
    assert b"no renegotiation" in text
    with server.client() as client:
        assert client.command("PING").value == b"PONG"
    server.wait_for_clients(0)


def test_an_expired_certificate_of_the_server_is_seen_by_clients(server):
    path = server.certificates.path
    assert server.ask("CONFIG", "SET", "tls-cert-file", path("expired.crt"), "tls-key-file", path("expired.key")).value == b"OK"
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        server.client()


def test_a_client_that_trusts_somebody_else(server):
    context = client_context(server.certificates, "client", trusts="other-ca")
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsClient(server.tls_port, context)
    server.wait_for_log("Error accepting a client connection: ")  # unknown ca, or a connection that was reset


def test_a_hundred_handshakes_at_once_while_clients_work(server):
    stop, failures, rounds = threading.Event(), [], []

    def work():
        with server.client() as client:
            done = 0
            while not stop.is_set():
                if client.command("INCR", "n").is_error():
                    failures.append("INCR")
                done += 1
            rounds.append(done)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    context = client_context(server.certificates)

    def come():
        try:
            with TlsClient(server.tls_port, context, timeout_s=60) as client:
                if client.command("PING").value != b"PONG":
                    failures.append("PING")
        except OSError as error:
            failures.append(error)

    comers = [threading.Thread(target=come) for _ in range(100)]
    for comer in comers:
        comer.start()
    for comer in comers:
        comer.join()
    stop.set()
    for worker in workers:
        worker.join()
    assert not failures
    assert int(server.ask("GET", "n").value) == sum(rounds) > 0


def test_what_connections_cost_is_given_back(holdfast):
    """Many connections that have moved much data hold little when they are idle, and nothing when they are gone."""

    def resident() -> int:
        with open(f"/proc/{holdfast.server.pid}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    holdfast.ask("SET", "big", b"x" * 300_000)
    with holdfast.client() as warm:
        warm.command("GET", "big")
    before = resident()
    clients = [holdfast.client() for _ in range(200)]
    for client in clients:
        assert len(client.command("GET", "big").value) == 300_000
    grown = resident() - before
    for client in clients:
        client.close()
    assert grown < 200 * 100_000
    holdfast.wait_for_clients(0)
