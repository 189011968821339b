"""Another client: GETs of random keys at a fixed rate, one process of its own.

Open loop: every request has an intended moment, is sent then whether or not the one before was answered, and its latency
counts from that moment. So a server that stands still for a second is seen by a second's worth of requests, and a delay of
this process counts against the figure (the idle floor shows how much that is).

    prober.py <port> <keys> <requests per second>     runs until its standard input is closed

Output, binary 64-bit integers: the moment of the first request and the interval (monotonic ns), then all latencies (ns).
"""

import array
import contextlib
import gc
import os
import random
import select
import socket
import sys
import time

_RECEIVE_BYTES = 1 << 16
# How long answers are waited for after the last request, ns.
_GRACE_NS = 60 * 10**9


class ReplyCounter:
    """Counts complete bulk string replies in a stream of bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> int:
        data = self._rest + data
        count = position = 0
        while (line_end := data.find(b"\r\n", position)) >= 0:
            if data[position : position + 1] != b"$":
                raise SystemExit(f"prober: unexpected reply {data[position:line_end]!r}")
            length = int(data[position + 1 : line_end])
            end = line_end + 2 + (length + 2 if length >= 0 else 0)
            if end > len(data):
                break
            count += 1
            position = end
        self._rest = data[position:]
        return count


def probe(port: int, keys: int, rate: int) -> array.array:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    command = b"*2\r\n$3\r\nGET\r\n$15\r\nkey%012d\r\n"
    replies = ReplyCounter()
    interval = 10**9 // rate
    first = time.monotonic_ns() + 10**7
    result = array.array("q", [first, interval])
    sent = answered = 0
    sending = True
    waited = [connection, sys.stdin]
    stopped_at = 0
    while sending or answered < sent:
        now = time.monotonic_ns()
        while sending and first + sent * interval <= now:
            connection.sendall(command % random.randrange(keys))
            sent += 1
        if not sending and now - stopped_at > _GRACE_NS:
            raise SystemExit(f"prober: {sent - answered} requests were never answered")
        wait_s = max(0, first + sent * interval - time.monotonic_ns()) / 1e9 if sending else 1.0
        readable, _, _ = select.select(waited, [], [], wait_s)
        if connection in readable:
            data = connection.recv(_RECEIVE_BYTES)
            now = time.monotonic_ns()
            if not data:
                raise SystemExit("prober: the server hung up")
            for _ in range(replies.feed(data)):
                result.append(now - (first + answered * interval))
                answered += 1
        if sys.stdin in readable:
            sending = False
            stopped_at = now
            waited = [connection]
    return result


def main() -> None:
    port, keys, rate = (int(word) for word in sys.argv[1:4])
    gc.disable()
    # It shares its core with the load generator and must not queue behind it. Not allowed to everybody. (Not a real-time
    # class: the kernel lets ordinary processes interrupt one for up to 50 ms, so that they never starve.)
    with contextlib.suppress(PermissionError):
        os.nice(-20)
    sys.stdout.buffer.write(probe(port, keys, rate).tobytes())


if __name__ == "__main__":
    main()
