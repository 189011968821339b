"""RESP3 by hand: HELLO 3 and the kinds of replies that differ."""

from harness import Kind


def _map(reply):
    assert reply.kind is Kind.MAP
    return {key.value: value for key, value in zip(reply.value[::2], reply.value[1::2])}


def test_hello_switches_and_tells(server):
    with server.client() as client:
        assert client.command("GET", "none").kind is Kind.NULL_BULK
        hello = _map(client.must("HELLO", 3, "SETNAME", "by-hand"))
        assert list(hello) == [b"server", b"version", b"proto", b"id", b"mode", b"role", b"modules"]
        assert hello[b"proto"].value == 3 and hello[b"server"].value == b"redis" and hello[b"role"].value == b"master"
        assert client.must("CLIENT", "ID").value == hello[b"id"].value
        assert client.must("CLIENT", "GETNAME").value == b"by-hand"
        assert b"resp=3" in client.must("CLIENT", "INFO").value
        assert client.command("GET", "none").kind is Kind.NULL
        back = client.must("HELLO", 2)
        assert back.kind is Kind.ARRAY and len(back.value) == 14
        assert client.command("GET", "none").kind is Kind.NULL_BULK


def test_kinds_of_replies(server):
    with server.client() as client:
        client.must("HELLO", 3)
        client.must("SET", "k", "v")
        assert [each.kind for each in client.must("MGET", "k", "none").value] == [Kind.BULK, Kind.NULL]
        assert client.must("CONFIG", "GET", "maxmemory").kind is Kind.MAP
        assert client.must("INFO", "server").kind is Kind.VERBATIM
        assert client.must("INFO", "server").value.startswith(b"txt:# Server\r\n")
        assert client.must("CLIENT", "LIST").kind is Kind.VERBATIM
        assert client.must("COMMAND", "DOCS", "GET").kind is Kind.MAP
        (described,) = client.must("COMMAND", "INFO", "GET").value
        assert described.value[2].kind is Kind.SET
        client.must("MULTI")
        assert client.must("INCRBYFLOAT", "f", "1.5").value == b"QUEUED"
        client.must("CONFIG", "GET", "maxmemory")
        assert [each.kind for each in client.must("EXEC").value] == [Kind.BULK, Kind.MAP]
        client.must("WATCH", "k")
        client.must("SET", "k", "w")
        client.must("MULTI")
        assert client.must("EXEC").kind is Kind.NULL


def test_a_bad_version_changes_nothing(server):
    with server.client() as client:
        refused = client.command("HELLO", 4)
        assert refused.value.startswith(b"NOPROTO")
        assert client.command("GET", "none").kind is Kind.NULL_BULK
        assert client.command("HELLO", "three").is_error()
        assert client.command("HELLO", 3, "SETNAME", "a b").is_error()
        assert client.command("GET", "none").kind is Kind.NULL_BULK


def test_the_protocol_changes_behind_what_was_sent_before(server):
    with server.client() as client:
        get = ("GET", "none")
        kinds = [reply.kind for reply in client.pipeline([get, ("HELLO", 3), get, ("RESET",), get])]
        assert kinds == [Kind.NULL_BULK, Kind.MAP, Kind.NULL, Kind.STATUS, Kind.NULL_BULK]
