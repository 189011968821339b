"""A command that takes long keeps its own connection waiting and nobody else.

Shown as an order of events: while its reply has not come, every other connection gets thousands of replies. More
connections than workers take part, so some of them share a worker with the long command.
"""

import select

import pytest

from concurrency.asking import ask, exchange, transaction

OTHERS = 12
BATCH = 50
ROUNDS_MIN = 20
RUNS_MAX = 6


def _populate_for_keys(client, size):
    missing = 200000 * size - ask(client, "DBSIZE")
    if missing > 0:
        ask(client, "DEBUG", "POPULATE", 200000 * size, "populated", 10)


def _prepare_lcs(client, size):
    """Longer strings would need more memory than LCS may take: it lasts as long each time."""
    ask(client, "MSET", "left", "abcde" * 2000, "right", "edcba" * 2000)


# Name, what is done first for some size, the command.
LONG = {
    "debug-sleep": (lambda client, size: None, lambda size: ("DEBUG", "SLEEP", 0.5 * size)),
    "lcs": (_prepare_lcs, lambda size: ("LCS", "left", "right", "LEN")),
    "keys": (_populate_for_keys, lambda size: ("KEYS", "*a*b*c*d*e*nothing")),
    "debug-digest": (_populate_for_keys, lambda size: ("DEBUG", "DIGEST")),
}


def _waits(client):
    return not select.select([client], [], [], 0)[0]


@pytest.mark.parametrize("name", LONG)
def test_others_go_on_while_a_long_command_runs(server, name):
    """The command is made larger each time until, while it ran, there were enough rounds: a server that it holds up has none."""
    prepare, command = LONG[name]
    others = [server.client() for _ in range(OTHERS)]
    with server.client(timeout_s=120) as slow:
        try:
            rounds = 0
            for size in (2**run for run in range(RUNS_MAX)):
                prepare(slow, size)
                batches = [
                    [("SET", f"other:{number}", size), ("GET", f"other:{number}"), ("PING",)] * BATCH
                    for number in range(OTHERS)
                ]
                slow.send(*command(size))
                while _waits(slow):
                    exchange(others, batches)
                    rounds += _waits(slow)
                assert not slow.read_reply().is_error()
                if rounds >= ROUNDS_MIN:
                    break
            # Each round is a reply to 150 commands of each other connection.
            assert rounds * 3 * BATCH * OTHERS >= 36000, f"{rounds} rounds while {command(size)} ran: it holds others up"
        finally:
            for other in others:
                other.close()


def test_two_long_commands_and_the_pipeline_behind_them(server):
    """Replies of one connection keep their order: what is sent behind a long command is answered behind it."""
    with server.client() as slow, server.client() as other_slow, server.client() as quick:
        slow.send_raw(b"DEBUG SLEEP 0.6\r\nSET order 1\r\nGET order\r\n")
        other_slow.send_raw(b"DEBUG SLEEP 0.3\r\nPING\r\n")
        assert ask(quick, "GET", "order") is None
        assert other_slow.read_reply().value == b"OK" and other_slow.read_reply().value == b"PONG"
        assert [slow.read_reply().value for _ in range(3)] == [b"OK", b"OK", b"1"]


def test_a_write_beside_a_flush_of_much_is_before_or_behind_it(server):
    """And it is answered whichever it is, without waiting for the keys to be freed."""
    with server.client(timeout_s=120) as slow, server.client() as other:
        _populate_for_keys(slow, 3)
        slow.send("FLUSHALL", "SYNC")
        ask(other, "SET", "beside", "v")
        assert slow.read_reply().value == b"OK"
        survivors = ask(other, "KEYS", "*")
        assert survivors in ([], [b"beside"]) and ask(other, "DBSIZE") == len(survivors)


SORTED = 3000


def _replace_the_list(shift):
    """Every state of the list is of one generation."""
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            elements = [f"{turn}:{number}" for number in range(SORTED)]
            transaction(client, [("DEL", "list"), ("RPUSH", "list", *elements), ("SET", "neighbour", turn)])


def _sort_the_list(shift, store):
    command = ("SORT", "list", "ALPHA", *(("STORE", "sorted") if store else ()))
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            elements = transaction(client, [command, ("LRANGE", "sorted", 0, -1)])[1] if store else ask(client, *command)
            assert len(elements) in (0, SORTED)
            assert len({element.split(b":")[0] for element in elements}) <= 1
            assert elements == sorted(elements)


def test_sort_sees_one_state_though_it_lets_others_in(server, crew):
    crew.add(_replace_the_list, times=2)
    crew.add(_sort_the_list, False, times=2)
    crew.add(_sort_the_list, True)
    crew.run()
