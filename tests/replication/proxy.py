"""A TCP proxy between a replica and its primary, with the faults of a network.

    with Proxy(primary.port) as proxy:
        replica.follow(proxy.port)
        proxy.cut()                     # both sides see the connection end
        proxy.hold(); proxy.release()   # nothing gets through, nothing is lost
        proxy.refuse(); proxy.accept()  # connections are closed, and none is made
        proxy.delay_s = 0.05            # each piece of the stream waits
        proxy.drop_after(1000)          # the connection ends after so many bytes to the replica
"""

import socket
import struct
import threading
import time

_PIECE_BYTES = 1 << 16
_LIMIT_S = 1.0
_RESET = struct.pack("ii", 1, 0)


class _Link:
    """One connection of the replica and the one to the primary that belongs to it."""

    def __init__(self, downstream: socket.socket, upstream: socket.socket) -> None:
        self.sockets = (downstream, upstream)
        self.downstream, self.upstream = downstream, upstream

    def close(self, reset: bool) -> None:
        for each in self.sockets:
            try:
                if reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            if reset:
                each.close()


class Proxy:
    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.delay_s = 0.0
        self.accepted = 0  # connections so far
        self.bytes_down = 0  # sent to the replica so far, over all connections
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._open = threading.Event()
        self._open.set()
        self._accepting = True
        self._drop_at: int | None = None
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def cut(self, reset: bool = False) -> int:
        """Ends all connections, with RST when `reset`. How many there were."""
        with self._lock:
            links, self._links = self._links, []
        for link in links:
            link.close(reset)
        return len(links)

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def refuse(self) -> None:
        self._accepting = False
        self.cut()

    def accept(self) -> None:
        self._accepting = True

    def drop_after(self, count: int) -> None:
        """Ends the connections when `count` more bytes have gone to the replica."""
        with self._lock:
            self._drop_at = self.bytes_down + count

    def dropped(self) -> bool:
        """Whether what `drop_after` announced has happened."""
        return self._drop_at is None

    def close(self) -> None:
        self._closed = True
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        self._open.set()
        self.cut()

    def _accept(self) -> None:
        while not self._closed:
            try:
                downstream, _ = self._listener.accept()
            except OSError:
                return
            if not self._accepting or self._closed:
                downstream.close()
                continue
            try:
                upstream = socket.create_connection(("127.0.0.1", self.target_port), timeout=_LIMIT_S)
            except OSError:
                downstream.close()
                continue
            upstream.settimeout(None)
            for each in (downstream, upstream):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(downstream, upstream)
            with self._lock:
                self._links.append(link)
                self.accepted += 1
            for source, target in ((downstream, upstream), (upstream, downstream)):
                threading.Thread(target=self._pump, args=(link, source, target), daemon=True).start()

    def _pump(self, link: _Link, source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(_PIECE_BYTES):
                self._open.wait()
                if self.delay_s:
                    time.sleep(self.delay_s)
                whole = len(piece)
                if target is link.downstream:
                    piece = self._allowed(piece)
                target.sendall(piece)
                if len(piece) < whole:
                    break
        except OSError:
            pass
        with self._lock:
            if link in self._links:
                self._links.remove(link)
        link.close(reset=False)

    def _allowed(self, piece: bytes) -> bytes:
        """The part of the piece that the replica gets."""
        with self._lock:
            if self._drop_at is not None and self.bytes_down + len(piece) > self._drop_at:
                piece = piece[: self._drop_at - self.bytes_down]
                self._drop_at = None
            self.bytes_down += len(piece)
            return piece
