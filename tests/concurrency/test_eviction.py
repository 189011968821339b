"""Many writers over maxmemory: the limit is kept, only what may go goes, and the log holds what has happened."""

import pytest

from concurrency.asking import ask, plain, statistic
from concurrency.conftest import THREADS
from harness import CheckedServer
from harness.crew import Crew, stress_seconds, stress_seed

LIMIT = 24 << 20
# What the connections have read and not executed yet, and a value of each, come on top.
SLACK = 4 << 20
VALUE = b"v" * 300
PERSISTENT = 2000
FILLING = b"f" * 3000


def _write(shift, expiring):
    """Strings, hashes and transactions of new keys; some are read again. Nothing is ever refused."""
    with shift.client() as client:
        for turn in shift.turns(at_least=40):
            batch = []
            for number in range(100):
                key = f"{shift.number}:{turn}:{number}"
                kind = number % 10
                if kind == 0:
                    batch.append(("HSET", key, "field", VALUE, "other", VALUE))
                    batch.append(("EXPIRE", key, 10_000))
                elif kind == 1:
                    batch += [("MULTI",), ("SET", key, VALUE, *expiring), ("INCR", "counter:" + key), ("EXEC",)]
                    batch.append(("EXPIRE", "counter:" + key, 10_000))
                elif kind == 2:
                    batch.append(("GET", f"{shift.number}:{max(0, turn - 3)}:{number + 1}"))
                else:
                    batch.append(("SET", key, VALUE, *expiring))
            for reply in client.pipeline(batch):
                plain(reply)


def _watch_memory(shift):
    with shift.client() as client:
        most = 0
        for _ in shift.turns(at_least=20):
            most = max(most, statistic(client, "memory", "used_memory") - statistic(client, "memory", "mem_aof_buffer"))
        return most


def _digest(client):
    return ask(client, "DEBUG", "DIGEST")


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lfu", "volatile-ttl", "allkeys-random"])
def test_writers_over_the_limit(threads, policy):
    directives = ["--save", "", "--threads", str(threads), "--enable-debug-command", "yes", "--appendonly", "yes"]
    directives += ["--appendfsync", "no", "--maxmemory", str(LIMIT), "--maxmemory-policy", policy]
    with CheckedServer(directives) as server:
        with server.client() as client:
            for number in range(PERSISTENT):
                ask(client, "SET", f"persistent:{number}", "here")
            for first in range(0, LIMIT // len(FILLING), 500):
                client.pipeline([("SET", f"filling:{first + n}", FILLING, "EX", 10_000) for n in range(500)])
            crew = Crew(server.port, stress_seed(), stress_seconds())
            for _ in range(4):
                crew.add(_write, ("EX", 10_000))
            crew.add(_watch_memory)
            most = crew.run()[-1]
            assert most < LIMIT + SLACK, f"{most >> 10} KiB of {LIMIT >> 10} KiB"
            assert statistic(client, "stats", "evicted_keys") > 0
            assert statistic(client, "stats", "expired_keys") == 0
            if policy.startswith("volatile"):
                names = [f"persistent:{number}" for number in range(PERSISTENT)]
                assert ask(client, "EXISTS", *names) == PERSISTENT
            # No writes any more: what is left stays, and comes back from the log.
            ask(client, "CONFIG", "SET", "maxmemory", 0)
            before = _digest(client), ask(client, "DBSIZE")
        server.directives += ["--maxmemory", "0"]
        server.restart()
        with server.client() as client:
            assert (_digest(client), ask(client, "DBSIZE")) == before
