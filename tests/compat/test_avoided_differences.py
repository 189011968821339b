"""The wanted differences that are kept out of dialogues and generator (AVOIDED): each is met here, on both servers.

A test fails as soon as its difference is gone, so that the row in `docs/differences.md` goes with it.
"""

import pytest

from harness import Kind, Reply
from harness.payload import FOOTER_BYTES, seal, string_payload
from harness.set_payload import int_set_payload
from harness.sorted_set_payload import packed_payload

_LINE_LIMIT_BYTES = 64 * 1024
_TOO_BIG = b"-ERR Protocol error: too big inline request"
_REPLY_LIMIT_S = 5.0


@pytest.fixture
def both(pair):
    """A connection to each server; skips when the candidate is a reference server itself."""
    clients = pair.clients(_REPLY_LIMIT_S)
    try:
        if all(client.command("COMMAND", "INFO", "waitaof").value[0].is_null() for client in clients):
            pytest.skip("the candidate is a reference server itself")
        for client in clients:
            client.must("FLUSHALL")
        yield clients
    finally:
        for client in clients:
            client.close()


def _answer_to_line(client, line):
    client.send_raw(line + b"\r\n")
    return client.read_raw_until(b"\r\n")


def test_d13_the_inline_limit_is_that_of_the_line(both):
    reference, candidate = both
    for client in both:
        assert _answer_to_line(client, b"A" * (_LINE_LIMIT_BYTES - 1)).startswith(b"-ERR unknown command 'AAA")
    assert _answer_to_line(reference, b"A" * _LINE_LIMIT_BYTES).startswith(b"-ERR unknown command 'AAA")
    assert _answer_to_line(candidate, b"A" * _LINE_LIMIT_BYTES) == _TOO_BIG


def test_d14_a_value_never_runs_into_the_footer(both):
    reference, candidate = (client.command("RESTORE", "k", 0, b"\x00" * FOOTER_BYTES) for client in both)
    assert reference == Reply(Kind.STATUS, b"OK")
    assert candidate == Reply(Kind.ERROR, b"ERR Bad data format")


def test_d15_refcount_depends_on_the_value_only(both):
    def refcounts(client):
        client.pipeline([("SET", "number", 255), ("COPY", "number", "copy")])
        queued = [("MULTI",), ("SET", "text", "abc"), ("OBJECT", "REFCOUNT", "text"), ("EXEC",)]
        in_transaction = client.pipeline(queued)[-1].value[1]
        asked = ("number", "copy", "text")
        return [client.command("OBJECT", "REFCOUNT", key).value for key in asked] + [in_transaction.value]

    reference, candidate = map(refcounts, both)
    assert reference == [2147483647, 1, 1, 2]
    assert candidate == [2147483647, 2147483647, 1, 1]


def test_d16_a_zero_byte_is_part_of_an_option(both):
    reference, candidate = (client.command("SET", "k", "v", b"EX\x00", 100) for client in both)
    assert reference == Reply(Kind.STATUS, b"OK")
    assert candidate == Reply(Kind.ERROR, b"ERR syntax error")


def test_d19_payloads_of_later_versions_are_read(both):
    for version in (11, 12):
        reference, candidate = (
            client.command("RESTORE", "k", 0, string_payload(b"text", version), "REPLACE") for client in both
        )
        assert reference == Reply(Kind.ERROR, b"ERR DUMP payload version or checksum are wrong")
        assert candidate == Reply(Kind.STATUS, b"OK")


def test_d20_a_damaged_hash_is_refused(both):
    twice = b"\x04\x02" + b"\x01a\x011" + b"\x01a\x012"
    listpack = b"\x0f\x00\x00\x00\x03\x00\x81f\x02\x01\x01\x81g\x02\xff"
    for body in (twice, b"\x10" + bytes([len(listpack)]) + listpack):
        reference, candidate = (client.command("RESTORE", "k", 0, seal(body), "REPLACE") for client in both)
        assert reference == Reply(Kind.STATUS, b"OK")
        assert candidate == Reply(Kind.ERROR, b"ERR Bad data format")


@pytest.mark.parametrize("numbers", [[2, 1], [1, 1]])
def test_d23_integers_of_a_set_must_ascend(both, numbers):
    reference, candidate = (client.command("RESTORE", "k", 0, int_set_payload(numbers), "REPLACE") for client in both)
    assert reference == Reply(Kind.STATUS, b"OK")
    assert candidate == Reply(Kind.ERROR, b"ERR Bad data format")


def test_d25_pairs_of_a_sorted_set_are_in_order(both):
    for pairs in ([(b"a", b"2"), (b"b", b"1")], [(b"a", b"x")]):
        reference, candidate = (client.command("RESTORE", "z", 0, packed_payload(pairs), "REPLACE") for client in both)
        assert reference == Reply(Kind.STATUS, b"OK")
        assert candidate == Reply(Kind.ERROR, b"ERR Bad data format")


def test_d27_consumers_tell_since_when_they_are_inactive(both):
    def consumer(client) -> list:
        client.pipeline([("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM"), ("XGROUP", "CREATECONSUMER", "s", "g", "c")])
        return [reply.value for reply in client.command("XINFO", "CONSUMERS", "s", "g").value[0].value]

    reference, candidate = map(consumer, both)
    assert b"inactive" not in reference
    assert candidate[candidate.index(b"inactive") + 1] == -1


def test_d28_own_messages_stand_behind_the_reply(both):
    seen = []
    for client in both:
        client.must("HELLO", "3")
        client.send("SUBSCRIBE", "channel")
        assert client.read_any().kind is Kind.PUSH
        for command in (("MULTI",), ("PUBLISH", "channel", "x"), ("PING",), ("EXEC",), ("ECHO", "end")):
            client.send(*command)
        seen.append(client.read_raw_until(b"$3\r\nend\r\n"))
        client.must("RESET")
    push, array = b">3\r\n$7\r\nmessage\r\n$7\r\nchannel\r\n$1\r\nx\r\n", b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n"
    assert seen == [array + push + b":1\r\n+PONG\r\n", array + b":1\r\n+PONG\r\n" + push]
