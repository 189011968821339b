"""A RESP client over one plain socket: typed replies, raw bytes, pipelines, pushes, time limits."""

import os
import select
import socket
import time
from collections import deque
from typing import Iterable, Sequence

from harness.resp import Argument, Incomplete, Kind, Reply, encode_command, format_reply, parse_reply

DEFAULT_TIMEOUT_S = 10.0
_RECEIVE_BYTES = 1 << 18


class ConnectionClosed(Exception):
    """The server closed the connection."""


class ReplyTimeout(Exception):
    """No (complete) reply came within the time limit."""


class ErrorReply(Exception):
    """`Client.must` got an error."""


class Client:
    """One connection, for one thread. Every wait ends after `timeout_s` seconds with ReplyTimeout."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self.pushes: deque[Reply] = deque()
        self._buffer = bytearray()
        self._socket = socket.create_connection((host, port), timeout=timeout_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send_raw(self, data: bytes) -> None:
        """Raises ConnectionClosed when the server has hung up."""
        try:
            self._socket.sendall(data)
        except socket.timeout:
            raise ReplyTimeout(f"the server took no input for {self.timeout_s} s") from None
        except OSError as error:
            raise ConnectionClosed(str(error)) from None

    def send(self, *arguments: Argument) -> None:
        self.send_raw(encode_command(arguments))

    def read_any(self) -> Reply:
        """The next reply or push."""
        deadline = time.monotonic() + self.timeout_s
        while True:
            try:
                reply, position = parse_reply(self._buffer)
            except Incomplete:
                self._receive(deadline)
                continue
            del self._buffer[:position]
            return reply

    def read_reply(self) -> Reply:
        """The next reply; pushes on the way are kept in `pushes`."""
        while True:
            reply = self.read_any()
            if reply.kind is not Kind.PUSH:
                return reply
            self.pushes.append(reply)

    def read_push(self) -> Reply:
        """The next push, or the next reply when one comes first."""
        return self.pushes.popleft() if self.pushes else self.read_any()

    def command(self, *arguments: Argument) -> Reply:
        self.send(*arguments)
        return self.read_reply()

    def must(self, *arguments: Argument) -> Reply:
        """Like `command`, raises ErrorReply on an error."""
        reply = self.command(*arguments)
        if reply.is_error():
            raise ErrorReply(f"{arguments!r}: {format_reply(reply)}")
        return reply

    def pipeline(self, commands: Iterable[Sequence[Argument]]) -> list[Reply]:
        """Sends all, then reads one reply for each."""
        encoded = [encode_command(command) for command in commands]
        self.send_raw(b"".join(encoded))
        return [self.read_reply() for _ in encoded]

    def read_raw_until(self, suffix: bytes) -> bytes:
        """Unparsed bytes up to and without `suffix`, which must be the last thing the server has to say."""
        deadline = time.monotonic() + self.timeout_s
        while not self._buffer.endswith(suffix):
            self._receive(deadline)
        data = bytes(self._buffer[: -len(suffix)])
        self._buffer.clear()
        return data

    def poll_raw(self, wait_s: float) -> tuple[bytes, bool]:
        """Whatever arrives within `wait_s` seconds (perhaps nothing), and whether the server closed."""
        data = bytes(self._buffer)
        self._buffer.clear()
        readable, _, _ = select.select([self._socket], [], [], wait_s)
        if not readable:
            return data, False
        try:
            chunk = self._socket.recv(_RECEIVE_BYTES)
        except OSError:
            return data, True
        return data + chunk, not chunk

    def wait_closed(self) -> bool:
        """True when the server hangs up within the time limit without sending anything more."""
        try:
            self._receive(time.monotonic() + self.timeout_s)
        except ConnectionClosed:
            return True
        except ReplyTimeout:
            return False
        return False

    def _receive(self, deadline: float) -> None:
        remaining_s = deadline - time.monotonic()
        if remaining_s <= 0:
            raise ReplyTimeout(f"no complete reply; so far {bytes(self._buffer[:200])!r}")
        self._socket.settimeout(remaining_s)
        try:
            chunk = self._socket.recv(_RECEIVE_BYTES)
        except socket.timeout:
            raise ReplyTimeout(f"no complete reply; so far {bytes(self._buffer[:200])!r}") from None
        except OSError as error:
            raise ConnectionClosed(str(error)) from None
        finally:
            self._socket.settimeout(self.timeout_s)
        if not chunk:
            raise ConnectionClosed(f"closed by the server after {bytes(self._buffer[:200])!r}")
        self._buffer += chunk


class SocketClient(Client):
    """A client over a Unix socket, which is there whatever the network does."""

    def __init__(self, path: str | os.PathLike, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self.pushes = deque()
        self._buffer = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(os.fspath(path))
        except OSError:
            self._socket.close()
            raise
