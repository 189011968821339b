"""Clients that listen: a process of its own, so that reading does not hold up what is measured.

    subscribers.py <port> <connections> <channel>     says "ready", and reads until its standard input is closed
"""

import select
import socket
import sys

_RECEIVE_BYTES = 1 << 20


def main() -> None:
    port, connections = (int(word) for word in sys.argv[1:3])
    channel = sys.argv[3].encode()
    poll = select.epoll()
    listening = {}
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"*2\r\n$9\r\nSUBSCRIBE\r\n$%d\r\n%b\r\n" % (len(channel), channel))
        if not connection.recv(_RECEIVE_BYTES).startswith(b"*3"):
            raise SystemExit("subscribers: not subscribed")
        poll.register(connection, select.EPOLLIN)
        listening[connection.fileno()] = connection
    poll.register(sys.stdin, select.EPOLLIN)
    print("ready", flush=True)
    buffer = bytearray(_RECEIVE_BYTES)
    while listening:
        for descriptor, _ in poll.poll():
            if descriptor == sys.stdin.fileno():
                if len(listening) < connections:
                    raise SystemExit(f"subscribers: the server has cut off {connections - len(listening)}")
                return
            if listening[descriptor].recv_into(buffer) == 0:
                listening.pop(descriptor).close()  # of all: the server has ended


if __name__ == "__main__":
    main()
