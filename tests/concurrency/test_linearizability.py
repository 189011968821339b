"""What every client has seen is explained by one order of all commands, whichever way they were sent.

Operations of one to three commands: plain, as transactions, after a WATCH, as scripts that declare their keys and as scripts
that do not; several of them in a pipeline; some wait for elements. Every one is recorded with the times of its call and of
its return, and the checker (harness/linearizability.py) looks for an order. Keys that are used alone are checked one by one,
keys that are used together as one object: then a write to two of them that is seen half is found too.
"""

import itertools
import time

from concurrency.asking import ask
from concurrency.operations import KEYS, TEXTS, look, operate
from harness.crew import Crew, stress_seconds, stress_seed
from harness.linearizability import Operation, by_key, check, violation

MEMBERS = 6
# Of one history, which is kept as a whole.
HISTORY_S = 2.0
# Of a history that is made wrong, to show that what is recorded is enough to find that out.
SPOILED_OPERATIONS = 1000


def _histories(server, kind):
    """What crews have done and seen, and what was there in the end; long runs are cut, each part begins with empty keys."""
    seed, left_s = stress_seed(), stress_seconds()
    for part in itertools.count():
        crew = Crew(server.port, seed + part, min(left_s, HISTORY_S))
        crew.add(operate, kind, times=MEMBERS)
        history = [operation for operations in crew.run() for operation in operations]
        with server.client() as client:
            yield history + look(client, kind)
            left_s -= HISTORY_S
            if left_s <= 0:
                return
            ask(client, "FLUSHALL")


def test_every_key_has_one_order(server):
    for history in _histories(server, "one"):
        parts = by_key(history)
        assert set(parts) == set(KEYS)
        for key, operations in parts.items():
            check(operations, [key])
        assert violation(_with_a_stale_read(parts[TEXTS[0]], TEXTS[0]), TEXTS[:1])


def test_keys_that_are_used_together_have_one_order(server):
    for history in _histories(server, "several"):
        check(history, KEYS)
        assert violation(_with_a_stale_read(history, TEXTS[0]), KEYS)


def test_databases_that_are_swapped_have_one_order(server):
    """MOVE and SWAPDB under everything else, also under those that wait for elements."""
    keys = list(itertools.product((0, 1), KEYS))
    for history in _histories(server, "databases"):
        check(history, keys)
        assert violation(_with_a_stale_read(history, (0, TEXTS[0])), keys)


def _with_a_stale_read(history, key):
    """The beginning of it, a write behind all that, and behind this a read of the first value that was seen."""
    beginning = sorted(history, key=lambda each: each.invoked)[:SPOILED_OPERATIONS]
    stale = next((each.results for each in beginning if each.commands == (("GET", key),)), (None,))
    late = max(each.returned for each in beginning) + 1
    write = Operation("late", late, late + 1, (("SET", key, b"late"),), (b"OK",))
    return [*beginning, write, Operation("late", late + 2, late + 3, (("GET", key),), stale)]
