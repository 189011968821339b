"""What a replica sends, byte by byte, to a primary played by hand, and what it makes of strange answers."""

import pytest

from harness import encode_command
from replication.raw import FakePrimary, Wire, acknowledged, receive_handshake, wait_for_acknowledgement
from replication.stage import digest, until, until_equal
from replication.writers import fill

ID = "0123456789abcdef0123456789abcdef01234567"
OTHER_ID = "f" * 40
MARK = b"m" * 40
START = 1000
SELECT = encode_command(("SELECT", 0))
GETACK = encode_command(("REPLCONF", "GETACK", "*"))


@pytest.fixture
def payload(stage):
    """An RDB of the reference with one key."""
    server = stage.server("redis")
    server.must("SET", "from the payload", "1")
    server.must("SAVE")
    return (server.server.directory / "dump.rdb").read_bytes()


@pytest.fixture
def replica(stage, kind):
    return stage.server(kind)


def full_resync(wire: Wire, payload: bytes, marked: bool = False) -> None:
    wire.send(b"+FULLRESYNC %s %d\r\n" % (ID.encode(), START))
    wire.send(b"$EOF:" + MARK + b"\r\n" + payload + MARK if marked else b"$%d\r\n" % len(payload) + payload)


def serve(payload: bytes, marked: bool = False, then=None):
    """An act: handshake, full synchronization, and what comes `then`, until the replica goes."""

    def act(wire: Wire) -> None:
        receive_handshake(wire)
        full_resync(wire, payload, marked)
        if then:
            then(wire)
        wire.is_closed()

    return act


def has_payload(replica) -> bool:
    return replica.link_is_up() and replica.must("EXISTS", "from the payload") == 1


# The handshake.


def capabilities(kind: str) -> tuple:
    """What a replica can do; Redis takes no notice of words that it does not know."""
    own = ("capa", "proof") if kind == "holdfast" else ()
    return ("REPLCONF", "capa", "eof", "capa", "psync2", *own)


def test_the_bytes_of_the_handshake(replica, kind, payload):
    seen = []

    def act(wire):
        assert wire.raw_command() == b"*1\r\n$4\r\nPING\r\n"
        wire.send(b"+PONG\r\n")
        # All of REPLCONF may come at once, before any of it is answered.
        port = str(replica.port)
        expected = [("REPLCONF", "listening-port", port), capabilities(kind)]
        for words in expected:
            assert wire.raw_command() == encode_command(words)
        wire.send(b"+OK\r\n+OK\r\n")
        seen.append(wire.words())
        full_resync(wire, payload)
        wire.is_closed()

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica))
        # A server that was a primary tries its own history first.
        [psync] = seen
        assert psync[0] == b"PSYNC" and len(psync) == 3
        assert len(psync[1]) == 40 and psync[2] == b"1" or psync[1:] == [b"?", b"-1"]
        info = replica.info()
        assert info["master_replid"] == ID and int(info["slave_repl_offset"]) == START


def test_announcements_and_passwords(stage, kind, payload):
    directives = ["--masterauth", "secret", "--masteruser", "them", "--replica-announce-ip", "10.1.2.3"]
    replica = stage.server(kind, *directives, "--replica-announce-port", 4567)
    expected = [
        ("AUTH", "them", "secret"), ("REPLCONF", "listening-port", "4567"), ("REPLCONF", "ip-address", "10.1.2.3"),
        capabilities(kind),
    ]  # fmt: skip

    def act(wire):
        assert wire.words() == [b"PING"]
        wire.send(b"-NOAUTH Authentication required.\r\n")
        for words in expected:
            assert wire.raw_command() == encode_command(words)
        wire.send(b"+OK\r\n" * len(expected))
        assert wire.words()[0] == b"PSYNC"
        full_resync(wire, payload)
        wire.is_closed()

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica))


@pytest.mark.parametrize("answer", (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n",))
def test_a_password_that_is_refused(stage, kind, payload, answer):
    replica = stage.server(kind, "--masterauth", "secret")

    def refuse(wire):
        wire.words()
        wire.send(b"+PONG\r\n")
        assert wire.words() == [b"AUTH", b"secret"]
        wire.send(answer)
        assert wire.is_closed()

    def accept(wire):
        commands = receive_handshake(wire)
        assert commands[1] == [b"AUTH", b"secret"]
        full_resync(wire, payload)
        wire.is_closed()

    with FakePrimary(refuse, refuse, accept) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica))


def test_answers_of_a_primary_that_knows_little(replica, payload):
    """Errors of REPLCONF do not matter; an unknown PSYNC means SYNC, inline."""

    def act(wire):
        assert wire.words() == [b"PING"]
        wire.send(b"-NOPERM this user has no permissions\r\n")
        for _ in range(2):
            assert wire.words()[0] == b"REPLCONF"
            wire.send(b"-ERR unknown command 'REPLCONF'\r\n")
        assert wire.words()[0] == b"PSYNC"
        wire.send(b"-ERR unknown command 'PSYNC'\r\n")
        assert wire.exactly(6) == b"SYNC\r\n"
        wire.send(b"$%d\r\n" % len(payload) + payload)
        wire.send(SELECT + encode_command(("SET", "streamed", "1")))
        wire.is_closed()

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica) and replica.must("EXISTS", "streamed"))


@pytest.mark.parametrize("answer", (b"-ERR not you\r\n", b"$5\r\nhello\r\n"))
def test_a_strange_pong(replica, payload, answer):
    def refuse(wire):
        assert wire.words() == [b"PING"]
        wire.send(answer)
        assert wire.is_closed() and not wire.buffer

    with FakePrimary(refuse, refuse, serve(payload)) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica))
        assert primary.connections == 3


@pytest.mark.parametrize("answer", (b"-LOADING not yet\r\n", b"-NOMASTERLINK not yet\r\n"))
def test_answers_that_mean_later(replica, payload, answer):
    fill(replica, 50, prefix="old")
    old = digest(replica)

    def later(wire):
        receive_handshake(wire)
        wire.send(answer)
        assert wire.is_closed() and not wire.buffer  # no SYNC
        assert replica.ask_once("DEBUG", "DIGEST").value == old  # it keeps what it has

    with FakePrimary(later, later, serve(payload)) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica))


# The payload.


@pytest.mark.parametrize("marked", (False, True))
@pytest.mark.parametrize("load", ("disabled", "on-empty-db", "swapdb"))
def test_newlines_and_a_slow_payload(stage, kind, payload, marked, load):
    """Newlines before the answer and before the payload are signs of life; the payload comes in small pieces."""
    replica = stage.server(kind, "--repl-diskless-load", load)

    def act(wire):
        receive_handshake(wire)
        for line in (b"\n", b"\n", b"+FULLRESYNC %s %d\r\n" % (ID.encode(), START), b"\n", b"\n"):
            wire.send(line)
        whole = b"$EOF:" + MARK + b"\r\n" + payload + MARK if marked else b"$%d\r\n" % len(payload) + payload
        for position in range(0, len(whole), 7):
            wire.send(whole[position : position + 7])
        if marked:
            assert acknowledged(wire) == START  # at once
        stream = SELECT + encode_command(("SET", "streamed", "1"))
        for position in range(len(stream)):
            wire.send(stream[position : position + 1])
        wait_for_acknowledgement(wire, START + len(stream))
        wire.is_closed()

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica) and replica.must("EXISTS", "streamed"))
        assert primary.connections == 1


def cut_short(wire, payload):
    wire.send(b"$%d\r\n" % len(payload) + payload[: len(payload) // 2])


def cut_short_with_mark(wire, payload):
    wire.send(b"$EOF:" + MARK + b"\r\n" + payload[: len(payload) // 2])


def no_payload_at_all(wire, _):
    wire.send(b"-ERR BGSAVE failed, replication can't continue\r\n")


def not_a_payload(wire, _):
    wire.send(b"+hello\r\n")


@pytest.mark.parametrize("fault", (cut_short, cut_short_with_mark, no_payload_at_all, not_a_payload))
@pytest.mark.parametrize("load", ("disabled", "swapdb"))
def test_a_payload_that_does_not_come(stage, kind, payload, load, fault):
    """The replica keeps its data and comes again."""
    replica = stage.server(kind, "--repl-diskless-load", load)
    fill(replica, 50, prefix="old")
    old = digest(replica)
    seen = []

    def act(wire):
        receive_handshake(wire)
        wire.send(b"+FULLRESYNC %s %d\r\n" % (ID.encode(), START))
        fault(wire, payload)
        wire.socket.shutdown(1)  # writing
        wire.is_closed()

    def look(wire):
        seen.append(replica.ask_once("DEBUG", "DIGEST").value)
        receive_handshake(wire)
        full_resync(wire, payload)
        wire.is_closed()

    with FakePrimary(act, look) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and has_payload(replica))
        assert seen == [old]


# The stream.


def test_acknowledgements(replica, payload):
    """Every second, and at once when asked: then without the bytes of the question. Newlines count."""
    stream = SELECT + encode_command(("SET", "streamed", "1"))

    def act(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wait_for_acknowledgement(wire, START)
        wire.send(stream)
        wait_for_acknowledgement(wire, START + len(stream))
        wire.send(GETACK)
        wait_for_acknowledgement(wire, START + len(stream))
        at = START + len(stream) + len(GETACK)
        wait_for_acknowledgement(wire, at)
        wire.send(encode_command(("ping",)))
        wait_for_acknowledgement(wire, at + 14)

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(primary.has_finished)


def test_an_open_transaction_does_not_count(replica, payload):
    inside = encode_command(("MULTI",)) + encode_command(("SET", "inside", "1")) + encode_command(("INCR", "n"))
    last = encode_command(("EXEC",))

    def act(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wire.send(SELECT + inside)
        until_equal(lambda: int(replica.ask_once("INFO", "replication").value.split(b"slave_read_repl_offset:")[1].split()[0]),
                    START + len(SELECT + inside))  # fmt: skip
        wait_for_acknowledgement(wire, START + len(SELECT))
        assert acknowledged(wire) == START + len(SELECT)
        assert not replica.ask_once("EXISTS", "inside").value
        wire.send(last)
        wait_for_acknowledgement(wire, START + len(SELECT + inside + last))
        assert replica.ask_once("EXISTS", "inside").value

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(primary.has_finished)


def test_it_answers_nothing_but_acknowledgements(replica, payload):
    """Replies to the commands of the stream, errors too, stay inside."""
    commands = (("GET", "from the payload"), ("NO-SUCH-COMMAND",), ("LPUSH", "from the payload", "x"), ("SET", "ok", "1"))
    stream = SELECT + b"".join(map(encode_command, commands[:1] + commands[3:]))

    def act(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wire.send(stream)
        wait_for_acknowledgement(wire, START + len(stream))
        assert replica.ask_once("EXISTS", "ok").value

    with FakePrimary(act) as primary:
        replica.follow(primary.port)
        until(primary.has_finished)


def test_the_database_is_that_of_the_stream(replica, payload):
    """The stream begins in database 0 and stays where the last SELECT was, also after the link was cut."""
    before = encode_command(("SELECT", 3)) + encode_command(("SET", "a", "1"))
    after = encode_command(("SET", "b", "1"))

    def first(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wire.send(before)
        wait_for_acknowledgement(wire, START + len(before))

    def second(wire):
        commands = receive_handshake(wire)
        assert commands[-1] == [b"PSYNC", ID.encode(), b"%d" % (START + len(before) + 1)]
        wire.send(b"+CONTINUE\r\n" + after)
        wait_for_acknowledgement(wire, START + len(before) + len(after))
        wire.is_closed()

    with FakePrimary(first, second) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and "db3" in replica.info("keyspace") and "keys=2" in replica.info("keyspace")["db3"])
        assert replica.info()["master_replid"] == ID


def test_continue_with_another_name(replica, payload):
    """+CONTINUE <id>: the old name of the history stays good up to here."""
    stream = SELECT + encode_command(("SET", "a", "1"))

    def first(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wire.send(stream)
        wait_for_acknowledgement(wire, START + len(stream))

    def second(wire):
        receive_handshake(wire)
        wire.send(b"\n+CONTINUE " + OTHER_ID.encode() + b"\r\n")
        wire.is_closed()

    with FakePrimary(first, second) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and replica.info()["master_replid"] == OTHER_ID)
        info = replica.info()
        assert info["master_replid2"] == ID
        assert int(info["second_repl_offset"]) == START + len(stream) + 1
        assert int(info["slave_repl_offset"]) == START + len(stream)


def test_continue_is_refused_and_everything_comes_again(replica, payload):
    def first(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wire.send(SELECT + encode_command(("SET", "a", "1")))
        wait_for_acknowledgement(wire, START + len(SELECT) + 27)

    def second(wire):
        commands = receive_handshake(wire)
        assert commands[-1][1] == ID.encode()
        wire.send(b"+FULLRESYNC %s 5\r\n$%d\r\n" % (OTHER_ID.encode(), len(payload)) + payload)
        wire.is_closed()

    with FakePrimary(first, second) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and replica.info()["master_replid"] == OTHER_ID and has_payload(replica))
        assert not replica.must("EXISTS", "a")
        info = replica.info()
        assert (info["master_replid2"], info["slave_repl_offset"]) == ("0" * 40, "5")


def test_an_inline_command_ends_the_link(replica, payload):
    """Text on the link is no command of a primary: the link is made again, and everything is asked for again."""

    def first(wire):
        receive_handshake(wire)
        full_resync(wire, payload)
        wait_for_acknowledgement(wire, START)
        wire.send(b"SET inline 1\r\n")
        assert wire.is_closed()

    with FakePrimary(first, serve(payload)) as primary:
        replica.follow(primary.port)
        until(lambda: primary.check() and primary.connections == 2 and has_payload(replica))
        assert not replica.must("EXISTS", "inline")
