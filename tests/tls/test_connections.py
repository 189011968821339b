"""Clients over TLS get what clients without it get."""

import json
import os
import socket
import ssl
import subprocess

import pytest
import redis

from harness import ConnectionClosed, ReplyTimeout
from tls.actors import TlsClient, TlsServer, client_context


def test_commands_and_pipelines(server):
    with server.client() as client, server.plain() as plain:
        assert client.command("SET", "k", "v").value == b"OK"
        assert plain.command("GET", "k").value == b"v"
        replies = client.pipeline([("INCR", "n")] * 5000)
        assert [reply.value for reply in replies] == list(range(1, 5001))


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 100_000, 5_000_000])
def test_values_of_any_size_pass_both_ways(server, size):
    value = os.urandom(size)
    with server.client() as client:
        assert client.command("SET", "big", value).value == b"OK"
        assert client.command("GET", "big").value == value
        assert [reply.value for reply in client.pipeline([("GET", "big")] * 3)] == [value] * 3


def test_commands_cut_into_small_records(server):
    """Each byte comes in a record of its own, and many records in one read."""
    with server.client() as client:
        for byte in b"*2\r\n$4\r\nECHO\r\n$5\r\nhello\r\n" * 20:
            client.tls.send(bytes([byte]))
        assert [client.read_reply().value for _ in range(20)] == [b"hello"] * 20


def test_a_full_record_and_a_bit_in_one_read(server):
    """What TLS has read already and the socket does not show any more is executed all the same."""
    command = b"*2\r\n$4\r\nECHO\r\n$100\r\n" + b"x" * 100 + b"\r\n"
    with server.client() as client:
        for count in (1, 135, 136, 137, 400):
            client.send_raw(command * count)
            assert [len(client.read_reply().value) for _ in range(count)] == [100] * count


def test_a_slow_reader_gets_everything(server):
    value = os.urandom(200_000)
    server.ask("SET", "big", value)
    with server.client(timeout_s=30) as client:
        client.send_raw(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n" * 100)
        with server.plain() as other:  # others are served while it does not read
            assert other.command("PING").value == b"PONG"
        for _ in range(100):
            assert client.read_reply().value == value


def test_a_client_that_never_reads_is_closed_at_its_limit(server):
    server.ask("CONFIG", "SET", "client-output-buffer-limit", "normal 100kb 0 0")
    server.ask("SET", "big", os.urandom(1_000_000))
    with server.client() as client:
        try:
            client.send_raw(b"*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n" * 100)
        except (ConnectionClosed, ReplyTimeout):
            pass
        server.wait_for_log("output buffer limits")
        server.wait_for_clients(0)


def test_blocking_and_messages(server):
    with server.client() as waiting, server.client() as listening, server.plain() as plain:
        waiting.send("BLPOP", "list", 0)
        assert listening.command("SUBSCRIBE", "news").value[0].value == b"subscribe"
        while plain.command("RPUSH", "list", "x") and plain.command("LLEN", "list").value:
            pass
        assert waiting.read_reply().value[1].value == b"x"
        assert plain.command("PUBLISH", "news", "hello").value == 1
        assert listening.read_reply().value[2].value == b"hello"


def test_client_list_shows_the_tls_address(server):
    with server.client() as client:
        line = client.command("CLIENT", "INFO").value.decode()
        assert f"laddr=127.0.0.1:{server.tls_port} " in line
        assert f"addr=127.0.0.1:{client.tls.getsockname()[1]} " in line
        assert server.ask("CLIENT", "KILL", "LADDR", f"127.0.0.1:{server.tls_port}").value == 1
        assert client.wait_closed()


def test_d77_replies_precede_the_end_of_a_client_that_has_said_all(holdfast):
    """close_notify ends one direction only."""
    with holdfast.raw() as raw:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = client_context(holdfast.certificates).wrap_bio(incoming, outgoing)

        def step(action):
            while True:
                try:
                    result = action()
                    raw.sendall(outgoing.read())
                    return result
                except ssl.SSLWantReadError:
                    raw.sendall(outgoing.read())
                    data = raw.recv(65536)
                    incoming.write(data) if data else incoming.write_eof()

        step(session.do_handshake)
        session.write(b"PING\r\nECHO last\r\n")
        with pytest.raises(ssl.SSLWantReadError):
            session.unwrap()  # writes close_notify, and would wait for the answer
        raw.sendall(outgoing.read())
        received = b""
        while not received.endswith(b"last\r\n"):
            received += step(lambda: session.read(1000))
        assert received == b"+PONG\r\n$4\r\nlast\r\n"
        with pytest.raises(ssl.SSLZeroReturnError):  # the server says good-bye, too
            step(lambda: session.read(1000))


def test_the_server_ends_the_stream_before_the_connection(server):
    with server.client() as client:
        assert client.command("QUIT").value == b"OK"
        assert client.tls.recv(100) == b""  # raises when close_notify is missing


def test_tls_only(certificates, kind):
    with TlsServer(kind, certificates) as server:
        with server.client() as client:
            plain_port = server.port
            assert client.command("CONFIG", "SET", "port", 0).value == b"OK"
            with pytest.raises(OSError):
                while True:
                    socket.create_connection(("127.0.0.1", plain_port), timeout=5).close()
            assert f"tcp_port:{server.tls_port}\r\n" in client.command("INFO", "server").value.decode()
            assert client.command("CONFIG", "SET", "port", plain_port).value == b"OK"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_protocol_versions(server, version):
    context = client_context(server.certificates)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with TlsClient(server.tls_port, context) as client:
        assert client.tls.version() == version.replace("_", ".")
        assert client.command("PING").value == b"PONG"


def test_only_the_named_protocols(server):
    context = client_context(server.certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert server.ask("CONFIG", "SET", "tls-protocols", "TLSv1.3").value == b"OK"
    with pytest.raises(ssl.SSLError):
        TlsClient(server.tls_port, context)
    server.wait_for_log("unsupported protocol")


def test_the_named_ciphers(server):
    assert server.ask("CONFIG", "SET", "tls-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384",
                      "tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256").value == b"OK"  # fmt: skip
    with server.client() as client:
        assert client.tls.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"
    context = client_context(server.certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsClient(server.tls_port, context) as client:
        assert client.tls.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize("prefer", ["no", "yes"])
def test_whose_order_of_ciphers_counts(server, prefer):
    assert server.ask("CONFIG", "SET", "tls-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
                      "tls-prefer-server-ciphers", prefer).value == b"OK"  # fmt: skip
    context = client_context(server.certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")
    with TlsClient(server.tls_port, context) as client:
        assert client.tls.cipher()[0] == f"ECDHE-ECDSA-AES{256 if prefer == 'yes' else 128}-GCM-SHA{384 if prefer == 'yes' else 256}"


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed(server, version):
    context = client_context(server.certificates)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with TlsClient(server.tls_port, context) as client:
        client.command("PING")
        session = client.tls.session
        assert not client.tls.session_reused
    with TlsClient(server.tls_port, context, session=session) as client:
        assert client.command("PING").value == b"PONG"
        assert client.tls.session_reused


def test_no_session_is_resumed_without_caching(holdfast):
    assert holdfast.ask("CONFIG", "SET", "tls-session-caching", "no").value == b"OK"
    context = client_context(holdfast.certificates)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with TlsClient(holdfast.tls_port, context) as client:
        session = client.tls.session
    with TlsClient(holdfast.tls_port, context, session=session) as client:
        assert client.command("PING").value == b"PONG"
        assert not client.tls.session_reused


def test_redis_cli_and_redis_py(server):
    path = server.certificates.path
    files = ["--cacert", path("ca.crt"), "--cert", path("client.crt"), "--key", path("client.key")]
    said = subprocess.run(["redis-cli", "--tls", "-p", str(server.tls_port), *files, "--no-raw", "ECHO", "hi"],
                          capture_output=True, text=True, timeout=30)  # fmt: skip
    assert said.stdout.strip() == '"hi"', said
    with redis.Redis(port=server.tls_port, ssl=True, ssl_ca_certs=path("ca.crt"), ssl_certfile=path("client.crt"),
                     ssl_keyfile=path("client.key"), ssl_check_hostname=False, socket_timeout=20) as client:  # fmt: skip
        document = json.dumps(list(range(20_000)))
        pipe = client.pipeline(transaction=True)
        pipe.set("document", document).get("document").hset("h", mapping={"a": 1, "b": 2})
        assert pipe.execute() == [True, document.encode(), 2]
        assert client.ping()
