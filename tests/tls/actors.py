"""Servers with a TLS port, and clients that speak TLS to them."""

import socket
import ssl
import time
from typing import Optional, Sequence

from harness import CheckedServer, Client, Server, reference_binary
from harness.client import DEFAULT_TIMEOUT_S
from harness.server import free_port
from tls.certificates import Certificates


def client_context(certificates: Certificates, name: Optional[str] = "client", trusts: str = "ca") -> ssl.SSLContext:
    """What a client shows and whom it trusts. Names of hosts are not checked, as redis-cli does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(certificates.path(f"{trusts}.crt"))
    if name:
        context.load_cert_chain(certificates.path(f"{name}.crt"), certificates.path(f"{name}.key"))
    return context


class TlsClient(Client):
    """As Client, through TLS. Raises ssl.SSLError (an OSError) when the handshake fails."""

    def __init__(self, port: int, context: ssl.SSLContext, timeout_s: float = DEFAULT_TIMEOUT_S, session=None) -> None:
        super().__init__(port, timeout_s=timeout_s)
        try:
            self._socket = context.wrap_socket(self._socket, session=session)
        except BaseException:
            self.close()
            raise

    @property
    def tls(self) -> ssl.SSLSocket:
        return self._socket


def base_directives(certificates: Certificates, tls_port: int) -> dict[str, str]:
    return {
        "tls-port": str(tls_port),
        "tls-cert-file": certificates.path("server.crt"),
        "tls-key-file": certificates.path("server.key"),
        "tls-ca-cert-file": certificates.path("ca.crt"),
    }


class TlsServer:
    """A server of a kind (holdfast or redis) with a plain port and a TLS port. `changes` adds directives or, with None,
    takes them away."""

    def __init__(self, kind: str, certificates: Certificates, changes: Sequence[tuple[str, Optional[str]]] = (), *words: str) -> None:
        self.kind = kind
        self.certificates = certificates
        self.tls_port = free_port()
        directives = base_directives(certificates, self.tls_port)
        for name, value in dict(changes).items():
            directives.pop(name, None)
            if value is not None:
                directives[name] = value
        arguments = ["--save", "", *words]
        for name, value in directives.items():
            arguments += [f"--{name}", value]
        if kind == "holdfast":
            self.server = CheckedServer(["--threads", "2", *arguments])
        else:
            self.server = Server(reference_binary(), arguments)

    def __enter__(self) -> "TlsServer":
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    @property
    def port(self) -> int:
        return self.server.port

    def plain(self) -> Client:
        return self.server.client()

    def client(self, name: Optional[str] = "client", **options) -> TlsClient:
        return TlsClient(self.tls_port, client_context(self.certificates, name), **options)

    def raw(self) -> socket.socket:
        """A connection to the TLS port without TLS."""
        return socket.create_connection(("127.0.0.1", self.tls_port), timeout=DEFAULT_TIMEOUT_S)

    def ask(self, *words: object):
        with self.plain() as client:
            return client.command(*words)

    def wait_for_log(self, text: str, limit_s: float = 20.0) -> None:
        end = time.monotonic() + limit_s
        while text not in self.server.log():
            assert time.monotonic() < end, f"{text!r} is not in the log:\n{self.server.log_tail()}"
            time.sleep(0.02)

    def connected_clients(self) -> int:
        """Without the one who asks."""
        info = self.ask("INFO", "clients").value.decode()
        return int(info.split("connected_clients:")[1].split()[0]) - 1

    def wait_for_clients(self, count: int, limit_s: float = 20.0) -> None:
        end = time.monotonic() + limit_s
        while (found := self.connected_clients()) != count:
            assert time.monotonic() < end, f"{found} clients are connected, not {count}"
            time.sleep(0.02)
