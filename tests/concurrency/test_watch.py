"""WATCH is exact: what was touched always aborts, what was not touched never does."""

import time

from concurrency.asking import ask, exchange, transaction

SHARED = [f"optimistic:{number}" for number in range(4)]


def _increment_optimistically(shift):
    successes = 0
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            key = shift.random.choice(SHARED)
            ask(client, "WATCH", key)
            before = int(ask(client, "GET", key) or 0)
            successes += transaction(client, [("SET", key, before + 1)]) is not None
    return successes


def test_no_update_is_lost(server, crew):
    crew.add(_increment_optimistically, times=6)
    successes = sum(crew.run())
    with server.client() as client:
        assert sum(int(value or 0) for value in ask(client, "MGET", *SHARED)) == successes > 0


def _transact_alone(shift):
    """Watches keys that only this member writes: EXEC must never give up."""
    keys = [f"mine:{shift.number}:{number}" for number in range(8)]
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            ask(client, "WATCH", *shift.random.sample(keys, 4), "never:there")
            ask(client, "GET", keys[0])
            answer = transaction(client, [("INCR", keys[0]), ("SET", shift.random.choice(keys[1:]), turn)])
            assert answer is not None, "EXEC gave up although nobody has touched a watched key"
            assert answer[0] == turn + 1


def _make_noise(shift):
    """Touches keys in all partitions, lets some expire, and empties and swaps databases that nobody watches."""
    with shift.client() as first, shift.client() as second:
        for _ in shift.turns(at_least=20):
            batches = []
            for _ in range(2):
                names = [f"noise:{shift.random.randrange(5000)}" for _ in range(30)]
                batches.append([("SET", name, "x", "PX", 5) for name in names[:10]])
                batches[-1] += [("SET", name, "y") for name in names[10:20]] + [("DEL", name) for name in names[20:]]
                batches[-1] += [("SELECT", 5), ("SET", "a", 1), ("FLUSHDB",), ("SWAPDB", 5, 6), ("SELECT", 0)]
            exchange((first, second), batches)


def test_nobody_is_aborted_by_others_keys(server, crew):
    crew.add(_transact_alone, times=3)
    crew.add(_make_noise, times=3)
    crew.run()


def _touch(client, key, way):
    """A change of `key` in one of nine ways; the last ends what its own connection watches."""
    if way == 0:
        ask(client, "SET", key, "touched")
    elif way == 1:
        ask(client, "APPEND", key, "!")
    elif way == 2:
        ask(client, "DEL", key)
    elif way == 3:
        ask(client, "PEXPIRE", key, 100000)
    elif way == 4:
        ask(client, "RENAME", key, key + ":away")
    elif way == 5:
        ask(client, "SET", key + ":other", "v")
        ask(client, "RENAME", key + ":other", key)
    elif way == 6:
        assert ask(client, "MOVE", key, 9) == 1
    elif way == 7:
        ask(client, "COPY", key, key + ":copy")
        ask(client, "COPY", key + ":copy", key, "REPLACE")
    else:
        transaction(client, [("SETRANGE", key, 0, "T"), ("GET", key)])


def _touch_what_is_watched(shift):
    with shift.client() as watcher, shift.client() as toucher:
        for turn in shift.turns(at_least=20):
            key = f"watched:{shift.number}:{turn}"
            ask(watcher, "SET", key, "v")
            ask(watcher, "WATCH", *[f"other:{number}" for number in range(turn % 3)], key)
            if turn % 10:
                way = shift.random.randrange(9)
                _touch(toucher, key, way)
            else:
                way = shift.random.randrange(8)
                _touch(watcher, key, way)
            assert transaction(watcher, [("GET", key)]) is None, f"EXEC went on although way {way} touched {key}"
            ask(watcher, "DEL", key)


def test_what_was_touched_always_aborts(server, crew):
    crew.add(_touch_what_is_watched, times=4)
    crew.add(_make_noise, times=2)
    crew.run()


def _let_watched_keys_expire(shift):
    """An EXEC after the end of a watched key gives up, one that went on has found the key alive."""
    aborted = went_on = 0
    with shift.client() as client:
        for turn in shift.turns(at_least=10):
            key = f"mortal:{shift.number}:{turn}"
            ask(client, "SET", key, "v", "PX", 40)
            ask(client, "WATCH", key)
            if not ask(client, "EXISTS", key):
                ask(client, "UNWATCH")  # it was slow: the key had gone before, so its end cannot be noticed any more
                continue
            if turn % 2:
                time.sleep(0.06)
            answer = transaction(client, [("EXISTS", key)])
            assert answer in (None, [1]), answer
            assert answer is None or not turn % 2, "EXEC went on although the watched key has expired"
            aborted += answer is None
            went_on += answer is not None
    return aborted, went_on


def test_an_expired_watched_key_aborts(server, crew):
    crew.add(_let_watched_keys_expire, times=6)
    crew.add(_make_noise, times=1)
    results = [result for result in crew.run() if result]
    assert sum(aborted for aborted, _ in results) > 0


def _watch_the_whole_database(shift):
    """FLUSHALL, FLUSHDB and SWAPDB touch what they remove or bring."""
    with shift.client() as watcher, shift.client() as toucher:
        for turn in shift.turns(at_least=10):
            ask(watcher, "SET", "k", turn)
            ask(watcher, "WATCH", "k")
            ask(toucher, *[("FLUSHALL",), ("FLUSHDB",), ("SWAPDB", 0, 1)][turn % 3])
            assert transaction(watcher, [("PING",)]) is None


def test_flushing_and_swapping_touch_watched_keys(server, crew):
    crew.add(_watch_the_whole_database)
    crew.add(_make_noise, times=2)
    crew.run()
