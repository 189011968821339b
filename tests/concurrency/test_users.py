"""Users change while their clients work: each command sees one version, and what was taken away is gone."""

import pytest

from concurrency.asking import ask
from harness import ConnectionClosed, Kind
from harness.waiting import until

# What a client may use together, depending on the rules of the moment.
_RULES = (("resetkeys", "~a", "~b", "-@all", "+mget", "+select|0"), ("resetkeys", "~c", "~d", "+@all", "-get"))
_NEVER = (("MGET", "a", "c"), ("MGET", "b", "d"), ("MGET", "a", "b", "c"), ("GET", "a"), ("GET", "c"))
_SOMETIMES = (("MGET", "a", "b"), ("MGET", "c", "d"))


def _change(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=50):
            assert ask(client, "ACL", "SETUSER", "both", *_RULES[turn % 2]) == b"OK"
            rules = ask(client, "ACL", "GETUSER", "both")
            assert rules[7] in (b"~a ~b", b"~c ~d")


def _use(shift):
    """Returns how often each of _SOMETIMES was allowed."""
    allowed = [0] * len(_SOMETIMES)
    with shift.client() as client:
        assert ask(client, "AUTH", "both", "x") == b"OK"
        for _ in shift.turns(at_least=50):
            replies = client.pipeline((*_NEVER, *_SOMETIMES))
            for words, reply in zip(_NEVER, replies):
                assert reply.value.startswith(b"NOPERM"), (words, reply)
            for number, reply in enumerate(replies[len(_NEVER) :]):
                allowed[number] += reply.kind is Kind.ARRAY
    return allowed


@pytest.fixture(autouse=True)
def _users(server):
    with server.client() as client:
        client.must("ACL", "SETUSER", "both", "reset", "on", "nopass", *_RULES[0])
    yield
    with server.client() as client:
        for name in client.must("ACL", "USERS").value:
            if name.value != b"default":
                client.must("ACL", "DELUSER", name.value)


def test_a_command_sees_one_version_of_its_user(server, crew):
    crew.add(_change)
    crew.add(_use, times=3)
    _, *allowed = crew.run()
    assert all(sum(counts) > 0 for counts in zip(*allowed)), allowed


def _come_and_go(shift):
    """Who is removed gets no further reply, whichever thread serves it; its successor of the same name does."""
    name = f"u{shift.number}"
    with shift.client() as admin:
        for turn in shift.turns(at_least=20):
            ask(admin, "ACL", "SETUSER", name, "on", ">" + name, "+@all", "~*", "&*")
            with shift.client() as client:
                assert ask(client, "AUTH", name, name) == b"OK"
                if turn % 3 == 0:
                    client.send("BLPOP", "nothing", "0")
                assert ask(admin, "ACL", "DELUSER", name) == 1
                with pytest.raises(ConnectionClosed):
                    client.command("INCR", "never")
    return turn


def test_who_is_removed_is_not_served(server, crew):
    crew.add(_come_and_go, times=4)
    crew.add(_change)
    crew.run()
    with server.client() as client:
        assert ask(client, "EXISTS", "never") == 0
        assert ask(client, "ACL", "USERS") == [b"both", b"default"]


def _listen(shift):
    """After the right to a channel is gone no message comes any more."""
    name = f"l{shift.number}"
    heard = 0
    with shift.client() as admin:
        for turn in shift.turns(at_least=20):
            ask(admin, "ACL", "SETUSER", name, "on", "nopass", "+@all", "&" + name)
            with shift.client() as client:
                assert ask(client, "AUTH", name, "x") == b"OK"
                client.command("SSUBSCRIBE" if turn % 2 else "SUBSCRIBE", name)
                publish = "SPUBLISH" if turn % 2 else "PUBLISH"
                # The one before, which was closed, may be counted for another moment.
                count = "SHARDNUMSUB" if turn % 2 else "NUMSUB"
                until(lambda: ask(admin, "PUBSUB", count, name)[1] == 1)
                assert ask(admin, publish, name, "before") == 1
                assert client.read_any().value[2].value == b"before"
                heard += 1
                assert ask(admin, "ACL", "SETUSER", name, "resetchannels") == b"OK"
                ask(admin, publish, name, "after")
                assert client.wait_closed()
    return heard


def test_who_may_not_listen_hears_nothing(server, crew):
    crew.add(_listen, times=4)
    assert all(heard > 0 for heard in crew.run())


def _change_password(shift):
    """Changes of one user by many: none is lost."""
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            word = f"{shift.number}-{turn}"
            ask(client, "ACL", "SETUSER", "shared", f">{word}", f"~{word}", "on")
            with shift.client() as other:
                assert ask(other, "AUTH", "shared", word) == b"OK"
            ask(client, "ACL", "SETUSER", "shared", f"<{word}")
    return turn


def test_no_change_is_lost(server, crew):
    crew.add(_change_password, times=4)
    turns = crew.run()
    with server.client() as client:
        rules = ask(client, "ACL", "GETUSER", "shared")
        assert rules[3] == []
        assert len(rules[7].split()) == sum(turns) + len(turns)
