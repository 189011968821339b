"""Whom `tls-auth-clients` lets in."""

import ssl

import pytest

from harness import ConnectionClosed
from tls.actors import TlsClient, client_context


def talks(server, name, version="TLSv1_3") -> bool:
    """Whether a client with this certificate gets an answer. With TLS 1.3 it learns of a refusal only when it reads."""
    context = client_context(server.certificates, name)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    try:
        with TlsClient(server.tls_port, context) as client:
            return client.command("PING").value == b"PONG"
    except (ssl.SSLError, ConnectionClosed, ConnectionResetError):
        return False


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize(
    "mode, let_in",
    [
        ("yes", {"client": True, None: False, "stranger": False, "expired": False}),
        ("optional", {"client": True, None: True, "stranger": False, "expired": False}),
        ("no", {"client": True, None: True, "stranger": True, "expired": True}),
    ],
)
def test_who_is_let_in(server, mode, let_in, version):
    server.ask("CONFIG", "SET", "tls-auth-clients", mode)
    assert {name: talks(server, name, version) for name in let_in} == let_in


def test_the_log_says_why(server):
    assert not talks(server, None)
    server.wait_for_log("Error accepting a client connection: error:0A0000C7:SSL routines::peer did not return a certificate")
    assert not talks(server, "stranger")
    server.wait_for_log("Error accepting a client connection: error:0A000086:SSL routines::certificate verify failed")


def test_a_session_is_not_resumed_past_a_new_authority(server):
    """A reload forgets the sessions: who was trusted by the old files is looked at anew."""
    context = client_context(server.certificates)
    with TlsClient(server.tls_port, context) as client:
        client.command("PING")
        session = client.tls.session
    assert server.ask("CONFIG", "SET", "tls-ca-cert-file", server.certificates.path("other-ca.crt")).value == b"OK"
    with pytest.raises((ssl.SSLError, ConnectionClosed, ConnectionResetError)):
        with TlsClient(server.tls_port, context, session=session) as client:
            client.command("PING")
    assert talks(server, "stranger") and not talks(server, "client")


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_a_session_is_not_resumed_past_a_stricter_rule(holdfast, version):
    """Who was let in without a certificate has to show one when that is asked for."""
    assert holdfast.ask("CONFIG", "SET", "tls-auth-clients", "no").value == b"OK"
    context = client_context(holdfast.certificates, None)
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with TlsClient(holdfast.tls_port, context) as client:
        client.command("PING")
        session = client.tls.session
    with TlsClient(holdfast.tls_port, context, session=session) as client:
        assert client.command("PING").value == b"PONG" and client.tls.session_reused
    assert holdfast.ask("CONFIG", "SET", "tls-auth-clients", "yes").value == b"OK"
    with pytest.raises((ssl.SSLError, ConnectionClosed, ConnectionResetError)):
        with TlsClient(holdfast.tls_port, context, session=session) as client:
            client.command("PING")
