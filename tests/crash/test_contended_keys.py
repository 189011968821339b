"""`kill -9` while many clients change the same keys: what is there afterwards is what some order of all operations leaves.

Every operation that was answered has taken effect, in an order that explains all answers; of those that were under way any
may have, as a whole or not at all (harness/linearizability.py). The other tests of kills have writers with keys of their own.
"""

import itertools
import os
import random
import time

import pytest

from concurrency.asking import ask, statistic
from concurrency.operations import KEYS, look, operate
from harness import CheckedServer
from harness.crew import Crew, stress_seed
from harness.linearizability import Operation, check, violation

ROUNDS = 3 * int(os.environ.get("HOLDFAST_EFFORT", "1"))
MEMBERS = 5
THREADS = 4
# How long a round loads before the kill.
LOAD_S = (0.05, 0.5)
MOST_S = 60.0


@pytest.mark.parametrize("kind", ["several", "databases"])
@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_what_a_kill_leaves_is_explained(tmp_path, fsync, kind):
    seed = stress_seed()
    choice = random.Random(seed)
    directives = ["--save", "", "--threads", str(THREADS), "--appendonly", "yes", "--appendfsync", fsync]
    with CheckedServer(directives, directory=tmp_path) as server:
        for turn in range(ROUNDS):
            with server.client() as client:
                ask(client, "FLUSHALL")
                crew = Crew(server.port, seed + turn, MOST_S)
                crew.add(operate, kind, True, times=MEMBERS)
                crew.start()
                while statistic(client, "clients", "connected_clients") <= MEMBERS:
                    time.sleep(0.001)
                if choice.randrange(2):
                    ask(client, "BGREWRITEAOF")
                time.sleep(choice.uniform(*LOAD_S))
            server.kill()
            history = [operation for operations in crew.results() for operation in operations]
            server.start()
            with server.client() as client:
                history += look(client, kind)
            _check(history, KEYS if kind == "several" else list(itertools.product((0, 1), KEYS)))


def _check(history, keys):
    check(history, keys)
    # A last write that is lost is found.
    last = history[-1].returned
    key = keys[0]
    write = Operation("late", last + 1, last + 2, (("SET", key, b"late"),), (b"OK",))
    read = next(each for each in reversed(history) if each.commands == (("GET", key),) and each.client == "look")
    assert violation([*history, write, read._replace(client="late", invoked=last + 3, returned=last + 4)], keys)
