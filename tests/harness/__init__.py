"""What every suite that needs a running server shares: starting servers and talking RESP to them."""

from harness.checked_server import CheckedServer, UnsoundServer
from harness.client import Client, ConnectionClosed, ReplyTimeout, SocketClient
from harness.resp import Kind, Reply, encode_command, format_reply
from harness.server import Server, ServerDied, holdfast_binary, reference_binary

__all__ = [
    "CheckedServer",
    "Client",
    "ConnectionClosed",
    "Kind",
    "Reply",
    "ReplyTimeout",
    "Server",
    "ServerDied",
    "SocketClient",
    "UnsoundServer",
    "encode_command",
    "format_reply",
    "holdfast_binary",
    "reference_binary",
]
