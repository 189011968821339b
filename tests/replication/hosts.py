"""Hosts on one switch, each a network namespace; their cables can be pulled, and nobody is told: no RST, no error, no carrier lost.

    with Network() as network:
        host = network.host()
        server = HostServer(host, directives)     # asked over a Unix socket, which needs no network
        host.unplug(); host.plug()

Needs root and Debian's iproute2.
"""

import contextlib
import itertools
import os
import pathlib
import subprocess

from harness import CheckedServer, SocketClient, holdfast_binary

_SWITCH_DEVICE = "switch"
_serial = itertools.count()


class NoNetwork(Exception):
    """There can be no namespaces here; the text says why."""


def _ip(*words: str) -> None:
    try:
        subprocess.run(["ip", *words], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise NoNetwork("there is no `ip`: apt-get install iproute2") from None
    except subprocess.CalledProcessError as failure:
        raise NoNetwork(f"ip {' '.join(words)}: {failure.stderr.strip()} (network namespaces need root)") from None


class Host:
    def __init__(self, network: "Network", number: int) -> None:
        self.namespace = f"{network.name}-{number}"
        self.address = f"10.99.0.{number}"
        self._switch, self._cable = network.name, f"cable{number}"
        _ip("netns", "add", self.namespace)
        _ip("-n", self._switch, "link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _ip("-n", self.namespace, "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self.namespace, "link", "set", device, "up")
        _ip("-n", self._switch, "link", "set", self._cable, "up")
        self.plug()

    def unplug(self) -> None:
        """What is sent to it or by it is lost from now on."""
        _ip("-n", self._switch, "link", "set", self._cable, "nomaster")

    def plug(self) -> None:
        _ip("-n", self._switch, "link", "set", self._cable, "master", _SWITCH_DEVICE)


class Network:
    def __init__(self) -> None:
        self.name = f"holdfast-{os.getpid()}-{next(_serial)}"
        self._namespaces = contextlib.ExitStack()
        self._hosts = 0
        self._add_namespace(self.name)
        _ip("-n", self.name, "link", "add", _SWITCH_DEVICE, "type", "bridge")
        _ip("-n", self.name, "link", "set", _SWITCH_DEVICE, "up")

    def __enter__(self) -> "Network":
        return self

    def __exit__(self, *_: object) -> None:
        self._namespaces.close()

    def host(self) -> Host:
        self._hosts += 1
        host = Host(self, self._hosts)
        self._namespaces.callback(_ip, "netns", "delete", host.namespace)
        return host

    def _add_namespace(self, name: str) -> None:
        _ip("netns", "add", name)
        self._namespaces.callback(_ip, "netns", "delete", name)


class HostServer(CheckedServer):
    """Holdfast on a host, for all of the network."""

    def __init__(self, host: Host, directives: list[str]) -> None:
        super().__init__([*directives, "--bind", "0.0.0.0", "--protected-mode", "no"])
        self.host = host
        self.socket_path = pathlib.Path(self.directory) / "socket"
        self.directives += ["--unixsocket", str(self.socket_path)]
        # `ip netns exec` becomes the server itself.
        program = pathlib.Path(self.directory) / "on-host"
        program.write_text(f'#!/bin/sh\nexec ip netns exec {host.namespace} {holdfast_binary()} "$@"\n')
        program.chmod(0o755)
        self.binary = str(program)

    def client(self, timeout_s: float = 10.0) -> SocketClient:
        return SocketClient(self.socket_path, timeout_s)
