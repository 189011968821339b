"""What CLIENT LIST tells of connections in every state, and which of them CLIENT KILL closes, by random filters."""

import contextlib
import random
import re

import pytest

from harness import Client
from harness.client import ConnectionClosed
from harness.waiting import until

_LIMIT_S = 10.0
_SEED = 7
_KILLS = 250

# A connection in each state: what it has said.
_STATES = {
    "plain": [],
    "named": [("CLIENT", "SETNAME", "joe"), ("SELECT", "3"), ("GET", "k")],
    "resp3": [("HELLO", "3")],
    "multi": [("MULTI",), ("SET", "k", "v"), ("GET", "k")],
    "watching": [("WATCH", "a", "b")],
    "watching in vain": [("WATCH", "touched")],
    "multi in vain": [("WATCH", "touched"), ("MULTI",), ("PING",)],
    "channels": [("SUBSCRIBE", "a", "b"), ("PSUBSCRIBE", "p*"), ("SSUBSCRIBE", "s")],
    "channels resp3": [("HELLO", "3"), ("SUBSCRIBE", "a")],
    "patterns": [("PSUBSCRIBE", "p*", "q*", "r*")],
    "shard": [("SSUBSCRIBE", "s")],
    "no longer": [("SUBSCRIBE", "a"), ("UNSUBSCRIBE",)],
    "blocked": [("BLPOP", "nothing", "0")],
    "blocked stream": [("XREAD", "BLOCK", "0", "STREAMS", "nothing", "$")],
    "waits": [("WAIT", "5", "0")],
    "monitor": [("MONITOR",)],
    "spared": [("CLIENT", "NO-EVICT", "ON")],
    "tracking": [("HELLO", "3"), ("CLIENT", "TRACKING", "ON")],
    "broadcast": [("HELLO", "3"), ("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", "a")],
    "optin": [("HELLO", "3"), ("CLIENT", "TRACKING", "ON", "OPTIN")],
    "redirected to nobody": [("CLIENT", "TRACKING", "ON", "BCAST")],
    "other user": [("AUTH", "other", "secret")],
    "script": [("EVAL", "return redis.call('get', 'k')", "0")],
    "subcommand": [("CONFIG", "GET", "hz")],
    "failed": [("GET",)],
    "unknown": [("NO-SUCH-COMMAND",)],
    "unknown subcommand": [("CONFIG", "NO-SUCH")],
    "subcommand failed": [("CONFIG", "GET")],
    "refused in MULTI": [("MULTI",), ("WATCH", "a")],
    "refused by rights": [("AUTH", "other", "secret"), ("FLUSHALL",)],
    "reset": [("CLIENT", "SETNAME", "x"), ("SELECT", "2"), ("MULTI",), ("RESET",)],
    "silent": [("CLIENT", "REPLY", "OFF")],
}  # fmt: skip

_SAME = ("name", "flags", "db", "sub", "psub", "ssub", "multi", "qbuf", "argv-mem", "obl", "oll", "omem", "events", "cmd", "user", "redir", "resp")
_WAITING = ("blocked", "blocked stream", "waits")


def _lines(admin) -> dict[str, dict[str, str]]:
    lines = {}
    for line in admin.must("CLIENT", "LIST").value.decode().splitlines():
        fields = dict(field.split("=", 1) for field in line.split(" "))
        lines[fields["id"]] = fields
    return lines


class _Crowd:
    """A connection for each state of `names`, told by its id."""

    def __init__(self, server, names) -> None:
        self.server = server
        self.stack = contextlib.ExitStack()
        self.admin = self.stack.enter_context(server.client(timeout_s=_LIMIT_S))
        self.admin.must("ACL", "SETUSER", "other", "on", ">secret", "~*", "&*", "+@all", "-flushall")
        self.members: dict[str, tuple[Client, str]] = {}
        for name in names:
            self.add(name)

    def add(self, name: str) -> None:
        client = self.stack.enter_context(self.server.client(timeout_s=_LIMIT_S))
        number = str(client.must("CLIENT", "ID").value)
        self.members[name] = (client, number)
        for command in _STATES[name]:
            if command[0] in ("BLPOP", "XREAD", "WAIT"):
                client.send(*command)
                until(lambda: "b" in _lines(self.admin)[number]["flags"])
            elif command[:2] == ("CLIENT", "REPLY"):
                client.send(*command)
                until(lambda: _lines(self.admin)[number]["cmd"] == "client|reply")
            else:
                client.send(*command)
                client.read_any()

    def close(self) -> None:
        self.admin.must("ACL", "DELUSER", "other")
        self.stack.close()


@pytest.fixture
def crowds(pair):
    """The same connections on both; they see what is done to `touched`."""
    made = [_Crowd(server, _STATES) for server in pair.servers]
    for crowd in made:
        crowd.admin.must("SET", "touched", "x")
    yield made
    for crowd in made:
        crowd.close()


def test_the_line_of_each_state(crowds):
    shown = []
    for crowd in crowds:
        lines = _lines(crowd.admin)
        shown.append({name: {field: lines[number][field] for field in _SAME} for name, (_, number) in crowd.members.items()})
    for name in _STATES:
        assert shown[1][name] == shown[0][name], name
    fields = [list(next(iter(_lines(crowd.admin).values()))) for crowd in crowds]
    assert [name for name in fields[1] if name in fields[0]] == fields[0]


def test_types_of_connections(crowds):
    def of_type(crowd, kind):
        listed = re.findall(r"(?m)^id=(\d+) ", crowd.admin.must("CLIENT", "LIST", "TYPE", kind).value.decode())
        return {name for name, (_, number) in crowd.members.items() if number in listed}

    for kind in ("normal", "pubsub", "replica", "master"):
        theirs, ours = (of_type(crowd, kind) for crowd in crowds)
        assert ours == theirs, kind


def _filters(choice: random.Random, names: list[str]) -> list[tuple[str, str]]:
    """Pairs of a word and what it is about; numbers and addresses are put in for each server."""
    found = []
    for word in choice.choices(("ID", "TYPE", "USER", "ADDR", "LADDR", "SKIPME"), k=choice.choice((1, 1, 2, 2, 3, 4))):
        about = {
            "ID": choice.choice(names), "ADDR": choice.choice(names), "LADDR": choice.choice(names + ["nobody"]),
            "TYPE": choice.choice(("normal", "pubsub", "replica", "master")), "USER": choice.choice(("other", "default")),
            "SKIPME": "yes",
        }[word]  # fmt: skip
        found.append((word, about))
    return found


def _kill(crowd, filters, old_form):
    """The answer, and who is gone."""
    lines = _lines(crowd.admin)
    words = []
    for word, about in filters:
        number = crowd.members[about][1] if about in crowd.members else ""
        value = {"ID": number, "ADDR": lines.get(number, {}).get("addr"), "LADDR": lines.get(number, {}).get("laddr", "1.2.3.4:5")}.get(word)
        words += [word, about if value is None else value]
    reply = crowd.admin.command("CLIENT", "KILL", words[-1]) if old_form else crowd.admin.command("CLIENT", "KILL", *words)
    # Nobody is left who is marked to be closed.
    until(lambda: not any("A" in line["flags"] or "c" in line["flags"] for line in _lines(crowd.admin).values()))
    left = _lines(crowd.admin)
    gone = sorted(name for name, (_, number) in crowd.members.items() if number not in left)
    for name in gone:
        crowd.members.pop(name)[0].close()
        crowd.add(name)
    return reply, gone


def test_random_filters_close_the_same(pair):
    names = ["plain", "named", "multi", "channels", "patterns", "blocked", "monitor", "other user", "tracking", "no longer"]
    choice = random.Random(_SEED)
    made = [_Crowd(server, names) for server in pair.servers]
    closed = 0
    try:
        for _ in range(_KILLS):
            filters = _filters(choice, names)
            old_form = filters[-1][0] == "ADDR" and choice.random() < 0.5
            theirs, ours = (_kill(crowd, filters, old_form) for crowd in made)
            assert ours == theirs, (filters, old_form)
            closed += len(theirs[1])
    finally:
        for crowd in made:
            crowd.close()
    assert closed > _KILLS


def test_who_kills_himself_gets_the_answer_first(pair):
    def play(server):
        with server.client(timeout_s=_LIMIT_S) as client:
            number = client.must("CLIENT", "ID").value
            answer = client.command("CLIENT", "KILL", "ID", number, "SKIPME", "no")
            with pytest.raises(ConnectionClosed):
                client.command("PING")
            return answer

    theirs, ours = pair.both(play)
    assert ours == theirs
