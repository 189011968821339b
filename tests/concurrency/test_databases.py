"""FLUSHALL, SWAPDB, expiry and SCAN while others write: nothing is lost, doubled or half there."""

import time

from concurrency.asking import ask, exchange, statistic, transaction

WRITERS = 3
MARKS = [f"mark:{number}" for number in range(24)]


def _flush(shift):
    """Empties everything and opens a new epoch in one transaction."""
    epoch = 0
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            epoch += 1
            flush = (["FLUSHALL"], ["FLUSHALL", "ASYNC"], ["FLUSHDB", "SYNC"])[turn % 3]
            transaction(client, [flush, ("SET", "epoch", epoch)])
    return epoch


def _mark(shift):
    """Writes the epoch it has seen, only if that has not ended."""
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            ask(client, "WATCH", "epoch")
            epoch = ask(client, "GET", "epoch")
            if epoch is None:
                ask(client, "UNWATCH")
                continue
            keys = shift.random.sample(MARKS, 8)
            writes = [("MSET", *(word for key in keys for word in (key, epoch))), ("SET", f"filler:{turn}", epoch)]
            transaction(client, writes)


def _check_marks(shift):
    seen = 0
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            reads = [("GET", "epoch"), ("MGET", *MARKS), ("DBSIZE",), ("KEYS", "*")]
            epoch, marks, size, keys = transaction(client, reads)
            assert {mark for mark in marks if mark is not None} <= {epoch}, "a key of before FLUSHALL is still there"
            assert size == len(keys) == len(set(keys))
            assert (epoch is not None) == (b"epoch" in keys)
            seen += any(marks)
    return seen


def test_flushing_is_all_or_nothing(server, crew):
    crew.add(_flush)
    crew.add(_mark, times=WRITERS)
    crew.add(_check_marks, times=2)
    *_, seen_first, seen_second = crew.run()
    assert seen_first + seen_second > 0
    with server.client() as client:
        ask(client, "FLUSHALL")
        assert ask(client, "DBSIZE") == 0 and ask(client, "KEYS", "*") == []


SWAPPED = [f"swapped:{number}" for number in range(16)]


def _swap(shift):
    with shift.client() as client:
        for _ in shift.turns(at_least=50):
            ask(client, "SWAPDB", 0, 1)


def _look_at_swapped(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=50):
            values = ask(client, "MGET", *SWAPPED)
            assert values in ([b"A"] * len(SWAPPED), [b"B"] * len(SWAPPED)), values
            first, _, second, _ = transaction(
                client, [("MGET", *SWAPPED), ("SELECT", 1), ("MGET", *SWAPPED), ("SELECT", 0)]
            )
            assert {first[0], second[0]} == {b"A", b"B"} and len(set(first)) == len(set(second)) == 1
            if turn % 10 == 0:
                keys = ask(client, "KEYS", "swapped:*")
                assert set(keys) == {key.encode() for key in SWAPPED}


def _count_in_swapped(shift):
    """Increments in whatever database is 0; also makes and deletes keys, so that tables grow and shrink."""
    increments = 0
    with shift.client() as client:
        for turn in shift.turns(at_least=10):
            filler = [f"filler:{shift.number}:{number}" for number in range(turn % 7 * 20)]
            exchange([client], [[("INCR", "count")] * 20 + [("SET", key, "x") for key in filler]])
            exchange([client], [[("DEL", key) for key in filler]])
            increments += 20
    return increments


def test_swapping_databases_tears_and_loses_nothing(server, crew):
    with server.client() as client:
        for database, letter in enumerate("AB"):
            ask(client, "SELECT", database)
            ask(client, "MSET", *(word for key in SWAPPED for word in (key, letter)))
        crew.add(_count_in_swapped, times=2)
        crew.add(_swap)
        crew.add(_look_at_swapped, times=3)
        first, second, *_ = crew.run()
        counts = []
        for database in range(2):
            ask(client, "SELECT", database)
            counts.append(int(ask(client, "GET", "count") or 0))
        assert sum(counts) == first + second


def _let_expire(shift):
    """Keys that end within milliseconds, some of them saved by PERSIST; returns how many of each."""
    made = saved = 0
    with shift.client() as first, shift.client() as second:
        for turn in shift.turns(at_least=5):
            names = [f"mortal:{shift.number}:{turn}:{number}" for number in range(60)]
            made += len(names)
            exchange([first], [[("SET", name, "v", "PX", shift.random.randrange(1, 8)) for name in names]])
            rescues = [("PERSIST", name) for name in names[:30]]
            visits = [("GET", name) for name in names[15:45]] + [("TTL", name) for name in names[40:]]
            saved += sum(exchange((first, second), (rescues, visits))[0])
    return made, saved


def test_every_key_expires_once_or_not_at_all(server, crew):
    with server.client() as client:
        before = statistic(client, "stats", "expired_keys")
        crew.add(_let_expire, times=4)
        results = crew.run()
        made, saved = (sum(column) for column in zip(*results))
        deadline = time.monotonic() + 30
        while ask(client, "DBSIZE") > saved and time.monotonic() < deadline:
            time.sleep(0.05)
        assert ask(client, "DBSIZE") == len(set(ask(client, "KEYS", "*"))) == saved
        assert statistic(client, "stats", "expired_keys") - before == made - saved


STABLE = [f"stable:{number}" for number in range(1500)]


def _come_and_go(shift):
    """Waves of keys, thousands at a time: tables grow and shrink under the scans."""
    with shift.client() as first, shift.client() as second:
        for turn in shift.turns(at_least=2):
            names = [f"wave:{shift.number}:{number}" for number in range(shift.random.randrange(200, 6000))]
            for start in range(0, len(names), 500):
                some = names[start : start + 500]
                exchange((first, second), ([("SET", name, turn) for name in some], [("GET", some[0])]))
            for start in range(0, len(names), 500):
                exchange([first], [[("DEL", *names[start : start + 500])]])


def _scan(shift):
    """Whole iterations: each returns all that was there all the time, and nothing that never was."""
    iterations = 0
    with shift.client() as client:
        for turn in shift.turns(at_least=2):
            count = shift.random.choice((3, 10, 100, 5000))
            options = ([], ["COUNT", count], ["MATCH", "stable:*", "COUNT", 50], ["TYPE", "string"])[turn % 4]
            found, cursor = set(), b"0"
            while True:
                cursor, keys = ask(client, "SCAN", cursor, *options)
                found.update(keys)
                if cursor == b"0":
                    break
            missing = [key for key in STABLE if key.encode() not in found]
            assert not missing, f"SCAN {options} has left out {missing[:5]} and others, {len(missing)} in all"
            assert all(key.startswith((b"stable:", b"wave:")) for key in found)
            keys = ask(client, "KEYS", "stable:*")
            assert sorted(keys) == sorted(key.encode() for key in STABLE)
            iterations += 1
    return iterations


def test_a_scan_returns_all_that_stays(server, crew):
    with server.client() as client:
        ask(client, "MSET", *(word for key in STABLE for word in (key, "v")))
        crew.add(_come_and_go, times=3)
        crew.add(_scan, times=3)
        crew.run()
        ask(client, "DEL", *STABLE)
        assert ask(client, "DBSIZE") == 0
