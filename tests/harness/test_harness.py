"""The harness against the reference server and against the vectors of the formats it writes."""

import pytest

from harness import Kind, Reply, Server, ServerDied, format_reply, reference_binary
from harness.client import ConnectionClosed, ReplyTimeout
from harness.payload import crc64, integer_payload, string_payload
from harness.resp import Incomplete, ProtocolViolation, parse_all, parse_reply


@pytest.fixture(scope="module")
def server():
    with Server(reference_binary(), ["--save", "", "--enable-debug-command", "yes"]) as running:
        yield running


@pytest.mark.parametrize(
    "wire, expected",
    [
        (b"+OK\r\n", Reply(Kind.STATUS, b"OK")),
        (b"-ERR no\r\n", Reply(Kind.ERROR, b"ERR no")),
        (b":-12\r\n", Reply(Kind.INTEGER, -12)),
        (b"$2\r\n\r\n\r\n", Reply(Kind.BULK, b"\r\n")),
        (b"$-1\r\n", Reply(Kind.NULL_BULK, None)),
        (b"*-1\r\n", Reply(Kind.NULL_ARRAY, None)),
        (b"_\r\n", Reply(Kind.NULL, None)),
        (b"*0\r\n", Reply(Kind.ARRAY, ())),
        (b"%1\r\n+k\r\n:1\r\n", Reply(Kind.MAP, (Reply(Kind.STATUS, b"k"), Reply(Kind.INTEGER, 1)))),
        (b"~1\r\n:1\r\n", Reply(Kind.SET, (Reply(Kind.INTEGER, 1),))),
        (b">1\r\n:1\r\n", Reply(Kind.PUSH, (Reply(Kind.INTEGER, 1),))),
        (b",1.5\r\n", Reply(Kind.DOUBLE, b"1.5")),
        (b"#t\r\n", Reply(Kind.BOOLEAN, True)),
        (b"(12\r\n", Reply(Kind.BIG_NUMBER, b"12")),
        (b"=7\r\ntxt:abc\r\n", Reply(Kind.VERBATIM, b"txt:abc")),
        (
            b"|1\r\n+k\r\n:1\r\n+v\r\n",
            Reply(Kind.ATTRIBUTE, ((Reply(Kind.STATUS, b"k"), Reply(Kind.INTEGER, 1)), Reply(Kind.STATUS, b"v"))),
        ),
    ],
)
def test_every_kind_is_parsed_and_every_prefix_is_incomplete(wire, expected):
    assert parse_reply(wire) == (expected, len(wire))
    assert parse_all(wire + wire) == [expected, expected]
    for cut in range(len(wire)):
        with pytest.raises(Incomplete):
            parse_reply(wire[:cut])


@pytest.mark.parametrize("wire", [b"?\r\n", b":1a\r\n", b"$3\r\nabcde\r\n", b"*-2\r\n", b"#x\r\n", b"\r\n"])
def test_bytes_that_are_no_reply_are_refused(wire):
    with pytest.raises(ProtocolViolation):
        parse_reply(wire)


def test_dump_payloads_are_what_the_server_dumps(server):
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA
    with server.client() as client:
        for value in (b"hello", b"", b"12", b"-129", b"100000"):
            client.must("SET", "k", value)
            expected = integer_payload(int(value)) if value.strip(b"-").isdigit() else string_payload(value)
            assert client.must("DUMP", "k").value == expected


def test_both_protocols_keep_their_kinds(server):
    with server.client() as client:
        assert client.command("GET", "missing").kind is Kind.NULL_BULK
        client.must("HELLO", 3)
        assert client.command("GET", "missing").kind is Kind.NULL
        assert client.command("DEBUG", "PROTOCOL", "true") == Reply(Kind.BOOLEAN, True)
        assert client.command("DEBUG", "PROTOCOL", "push").value == b"Some real reply following the push reply"
        assert format_reply(client.read_push()) == '>["server-cpu-usage" :42]'


def test_pipeline_gives_one_reply_for_each_command(server):
    with server.client() as client:
        replies = client.pipeline([("SET", "n", 1)] + [("INCR", "n")] * 1000)
        assert [reply.value for reply in replies[1:]] == list(range(2, 1002))


def test_waiting_ends(server):
    with server.client(timeout_s=0.05) as client:
        with pytest.raises(ReplyTimeout):
            client.read_reply()
        client.send("QUIT")
        assert client.read_reply().value == b"OK"
        with pytest.raises(ConnectionClosed):
            client.read_reply()


def test_a_restart_keeps_port_and_directory(tmp_path):
    with Server(reference_binary(), ["--save", "", "--appendonly", "yes"], directory=tmp_path) as server:
        port, first_pid = server.port, server.pid
        with server.client() as client:
            client.must("SET", "k", "v")
        server.restart()
        assert server.port == port and server.pid != first_pid
        with server.client() as client:
            assert client.must("GET", "k").value == b"v"
    assert not server.running()
    assert "Ready to accept connections" in server.log()


def test_a_server_that_cannot_start_says_why():
    server = Server(reference_binary(), ["--no-such-directive", "1"])
    with pytest.raises(ServerDied, match="Bad directive"):
        server.start()
    server.close()
    assert not server.directory.exists()
