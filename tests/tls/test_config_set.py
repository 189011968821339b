"""CONFIG SET of `tls-*`: the reply, the values after it and the log, compared with the reference; and what it does."""

import socket

import pytest

from harness.server import free_port
from tls.actors import TlsClient, TlsServer, client_context
from tls.certificates import PASSPHRASE

# In one order, on one server each. {} is the folder of the certificates, {free} and {plain} are ports.
STEPS = [
    ["tls-cert-file", "{}/absent"],
    ["tls-cert-file", ""],
    ["tls-cert-file", "{}/client.crt"],
    ["tls-cert-file", "{}/client.crt", "tls-key-file", "{}/client.key"],
    ["tls-cert-file", "{}/server.crt", "tls-key-file", "{}/server.key"],
    ["tls-cert-file", "{}/server.crt"],
    ["tls-ca-cert-file", ""],
    ["tls-ca-cert-file", "{}/absent"],
    ["tls-protocols", "TLSv1.9"],
    ["tls-protocols", "TLSv1.2"],
    ["tls-protocols", ""],
    ["tls-ciphers", "x"],
    ["tls-ciphersuites", "x"],
    ["tls-dh-params-file", "{}/absent"],
    ["tls-dh-params-file", "{}/dh.pem"],
    ["tls-key-file-pass", "x"],
    ["tls-key-file", "{}/server-encrypted.key"],
    ["tls-key-file", "{}/server-encrypted.key", "tls-key-file-pass", PASSPHRASE],
    ["tls-key-file", "{}/server.key", "tls-key-file-pass", ""],
    ["tls-client-cert-file", "{}/absent"],
    ["tls-client-cert-file", "{}/client.crt"],
    ["tls-client-key-file", "{}/absent"],
    ["tls-client-key-file", "{}/client.key"],
    ["tls-client-cert-file", "", "tls-client-key-file", ""],
    ["tls-session-caching", "no"],
    ["tls-session-cache-size", "10"],
    ["tls-session-cache-timeout", "10"],
    ["tls-session-cache-timeout", "-1"],
    ["tls-session-caching", "yes"],
    ["tls-prefer-server-ciphers", "yes"],
    ["tls-auth-clients", "maybe"],
    ["tls-auth-clients", "optional"],
    ["tls-cluster", "yes"],
    ["tls-cluster", "no"],
    ["tls-replication", "yes"],
    ["tls-auth-clients", "no"],
    ["tls-ca-cert-file", ""],
    ["tls-replication", "no"],
    ["tls-ca-cert-file", ""],
    ["tls-auth-clients", "yes"],
    ["tls-replication", "yes"],
    ["tls-ca-cert-dir", "{}"],
    ["tls-ca-cert-file", "{}/ca.crt", "tls-ca-cert-dir", ""],
    ["tls-port", "{plain}"],
    ["port", "{tls}"],
    ["tls-port", "0"],
    ["tls-port", "{tls}", "tls-cert-file", "{}/server.crt"],
    ["tls-port", "70000"],
]


def run_steps(server: TlsServer, steps) -> list:
    """For each step the reply, the values, and what the log says; ports and folders are put back to their names."""
    folder = str(server.certificates.folder)

    def named(text):
        return text.replace(folder, "{}").replace(str(server.port), "{plain}").replace(str(server.tls_port), "{tls}")

    seen = []
    with server.plain() as client:
        position = len(server.server.log())
        for step in steps:
            words = [word.replace("{}", folder).replace("{plain}", str(server.port)).replace("{tls}", str(server.tls_port)) for word in step]
            reply = client.command("CONFIG", "SET", *words).value
            values = client.command("CONFIG", "GET", "tls-*", "port").value
            pairs = sorted((key.value if hasattr(key, "value") else key, value) for key, value in zip(values[::2], values[1::2]))
            log = server.server.log()
            lines = [line.split(" ", 5)[-1] for line in log[position:].splitlines() if line[:1].isdigit()]
            position = len(log)
            # The reference says more about the way back.
            lines = [named(line) for line in lines if not line.startswith("# Failed applying")]
            text = reply.decode() if isinstance(reply, bytes) else reply
            seen.append((step, named(text), [(key, named(value.value.decode())) for key, value in pairs], lines[:1]))
    return seen


def test_replies_values_and_reasons_are_those_of_the_reference(certificates):
    seen = []
    for kind in ("holdfast", "redis"):
        with TlsServer(kind, certificates) as server:
            seen.append(run_steps(server, STEPS))
    for ours, theirs in zip(*seen):
        assert ours == theirs
    assert len(seen[0]) == len(STEPS)


def test_nothing_is_read_while_nothing_uses_it(certificates):
    seen = []
    unused = [("tls-port", "0"), ("tls-cert-file", None), ("tls-key-file", None)]
    steps = [["tls-cert-file", "{}/absent"], ["tls-protocols", "x"], ["tls-replication", "yes"], ["tls-cluster", "yes"],
             ["tls-port", "{tls}"], ["tls-cert-file", "{}/server.crt", "tls-key-file", "{}/server.key", "tls-protocols", ""],
             ["tls-port", "{tls}"]]  # fmt: skip
    for kind in ("holdfast", "redis"):
        with TlsServer(kind, certificates, unused) as server:
            seen.append(run_steps(server, steps))
            with server.client() as client:
                assert client.command("PING").value == b"PONG"
    assert seen[0] == seen[1]


def test_the_port_moves(server):
    old_port, server.tls_port = server.tls_port, free_port()
    with TlsClient(old_port, client_context(server.certificates)) as old:
        assert server.ask("CONFIG", "SET", "tls-port", server.tls_port).value == b"OK"
        while True:
            try:
                with server.client() as new:
                    assert new.command("PING").value == b"PONG"
                    break
            except ConnectionRefusedError:
                pass
        assert old.command("PING").value == b"PONG", "connections outlive the port they came by"
        assert server.ask("CONFIG", "SET", "tls-port", 0).value == b"OK"
        assert old.command("PING").value == b"PONG"
    with pytest.raises(OSError):
        while True:
            server.raw().close()


def shown_by(server) -> bytes:
    """The certificate that a new client is shown."""
    with server.client() as client:
        assert client.command("PING").value == b"PONG"
        return client.tls.getpeercert(binary_form=True)


def test_renewed_files_are_used_after_a_set_of_the_same_name(server):
    path = server.certificates.path
    server.certificates.sign("renewed", "ca")
    assert server.ask("CONFIG", "SET", "tls-cert-file", path("renewed.crt"), "tls-key-file", path("renewed.key")).value == b"OK"
    first = shown_by(server)
    with server.client() as old:
        server.certificates.sign("renewed", "ca")
        assert shown_by(server) == first, "files are read when it is said"
        # Key and certificate are read together; either name will do.
        assert server.ask("CONFIG", "SET", "tls-cert-file", path("renewed.crt")).value == b"OK"
        assert shown_by(server) != first
        assert old.command("PING").value == b"PONG"
        assert old.tls.getpeercert(binary_form=True) == first


def test_a_bad_certificate_is_refused_and_the_old_one_stays(server):
    first = shown_by(server)
    with server.client() as old:
        for name in ("client.crt", "absent", "ca.srl"):
            reply = server.ask("CONFIG", "SET", "tls-cert-file", server.certificates.path(name))
            assert reply.value == (b"ERR CONFIG SET failed (possibly related to argument 'tls-cert-file') - Unable to update TLS"
                                   b" configuration. Check server logs.")  # fmt: skip
            assert shown_by(server) == first
        assert old.command("PING").value == b"PONG"


def test_reloads_while_clients_come_and_go(server):
    """Each handshake sees one state: key and certificate belong together."""
    path = server.certificates.path
    with server.plain() as admin, server.client() as steady:
        for round_ in range(40):
            name = ("server", "client")[round_ % 2]
            assert admin.command("CONFIG", "SET", "tls-cert-file", path(f"{name}.crt"), "tls-key-file", path(f"{name}.key")).value == b"OK"
            with server.client() as fresh:
                assert dict(fresh.tls.getpeercert()["subject"][0])["commonName"] == name
                assert fresh.command("PING").value == b"PONG"
            assert steady.command("PING").value == b"PONG"


def test_addresses_change_under_both_ports(server):
    """Also where the old addresses overlap the new ones, and one of them is in use already."""
    with server.plain() as plain, server.client() as secure:
        for addresses in ("127.0.0.1 127.0.0.2", "127.0.0.2 127.0.0.1", "127.0.0.1"):
            assert plain.command("CONFIG", "SET", "bind", addresses).value == b"OK"
            for address in addresses.split():
                for port in (server.port, server.tls_port):
                    socket.create_connection((address, port), timeout=5).close()
        reply = plain.command("CONFIG", "SET", "bind", "127.0.0.1 10.255.255.254")
        assert reply.value == b"ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses."
        assert plain.command("CONFIG", "GET", "bind").value[1].value == b"127.0.0.1"
        with server.client() as fresh, server.plain() as another:
            assert fresh.command("PING").value == another.command("PING").value == b"PONG"
        assert secure.command("PING").value == b"PONG"


def test_d75_what_was_changed_while_unused_is_used_afterwards(certificates):
    """The reference goes on with the files that it read long ago."""
    path = certificates.path
    shown = {}
    for kind in ("holdfast", "redis"):
        with TlsServer(kind, certificates) as server:
            first = shown_by(server)
            assert server.ask("CONFIG", "SET", "tls-port", 0).value == b"OK"
            assert server.ask("CONFIG", "SET", "tls-cert-file", path("client.crt"), "tls-key-file", path("client.key")).value == b"OK"
            assert server.ask("CONFIG", "SET", "tls-port", server.tls_port).value == b"OK"
            shown[kind] = shown_by(server) == first
    assert shown == {"holdfast": False, "redis": True}
