"""Both parts of the protocol by hand: a replica that shows every byte it is sent, and a primary that sends what it likes."""

import socket
import threading
import time
from typing import Callable

from harness import encode_command
from harness.resp import Incomplete, parse_reply

LIMIT_S = 30.0
_REPEAT_S = 0.2
MARK_BYTES = 40


class Closed(Exception):
    """The other side has ended the connection; the text holds what was left."""


class Wire:
    """A connection read by lines, counts and commands; every wait ends."""

    def __init__(self, made: socket.socket) -> None:
        self.socket = made
        self.socket.settimeout(LIMIT_S)
        self.buffer = bytearray()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def command(self, *words: object) -> None:
        self.send(encode_command(words))

    def _more(self) -> None:
        try:
            piece = self.socket.recv(1 << 18)
        except ConnectionError as error:
            raise Closed(str(error)) from None
        if not piece:
            raise Closed(bytes(self.buffer[:200]).decode(errors="replace"))
        self.buffer += piece

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._more()
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def line(self) -> bytes:
        """Up to and without CRLF or LF."""
        while (end := self.buffer.find(b"\n")) < 0:
            self._more()
        return self.exactly(end + 1).removesuffix(b"\n").removesuffix(b"\r")

    def line_skipping_newlines(self) -> bytes:
        while not (line := self.line()):
            pass
        return line

    def raw_command(self) -> bytes:
        """The bytes of the next command."""
        while True:
            try:
                _, end = parse_reply(self.buffer)
                return self.exactly(end)
            except Incomplete:
                self._more()

    def words(self) -> list[bytes]:
        """The next command as its words."""
        reply, _ = parse_reply(self.raw_command())
        return [word.value for word in reply.value]

    def is_closed(self) -> bool:
        """Waits for the end of the connection; what comes before it stays in the buffer."""
        end = time.monotonic() + LIMIT_S
        try:
            while time.monotonic() < end:
                self._more()
        except Closed:
            return True
        except TimeoutError:
            pass
        return False


class RawReplica(Wire):
    """A replica by hand. `offset` counts the bytes of the stream that were read with `stream`."""

    def __init__(self, port: int) -> None:
        super().__init__(socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S))
        self.replid, self.offset, self.mark, self._acknowledging = b"", 0, b"", False

    def __enter__(self) -> "RawReplica":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def asks(self, *words: object) -> bytes:
        """A command and the line that answers it."""
        self.command(*words)
        return self.line()

    def shakes_hands(self, *capabilities: str, port: int = 1234) -> None:
        assert self.asks("PING") == b"+PONG"
        assert self.asks("REPLCONF", "listening-port", port) == b"+OK"
        if capabilities:
            assert self.asks("REPLCONF", *(word for name in capabilities for word in ("capa", name))) == b"+OK"

    def asks_for_everything(self) -> None:
        """PSYNC ? -1 and the answer to it."""
        self.command("PSYNC", "?", "-1")
        answer = self.line_skipping_newlines()
        kind, self.replid, offset = answer.split(b" ")
        assert kind == b"+FULLRESYNC" and len(self.replid) == 40, answer
        self.offset = int(offset)

    def payload(self) -> bytes:
        """The RDB, in either form; `mark` is empty afterwards when its length was announced."""
        head = self.line_skipping_newlines()
        assert head.startswith(b"$"), head
        if not head.startswith(b"$EOF:"):
            self.mark = b""
            return self.exactly(int(head[1:]))
        self.mark = head[5:]
        assert len(self.mark) == MARK_BYTES
        while (end := self.buffer.find(self.mark)) < 0:
            self._more()
        data = self.exactly(end)
        assert self.exactly(MARK_BYTES) == self.mark
        return data

    def acknowledges(self) -> None:
        """Says how far it is, and from then on again whenever nothing comes: a primary that is not done with the
        payload does not take the first word for it."""
        self.command("REPLCONF", "ACK", self.offset)
        self._acknowledging = True

    def _more(self) -> None:
        if not self._acknowledging:
            return super()._more()
        self.socket.settimeout(_REPEAT_S)
        for _ in range(int(LIMIT_S / _REPEAT_S)):
            try:
                return super()._more()
            except TimeoutError:
                self.acknowledges()
        raise TimeoutError("no more of the stream")

    def synchronizes(self, *capabilities: str) -> bytes:
        """All of it: the payload; the stream flows afterwards."""
        self.shakes_hands(*capabilities)
        self.asks_for_everything()
        data = self.payload()
        self.acknowledges()
        return data

    def stream(self) -> bytes:
        """The bytes of the next command of the stream."""
        command = self.raw_command()
        self.offset += len(command)
        return command

    def expects(self, *words: object) -> None:
        """The next command of the stream is this one, byte by byte. Pings and SELECT are commands like others."""
        found, expected = self.stream(), encode_command(words)
        assert found == expected, f"{found!r} instead of {expected!r}"


class FakePrimary:
    """Listens; each connection is given to the next of the acts, in a thread. `port` is what a replica is told.

    The last act plays for all further connections. What an act raises is raised again by `check`.
    """

    def __init__(self, *acts: Callable[[Wire], None]) -> None:
        self._acts = list(acts)
        self.connections = 0
        self.finished = 0  # acts that have ended well
        self._errors: list[BaseException] = []
        self._wires: list[Wire] = []
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> "FakePrimary":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for wire in self._wires:
            try:
                wire.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def check(self) -> bool:
        """Raises what an act has raised. True otherwise, for use in conditions."""
        if self._errors:
            raise self._errors[0]
        return True

    def has_finished(self, acts: int = 1) -> bool:
        return self.check() and self.finished >= acts

    def _listen(self) -> None:
        while True:
            try:
                made, _ = self._listener.accept()
            except OSError:
                return
            act = self._acts[min(self.connections, len(self._acts) - 1)]
            self.connections += 1
            wire = Wire(made)
            self._wires.append(wire)
            threading.Thread(target=self._play, args=(act, wire), daemon=True).start()

    def _play(self, act: Callable[[Wire], None], wire: Wire) -> None:
        try:
            act(wire)
            self.finished += 1
        except BaseException as error:
            if not self._closed:
                self._errors.append(error)
        wire.close()


def receive_handshake(wire: Wire) -> list[list[bytes]]:
    """Plays the primary up to PSYNC, whose answer is left to the caller. All commands as words."""
    commands = [wire.words()]
    wire.send(b"+PONG\r\n")
    while True:
        words = wire.words()
        commands.append(words)
        if words[0] == b"PSYNC":
            return commands
        wire.send(b"+OK\r\n")


def acknowledged(wire: Wire) -> int:
    """The offset of the next REPLCONF ACK; newlines before it are skipped."""
    while True:
        while wire.buffer.startswith(b"\n"):
            del wire.buffer[:1]
        if wire.buffer:
            words = wire.words()
            assert words[:2] == [b"REPLCONF", b"ACK"], words
            return int(words[2])
        wire._more()


def wait_for_acknowledgement(wire: Wire, offset: int) -> None:
    """Reads acknowledgements until this one; none may be greater."""
    while (found := acknowledged(wire)) != offset:
        assert found < offset, f"{found} acknowledged, there are {offset} bytes"
