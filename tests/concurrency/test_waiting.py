"""Clients that wait for keys: nothing that is pushed is lost or given out twice, and what came first goes first."""

import re
from collections import Counter

import pytest

from concurrency.asking import ask, plain, statistic, transaction
from harness import CheckedServer, encode_command
from harness.crew import Crew, stress_seconds, stress_seed

QUEUES = [f"queue:{number}" for number in range(12)]
STAGES = ("first", "second", "third")
SETS = [f"set:{number}" for number in range(6)]
STREAMS = [f"stream:{number}" for number in range(6)]
GROUP = "group"


def _timeout(shift):
    """Seconds; short ones, so that the time is often over while an element is on its way."""
    return shift.random.choice((0.001, 0.002, 0.005, 0.02))


def _waited(client, *words):
    """The reply to a command that waits, or None: the time was over, or CLIENT UNBLOCK was used."""
    reply = client.command(*words)
    if reply.is_error():
        assert reply.value.startswith(b"UNBLOCKED"), reply
        return None
    return None if reply.is_null() else plain(reply)


def _push(shift):
    """Tokens `member:queue:number`, whose numbers grow. Returns how many there are of each member and queue."""
    pushed = Counter()

    def token(queue):
        pushed[queue] += 1
        return f"{shift.number}:{queue}:{pushed[queue]}"

    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            queues = shift.random.sample(QUEUES, 3)
            kind = turn % 4
            if kind == 0:
                ask(client, "RPUSH", queues[0], token(queues[0]), token(queues[0]))
            elif kind == 1:
                transaction(client, [("RPUSH", queue, token(queue)) for queue in queues])
            elif kind == 2:
                client.pipeline([("RPUSH", queue, token(queue)) for queue in queues * 3])
            else:
                ask(client, "RPUSH", queues[1], token(queues[1]))
    return "pushed", {f"{shift.number}:{queue}": count for queue, count in pushed.items()}


def _pop(shift):
    """Returns all tokens that it got; those of one member and queue must come in order."""
    got, last = [], Counter()
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            queues = shift.random.sample(QUEUES, shift.random.randrange(1, 5))
            if turn % 3:
                answer = _waited(client, "BLPOP", *queues, _timeout(shift))
                tokens = [] if answer is None else [answer[1]]
            else:
                answer = _waited(client, "BLMPOP", _timeout(shift), len(queues), *queues, "LEFT", "COUNT", 3)
                tokens = [] if answer is None else answer[1]
            for token in tokens:
                name, _, number = token.decode().rpartition(":")
                assert answer[0].decode() == name.partition(":")[2]
                assert int(number) > last[name], f"{token} after {last[name]}"
                last[name] = int(number)
            got += tokens
    return "popped", got


def _leave(shift):
    """Goes away, or is killed, while it waits. What was moved meanwhile is in the list `kept`."""
    with shift.client() as observer:
        for turn in shift.turns(at_least=10):
            client = shift.client()
            number = ask(client, "CLIENT", "ID")
            client.send_raw(encode_command(("BLMOVE", shift.random.choice(QUEUES), "kept", "LEFT", "RIGHT", 0)))
            if turn % 3 == 0:
                ask(observer, "PING")
            elif turn % 3 == 1:
                ask(observer, "CLIENT", "KILL", "ID", number)
            client.close()


def _unblock(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=10):
            blocked = [
                re.match(rb"id=(\d+)", line).group(1)
                for line in ask(client, "CLIENT", "LIST").splitlines()
                if re.search(rb" flags=\w*b", line) and re.search(rb" cmd=(b|x)", line)
            ]
            if blocked:
                ask(client, "CLIENT", "UNBLOCK", shift.random.choice(blocked), ("TIMEOUT", "ERROR")[turn % 2])


def _together(results, kind):
    return [result[1] for result in results if result and result[0] == kind]


def test_what_is_pushed_is_popped_once_and_in_order(server, crew):
    crew.add(_push, times=3)
    crew.add(_pop, times=4)
    crew.add(_leave)
    crew.add(_unblock)
    results = crew.run()
    with server.client() as client:
        tokens = [token for got in _together(results, "popped") for token in got]
        assert tokens
        for queue in (*QUEUES, "kept"):
            tokens += ask(client, "LRANGE", queue, 0, -1)
        pushed = [
            f"{name}:{number}".encode()
            for counts in _together(results, "pushed")
            for name, count in counts.items()
            for number in range(1, count + 1)
        ]
        assert sorted(tokens) == sorted(pushed)
        _nobody_waits(client)


def _nobody_waits(client):
    for _ in range(1000):
        if statistic(client, "clients", "blocked_clients") == 0:
            return
    assert False, ask(client, "CLIENT", "LIST").decode()


def _feed(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            ask(client, "LPUSH", f"first:{shift.random.randrange(4)}", f"{shift.number}:{turn}")
    return "pushed", [f"{shift.number}:{number}".encode() for number in range(turn + 1)]


def _hand_on(shift, stage):
    """Moves from a list of one stage to a list of the next: pushes make chains of moves over many partitions."""
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            source = f"{STAGES[stage]}:{shift.random.randrange(4)}"
            target = f"{STAGES[stage + 1]}:{shift.random.randrange(4)}"
            if turn % 2:
                _waited(client, "BLMOVE", source, target, "RIGHT", "LEFT", _timeout(shift))
            else:
                _waited(client, "BRPOPLPUSH", source, target, _timeout(shift))


def _take(shift):
    taken = []
    with shift.client() as client:
        for _ in shift.turns(at_least=30):
            answer = _waited(client, "BRPOP", *(f"third:{number}" for number in range(4)), _timeout(shift))
            taken += [] if answer is None else [answer[1]]
    return "taken", taken


def _run_chains(client, crew):
    crew.add(_feed, times=2)
    for stage in (0, 1):
        crew.add(_hand_on, stage, times=2)
    crew.add(_take, times=2)
    crew.add(_unblock)
    results = crew.run()
    tokens = [token for taken in _together(results, "taken") for token in taken]
    for stage in STAGES:
        for number in range(4):
            tokens += ask(client, "LRANGE", f"{stage}:{number}", 0, -1)
    assert sorted(tokens) == sorted(token for pushed in _together(results, "pushed") for token in pushed)


def test_chains_of_moves_lose_nothing(server, crew):
    with server.client() as client:
        _run_chains(client, crew)
        _nobody_waits(client)


def _add_members(shift):
    added = []
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            member = f"{shift.number}:{turn}"
            ask(client, "ZADD", shift.random.choice(SETS), shift.random.random(), member)
            added.append(member.encode())
    return "added", added


def _pop_members(shift):
    popped = []
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            names = shift.random.sample(SETS, 3)
            if turn % 3 == 0:
                answer = _waited(client, "BZMPOP", _timeout(shift), 3, *names, "MIN", "COUNT", 2)
                popped += [] if answer is None else [member for member, _ in answer[1]]
            else:
                answer = _waited(client, ("BZPOPMIN", "BZPOPMAX")[turn % 2], *names, _timeout(shift))
                popped += [] if answer is None else [answer[1]]
    return "popped", popped


def test_members_of_sorted_sets_are_popped_once(server, crew):
    crew.add(_add_members, times=2)
    crew.add(_pop_members, times=4)
    crew.add(_unblock)
    results = crew.run()
    with server.client() as client:
        members = [member for popped in _together(results, "popped") for member in popped]
        for name in SETS:
            members += ask(client, "ZRANGE", name, 0, -1)
        assert sorted(members) == sorted(member for added in _together(results, "added") for member in added)
        _nobody_waits(client)


def _add_entries(shift):
    added = []
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            names = shift.random.sample(STREAMS, 2)
            values = [f"{shift.number}:{turn}:{name}" for name in names]
            transaction(client, [("XADD", name, "*", "value", value) for name, value in zip(names, values)])
            added += [value.encode() for value in values]
    return "added", added


def _entries(answer):
    return [(name, id, fields[1]) for name, entries in answer or [] for id, fields in entries]


def _consume(shift):
    """As a consumer of the group: every entry is delivered to one of them, to each in the order of its id."""
    values, last = [], {}
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            names = shift.random.sample(STREAMS, 2)
            words = ["GROUP", GROUP, f"consumer:{shift.number}", "COUNT", 2, "BLOCK", shift.random.randrange(1, 20)]
            for name, id, value in _entries(_waited(client, "XREADGROUP", *words, "STREAMS", *names, ">", ">")):
                order = tuple(map(int, id.split(b"-")))
                assert order > last.get(name, (0, 0))
                last[name] = order
                values.append(value)
    return "consumed", values


def _follow(shift):
    """Reads a stream from entry to entry, and sees every one."""
    name, after, seen = shift.random.choice(STREAMS), b"0-0", []
    with shift.client() as client:
        for _ in shift.turns(at_least=30):
            for _, id, value in _entries(_waited(client, "XREAD", "COUNT", 5, "BLOCK", 5, "STREAMS", name, after)):
                after = id
                seen.append(value)
        everything = [fields[1] for _, fields in ask(client, "XRANGE", name, "-", after)]
        assert seen == everything


def test_entries_of_streams_are_delivered_once(server, crew):
    with server.client() as client:
        for name in STREAMS:
            ask(client, "XGROUP", "CREATE", name, GROUP, "0", "MKSTREAM")
        crew.add(_add_entries, times=2)
        crew.add(_consume, times=4)
        crew.add(_follow, times=2)
        crew.add(_unblock)
        results = crew.run()
        values = [value for consumed in _together(results, "consumed") for value in consumed]
        rest = _waited(client, "XREADGROUP", "GROUP", GROUP, "last", "STREAMS", *STREAMS, *[">"] * len(STREAMS))
        values += [value for _, _, value in _entries(rest)]
        assert sorted(values) == sorted(value for added in _together(results, "added") for value in added)
        _nobody_waits(client)


@pytest.mark.parametrize("policy", ["everysec", "always"])
def test_what_is_logged_gives_the_same_data(policy):
    """Pushes and what they have served are in the log in the order in which they happened."""
    directives = ["--save", "", "--threads", "2", "--appendonly", "yes", "--appendfsync", policy]
    with CheckedServer([*directives, "--enable-debug-command", "yes"]) as server, server.client() as client:
        _run_chains(client, Crew(server.port, stress_seed(), stress_seconds(0.5)))
        digest = ask(client, "DEBUG", "DIGEST")
        assert int(digest, 16) != 0 or ask(client, "DBSIZE") == 0
        ask(client, "DEBUG", "LOADAOF")
        assert ask(client, "DEBUG", "DIGEST") == digest
        server.check_alive()
