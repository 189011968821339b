"""The wanted differences that are kept out of dialogues and generator (AVOIDED): each is met here, on both servers.

A test fails as soon as its difference is gone, so that the row in `docs/differences.md` goes with it.
"""

import re

import pytest

from harness import ConnectionClosed, Kind, Reply, Server, ServerDied, format_reply, holdfast_binary, reference_binary
from harness.payload import FOOTER_BYTES, seal, string_payload
from harness.set_payload import int_set_payload
from harness.sorted_set_payload import packed_payload
from harness.stream_payload import Entry, Stream, stream_payload

_LINE_LIMIT_BYTES = 64 * 1024
_TOO_BIG = b"-ERR Protocol error: too big inline request"


@pytest.fixture(autouse=True)
def _candidate_is_not_a_reference(both):
    if all(client.command("COMMAND", "INFO", "waitaof").value[0].is_null() for client in both):
        pytest.skip("the candidate is a reference server itself")


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
    reference, candidate = (client.command("XADD", "s", b"1-1\x00", "f", "v") for client in both)
    assert reference == Reply(Kind.BULK, b"1-1")
    assert candidate == Reply(Kind.ERROR, b"ERR Invalid stream ID specified as stream command argument")


def _config(client, name, value):
    """What CONFIG SET answers and what CONFIG GET tells then; the value of before is put back."""
    before = client.must("CONFIG", "GET", name).value[1].value
    answer = client.command("CONFIG", "SET", name, value)
    after = client.must("CONFIG", "GET", name).value[1].value
    client.command("CONFIG", "SET", name, before)
    return answer.is_error(), after


def test_d16_a_zero_byte_is_part_of_a_value(both):
    assert [_config(client, "activerehashing", b"no\x00") for client in both] == [(False, b"no"), (True, b"yes")]
    assert [_config(client, "maxmemory", b"1\x000") for client in both] == [(False, b"1"), (True, b"0")]
    assert [_config(client, "masteruser", b"a\x00b") for client in both] == [(False, b"a"), (False, b"a\x00b")]


def test_d58_keys_and_connections_are_used_memory(both):
    def used(client):
        return int(client.must("INFO", "memory").value.decode().split("used_memory:")[1].split("\r\n")[0])

    def grown(client, *command):
        used(client)  # what the question itself takes is there before
        before = used(client)
        client.must(*command)
        return used(client) - before

    text = b"x" * 1_000_000
    reference, candidate = both
    for client in both:
        assert grown(client, "SET", "k", text) > len(text) * 0.99
        assert grown(client, "DEL", "k") < -len(text) * 0.9
    assert grown(reference, "SCRIPT", "LOAD", b"return 1 --" + text) > len(text) * 0.9
    assert grown(candidate, "SCRIPT", "LOAD", b"return 1 --" + text) < len(text) * 0.1
    assert int(candidate.must("INFO", "memory").value.decode().split("used_memory_scripts:")[1].split("\r\n")[0]) > len(text)
    for client in both:
        client.must("SCRIPT", "FLUSH")


def test_d66_defragmentation_can_be_switched_on(both):
    assert [_config(client, "activedefrag", "yes") for client in both] == [(True, b"no"), (False, b"yes")]


@pytest.mark.parametrize(
    "name, value, theirs",
    [
        ("maxmemory", "18446744073709551616", b"18446744073709551615"),
        ("maxmemory-clients", "18446744073709551615", b"1%"),
        ("save", "60 2147483648", b"60 -2147483648"),
        ("save", "9223372036854775808 1", b"9223372036854775807 1"),
    ],
)
def test_d91_what_overflows_is_refused(both, name, value, theirs):
    reference, candidate = (_config(client, name, value) for client in both)
    assert reference == (False, theirs)
    assert candidate == (True, both[1].must("CONFIG", "GET", name).value[1].value)


def test_d92_as_many_threads_as_processors_by_default(both):
    assert [client.must("CONFIG", "GET", "io-threads").value[1].value for client in both] == [b"1", b"0"]


def test_d93_a_title_of_one_variable(both):
    default = b"{title} {listen-addr} {server-mode}"
    for value in (b"{title}", b"{unixsocket}"):
        assert [_config(client, "proc-title-template", value) for client in both] == [(True, default), (False, value)]


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


_BACKWARDS = Stream([[Entry((1, 2), (b"f", b"v")), Entry((1, 1), (b"f", b"v"))]], last_id=(1, 2), entries_added=2)
_TWICE = Stream([[Entry((1, 1), (b"f", b"v"))] * 2], last_id=(1, 1), entries_added=2)
_ORPHAN = b"\x13\x00\x00\x01\x01\x00\x00\x00\x00\x01" + b"\x01\x01g\x01\x01\x00\x01" + b"\x00" * 16 + b"\x01" + b"\x00" * 7 + b"\x01\x00"


@pytest.mark.parametrize("payload", [stream_payload(_BACKWARDS), stream_payload(_TWICE), seal(_ORPHAN)])
def test_d30_a_damaged_stream_is_refused(both, payload):
    reference, candidate = (client.command("RESTORE", "s", 0, payload) for client in both)
    assert reference == Reply(Kind.STATUS, b"OK")
    assert candidate == Reply(Kind.ERROR, b"ERR Bad data format")


def test_d31_an_empty_stream_has_no_first_entry(both):
    def first_id(client) -> bytes:
        client.must("RESTORE", "s", 0, stream_payload(Stream([], last_id=(7, 7)), version=1))
        fields = [reply.value for reply in client.must("XINFO", "STREAM", "s").value]
        return fields[fields.index(b"recorded-first-entry-id") + 1]

    reference, candidate = map(first_id, both)
    assert reference == b"18446744073709551615-18446744073709551615"
    assert candidate == b"0-0"


def _start_waiting(server, client, *command):
    """Sends it on a connection of its own, and returns that when it waits."""
    waiting = server.client()
    waiting.send(*command)
    for _ in range(1000):
        if b"blocked_clients:1" in client.must("INFO", "clients").value:
            return waiting
    raise AssertionError("it does not wait")


def test_d32_who_waits_for_entries_gets_entries(pair, both):
    answers = []
    for server, client in zip((pair.reference, pair.candidate), both):
        client.must("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        client.must("XADD", "s", "1-1", "a", "1")
        client.must("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
        with _start_waiting(server, client, "XREAD", "BLOCK", 0, "STREAMS", "s", "$") as waiting:
            client.pipeline([("MULTI",), ("XADD", "s", "2-1", "a", "1"), ("XDEL", "s", "2-1"), ("EXEC",)])
            client.must("XADD", "s", "3-1", "b", "2")
            first = waiting.read_reply()
        client.must("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
        command = ("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "s", ">")
        with _start_waiting(server, client, *command) as waiting:
            client.must("XGROUP", "SETID", "s", "g", "1-1")
            client.must("XADD", "s", "4-1", "c", "3")
            second = waiting.read_reply()
        answers.append([format_reply(first), format_reply(second)])
    reference, candidate = answers
    assert reference[0] == '[["s" []]]'
    assert candidate[0] == '[["s" [["3-1" ["b" "2"]]]]]'
    assert '"4-1"' in reference[1]
    assert candidate[1] == '[["s" [["3-1" ["b" "2"]]]]]'


def test_d33_a_command_that_waits_is_counted_when_it_is_answered(pair, both):
    def calls(client) -> bytes:
        found = re.search(rb"cmdstat_blpop:calls=(\d+)", client.must("INFO", "commandstats").value)
        return found.group(1) if found else b"0"

    during, after = [], []
    for server, client in zip((pair.reference, pair.candidate), both):
        client.must("CONFIG", "RESETSTAT")
        with _start_waiting(server, client, "BLPOP", "k", 0) as waiting:
            during.append(calls(client))
            client.must("RPUSH", "k", "1")
            waiting.read_reply()
            after.append(calls(client))
    assert during == [b"1", b"0"]
    assert after == [b"1", b"1"]


def test_d38_a_script_that_raises_a_table_without_err_gets_an_error(both):
    _, candidate = both  # the reference would end
    reply = candidate.command("EVAL", "error({})", "0")
    assert reply.kind is Kind.ERROR and reply.value.startswith(b"ERR unknown error script: "), format_reply(reply)
    assert candidate.command("PING").value == b"PONG"


def test_d36_the_debugger_is_accepted_and_does_nothing(both):
    _, candidate = both  # the reference would begin a session of its debugger
    assert candidate.command("SCRIPT", "DEBUG", "YES").value == b"OK"
    assert candidate.command("EVAL", "redis.breakpoint() return 7", "0").value == 7
    assert candidate.command("SCRIPT", "DEBUG", "NO").value == b"OK"


def test_d39_own_messages_stand_behind_the_reply(both):
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


def test_d40_a_second_server_on_the_same_files(both, tmp_path):
    """That ours is refused, and why, is in tests/health/test_data_lock.py."""
    with Server(reference_binary(), ["--save", "3600 1"], directory=tmp_path) as one:
        with Server(reference_binary(), ["--save", "3600 1"], directory=tmp_path) as two:
            assert one.running() and two.running()
    with Server(holdfast_binary(), ["--save", "3600 1"], directory=tmp_path):
        with pytest.raises(ServerDied):
            Server(holdfast_binary(), ["--save", "3600 1"], directory=tmp_path).start()


def _logged_in(server, name):
    client = server.client()
    client.must("AUTH", name, "x")
    return client


def test_d62_load_closes_only_connections_whose_user_has_changed(both, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user same on nopass +ping\nuser other on nopass +ping\nuser default on nopass ~* &* +@all\n")
    closed = []
    for binary in (reference_binary(), holdfast_binary()):
        with Server(binary, ["--save", "", "--aclfile", str(path)]) as server:
            same, other = _logged_in(server, "same"), _logged_in(server, "other")
            with server.client() as client:
                text = path.read_text()
                path.write_text(text.replace("other on", "other off"))
                client.must("ACL", "LOAD")
                path.write_text(text)
            assert other.wait_closed()
            try:
                closed.append(same.command("PING").value != b"PONG")
            except ConnectionClosed:
                closed.append(True)
    assert closed == [True, False]


def test_d63_the_server_does_not_end(both, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user u on nopass +@all &*\nuser default on nopass ~* &* +@all\n")
    with Server(holdfast_binary(), ["--save", "", "--aclfile", str(path)]) as server:
        client = _logged_in(server, "u")
        client.must("HELLO", "3")
        client.send("SUBSCRIBE", "channel")
        client.read_any()
        assert client.command("ACL", "SETUSER", "u", "resetchannels").value == b"OK"
        assert client.wait_closed()
        with server.client() as client:
            path.write_text("user u (+get\n")
            assert b":1: Unmatched parenthesis in selector definition." in client.command("ACL", "LOAD").value


def test_d64_keys_of_a_wrong_number_are_checked(both):
    answers = []
    for client in both:
        client.must("ACL", "SETUSER", "u", "on", "nopass", "+@all", "~a")
        client.must("AUTH", "u", "x")
        answers.append(client.command("EVAL", "return 1", "3", "k").value)
        client.must("ACL", "DELUSER", "nobody")
        client.must("AUTH", "default", "x")
        client.must("ACL", "DELUSER", "u")
    assert answers[0] == b"ERR Number of keys can't be greater than number of args"
    assert answers[1].startswith(b"NOPERM")


def test_d65_a_selector_inside_a_selector_is_no_rule(both):
    answers = [client.command("ACL", "SETUSER", "u", "(~a", "(~b", "+get)").value for client in both]
    for client in both:
        client.must("ACL", "DELUSER", "u")
    assert answers == [b"OK", b"ERR Error in ACL SETUSER modifier '(~a (~b +get)': Syntax error"]


def test_d94_an_aof_without_its_manifest_is_not_written_over(tmp_path):
    found = []
    for binary in (reference_binary(), holdfast_binary()):
        directory = tmp_path / str(len(found))
        directory.mkdir()
        server = Server(binary, ["--save", "", "--appendonly", "yes"], directory)
        with server, server.client() as client:
            client.must("SET", "k", "v")
        [manifest] = directory.glob("appendonlydir/*.manifest")
        manifest.unlink()
        try:
            with server, server.client() as client:
                found.append(client.must("DBSIZE").value)
        except ServerDied:
            found.append("appendonly.aof.manifest is missing" in server.log())
    assert found == [0, True]


def test_d95_the_rules_are_asked_about_the_key_that_is_stored(both):
    words = ("GEORADIUS", "k", 1, 1, 1, "m", "STORE", "a", "STORE", "b")

    def answers(client):
        client.must("ACL", "SETUSER", "default", "resetkeys", "~k", "~a")
        try:
            return client.command("COMMAND", "GETKEYS", *words), client.command(*words)
        finally:
            client.must("ACL", "SETUSER", "default", "allkeys")

    reference, candidate = map(answers, both)
    assert [key.value for key in reference[0].value] == [b"k", b"a"]
    assert reference[1] == Reply(Kind.INTEGER, 0)
    assert [key.value for key in candidate[0].value] == [b"k", b"b"]
    assert candidate[1].is_error() and candidate[1].value.startswith(b"NOPERM")


def test_d97_a_string_that_became_longer_has_changed(both):
    def answers(client):
        client.must("DEL", "k")
        client.must("WATCH", "k")
        client.must("BITFIELD", "k", "OVERFLOW", "FAIL", "INCRBY", "u5", 0, -3)
        client.must("MULTI")
        client.must("STRLEN", "k")
        return client.must("EXEC")

    reference, candidate = map(answers, both)
    assert reference == Reply(Kind.ARRAY, (Reply(Kind.INTEGER, 1),))
    assert candidate.is_null()


def test_d98_an_id_with_a_zero_byte(both):
    def answer(client):
        client.must("DEL", "s")
        return client.command("XADD", "s", b"1\x00abc", "field", "value")

    reference, candidate = map(answer, both)
    assert reference == Reply(Kind.BULK, b"1-0")
    assert candidate.is_error() and candidate.value.startswith(b"ERR Invalid stream ID")
