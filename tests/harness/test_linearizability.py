"""The checker of histories accepts what one order explains and nothing else: by hand, and against trying all orders."""

import itertools
import random

import pytest

from harness.linearizability import COMMANDS, NotLinearizable, Operation, by_key, check, violation

SEED = 4


def at(client, invoked, returned, *pairs):
    """An operation: at("A", 1, 4, "SET k 1", b"OK"); numbers of SET and keys of one letter."""
    commands = tuple(tuple(text.split()) for text in pairs[::2])
    return Operation(client, invoked, returned, tuple(_typed(command) for command in commands), pairs[1::2])


def _typed(command):
    return tuple(word.encode() if word.isdigit() else word for word in command)


ACCEPTED = {
    "nothing": [],
    "one after the other": [at("A", 1, 2, "SET k 1", b"OK"), at("B", 3, 4, "GET k", b"1"), at("A", 5, 6, "DEL k", 1)],
    "a write under way that is seen": [at("A", 1, 9, "SET k 1", b"OK"), at("B", 2, 3, "GET k", b"1")],
    "a write under way that is not seen yet": [at("A", 1, 9, "SET k 1", b"OK"), at("B", 2, 3, "GET k", None)],
    "a read that was slow": [at("A", 1, 9, "GET k", b"1"), at("B", 2, 3, "SET k 1", b"OK"), at("B", 4, 5, "SET k 2", b"OK")],
    "a read and a write that touch": [at("A", 1, 5, "SET k 1", b"OK"), at("B", 5, 6, "GET k", None)],
    "increments that overtake": [
        at("A", 1, 9, "INCR k", 3), at("B", 2, 9, "INCR k", 1), at("C", 3, 9, "INCR k", 2), at("B", 10, 11, "GET k", b"3"),
    ],
    "a pipeline": [at("A", 1, 5, "SET k 1", b"OK"), at("A", 1, 6, "GET k", b"1"), at("A", 1, 7, "GETDEL k", b"1")],
    "a transaction": [at("A", 1, 4, "INCR k", 1, "INCR k", 2), at("B", 2, 3, "GET k", None), at("B", 3, 5, "GET k", b"2")],
    "a list from both ends": [
        at("A", 1, 5, "RPUSH l 1 2 3", 3), at("B", 2, 6, "LPOP l", b"1"), at("C", 2, 6, "RPOP l", b"3"),
        at("A", 7, 8, "LLEN l", 1),
    ],
    "several keys": [
        at("A", 1, 5, "MSET a 1 b 1", b"OK"),
        at("B", 2, 3, "MGET a b", [None, None]), at("B", 4, 5, "MGET a b", [b"1", b"1"]),
        at("C", 6, 8, "RENAME a b", b"OK"), at("B", 7, 8, "RENAME a b", b"ERR no such key"),
    ],
    "one that waits": [
        at("A", 1, 9, "BLPOP l 0", [b"l", b"2"]), at("B", 2, 3, "RPUSH l 1 2", 2), at("C", 2, 4, "LPOP l", b"1"),
        at("B", 5, 9, "BLMOVE l k LEFT LEFT 0", None),
    ],
}

REJECTED = {
    "a stale read": [at("A", 1, 2, "SET k 1", b"OK"), at("A", 3, 4, "SET k 2", b"OK"), at("B", 5, 6, "GET k", b"1")],
    "a read of nothing": [at("A", 1, 2, "SET k 1", b"OK"), at("B", 3, 9, "GET k", None)],
    "a read from the future": [at("B", 1, 2, "GET k", b"1"), at("A", 3, 4, "SET k 1", b"OK")],
    "a value that nobody wrote": [at("A", 1, 9, "SET k 1", b"OK"), at("B", 2, 8, "GET k", b"3")],
    "a lost update": [at("A", 1, 9, "INCR k", 1), at("B", 2, 8, "INCR k", 1)],
    "an update that is lost later": [
        at("A", 1, 9, "INCR k", 1), at("B", 2, 8, "INCR k", 2), at("C", 10, 11, "GET k", b"1"),
    ],
    "a write that is done twice": [
        at("A", 1, 9, "RPUSH l 1", 1), at("B", 2, 3, "LPOP l", b"1"), at("B", 4, 5, "LPOP l", b"1"),
    ],
    "a read that goes back": [
        at("A", 1, 9, "SET k 1", b"OK"), at("B", 2, 3, "GET k", b"1"), at("C", 4, 5, "GET k", None),
    ],
    "two readers that see two orders": [
        at("A", 1, 9, "SET k 1", b"OK"), at("B", 1, 9, "SET k 2", b"OK"),
        at("C", 2, 3, "GET k", b"1"), at("C", 4, 5, "GET k", b"2"),
        at("D", 2, 3, "GET k", b"2"), at("D", 4, 5, "GET k", b"1"),
    ],
    "a pipeline out of order": [at("A", 1, 5, "GET k", b"1"), at("A", 1, 6, "SET k 1", b"OK")],
    "the middle of a transaction": [at("A", 1, 9, "INCR k", 1, "INCR k", 2), at("B", 2, 8, "GET k", b"1")],
    "half of a write to two keys": [at("A", 1, 9, "MSET a 1 b 1", b"OK"), at("B", 2, 8, "MGET a b", [b"1", None])],
    "one that has waited in vain": [
        at("A", 1, 2, "RPUSH l 1", 1), at("B", 3, 9, "BLPOP l 0", None), at("A", 4, 5, "LLEN l", 1),
    ],
    "a value at two places": [
        at("A", 1, 2, "SET a 1", b"OK"), at("A", 3, 9, "RENAME a b", b"OK"), at("B", 4, 8, "MGET a b", [b"1", b"1"]),
    ],
    "two that were both first": [at("A", 1, 9, "SET k 1 NX", b"OK"), at("B", 2, 8, "SET k 2 NX", b"OK")],
    "an element that two have got": [
        at("A", 1, 2, "RPUSH l 1", 1), at("B", 3, 9, "LPOP l", b"1"), at("C", 4, 8, "RPOP l", b"1"),
    ],
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_right_history_is_accepted(name):
    check(ACCEPTED[name], "abkl")


@pytest.mark.parametrize("name", REJECTED)
def test_a_wrong_history_is_rejected(name):
    with pytest.raises(NotLinearizable, match="no order explains"):
        check(REJECTED[name], "abkl")


def test_databases_are_swapped_as_a_whole():
    def at_once(reply):
        return [
            Operation("A", 1, 2, (("MSET", (0, "a"), b"1", (0, "b"), b"1"),), (b"OK",)),
            Operation("A", 3, 9, (("SWAPDB", 0, 1),), (b"OK",)),
            Operation("B", 4, 8, (("MGET", (0, "a"), (0, "b")),), (reply,)),
            Operation("C", 10, 12, (("MOVE", (1, "a"), 0),), (1,)),
            Operation("D", 10, 13, (("MOVE", (1, "a"), 0),), (0,)),
        ]

    keys = list(itertools.product((0, 1), "ab"))
    assert violation(at_once([b"1", b"1"]), keys) is None and violation(at_once([None, None]), keys) is None
    assert violation(at_once([b"1", None]), keys)


def test_what_was_not_answered_has_happened_or_not():
    unknown = [at("A", 1, 9, "INCR k")._replace(results=None), at("A", 1, 9, "INCR k")._replace(results=None)]
    for counted in (None, b"1", b"2"):
        assert violation([*unknown, at("B", 10, 11, "GET k", counted)], "k") is None
        assert violation([*unknown, at("B", 3, 11, "GET k", counted)], "k") is None
    assert violation([*unknown, at("B", 10, 11, "GET k", b"3")], "k")
    # Not after the client has noticed, and not twice.
    assert violation([*unknown, at("B", 10, 11, "DEL k", 1), at("B", 12, 13, "GET k", b"1")], "k")
    assert violation([*unknown, at("B", 10, 11, "GET k", None), at("B", 12, 13, "GET k", b"1")], "k")
    # The second of a pipeline not without the first.
    unknown[1] = unknown[1]._replace(commands=(("SET", "k", b"5"),))
    assert violation([*unknown, at("B", 2, 3, "SET k 7 NX", None), at("B", 10, 11, "GET k", b"5")], "k") is None
    assert violation([at("B", 2, 12, "SET k 7", b"OK"), at("C", 10, 11, "INCR k", 6), *unknown], "k") is None
    assert violation([*unknown, at("B", 10, 11, "GETDEL k", b"0")], "k")


def test_it_tells_where():
    history = [at("A", 1, 2, "SET k 1", b"OK"), at("A", 3, 4, "SET k 2", b"OK"), at("B", 5, 6, "GET k", b"1")]
    history.append(at("A", 7, 8, "DEL k", 1))
    told = violation(history, "k").splitlines()
    assert told[1] == "  client B from 5 to 6: GET k -> b'1'"
    assert "  {'k': b'2'}" in told and not any("DEL" in line for line in told)


def test_a_history_is_split_by_key():
    history = [at("A", 1, 2, "SET k 1", b"OK", "GET k", b"1"), at("A", 3, 4, "SET l 1", b"OK"), at("B", 5, 6, "GET k", b"1")]
    assert by_key(history) == {"k": [history[0], history[2]], "l": [history[1]]}


def _words(choice, keys):
    (key, other), value = choice.sample(keys, 2), b"%d" % choice.randrange(4)
    on_one = [("GET", key), ("SET", key, value), ("SET", key, value, "NX"), ("INCR", key), ("GETDEL", key), ("DEL", key)]
    on_all = [("MGET", *keys), ("MSET", key, value, other, value), ("RENAME", key, other), ("COPY", key, other)]
    on_all += [("DBSIZE",), ("FLUSHALL",)]
    return choice.choice(choice.choice((on_one, on_all)))


def _simulated(choice, operations, clients, keys):
    """What clients of a right server see: an operation takes effect between its call and its return, one after the other."""
    busy_until = dict.fromkeys(range(clients), 0)
    planned = []
    for moment in range(operations):
        effect = 10 * (moment + 1)
        free = [client for client in busy_until if busy_until[client] < effect]
        if free:
            client = choice.choice(free)
            invoked = max(busy_until[client], effect - choice.randrange(1, 40))
            busy_until[client] = effect + choice.randrange(1, 40)
            planned.append((client, invoked, busy_until[client]))
    state = dict.fromkeys(keys)
    history = []
    for client, invoked, returned in planned:
        commands = tuple(_words(choice, keys) for _ in range(choice.choice((1, 1, 2))))
        results = tuple(COMMANDS[command[0]](state, *command[1:]) for command in commands)
        history.append(Operation(client, invoked, returned, commands, results))
    return history


def _explained_by_trying(history, keys):
    def must_precede(one, other):
        same = history[one].client == history[other].client and one < other
        return same or history[one].returned < history[other].invoked

    for numbers in itertools.permutations(range(len(history))):
        if any(must_precede(later, earlier) for earlier, later in itertools.combinations(numbers, 2)):
            continue
        order = [history[number] for number in numbers]
        state = dict.fromkeys(keys)
        if all(
            COMMANDS[command[0]](state, *command[1:]) == result
            for operation in order
            for command, result in zip(operation.commands, operation.results)
        ):
            return True
    return False


def _spoiled(choice, history):
    """One result of another operation, or other times."""
    number = choice.randrange(len(history))
    other = history[number]
    if choice.randrange(2):
        results = list(other.results)
        results[choice.randrange(len(results))] = choice.choice((None, 1, 2, b"0", b"1", b"OK"))
        return [*history[:number], other._replace(results=tuple(results)), *history[number + 1 :]]
    shift = choice.choice((-50, -25, 25, 50))
    moved = other._replace(client="moved", invoked=other.invoked + shift, returned=other.returned + shift)
    return [*history[:number], moved, *history[number + 1 :]]


def test_it_agrees_with_trying_all_orders():
    choice = random.Random(SEED)
    answers = []
    for _ in range(250):
        history = _simulated(choice, 6, 4, "ab")
        assert _explained_by_trying(history, "ab") and violation(history, "ab") is None, history
        history = _spoiled(choice, history)
        answers.append(_explained_by_trying(history, "ab"))
        assert (violation(history, "ab") is None) == answers[-1], history
    assert answers.count(True) > 25 and answers.count(False) > 25


def test_one_wrong_read_in_a_long_history_is_found():
    choice = random.Random(SEED)
    history = _simulated(choice, 4000, 6, "abc")
    assert violation(history, "abc") is None
    reads = [number for number, operation in enumerate(history) if operation.commands[0][0] == "GET"]
    number = choice.choice(reads[len(reads) // 2 :])
    history[number] = history[number]._replace(results=(b"12345", *history[number].results[1:]))
    assert "12345" in violation(history, "abc")
