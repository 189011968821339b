"""Scripts on many workers, with and without declared keys: each happens as a whole or not at all."""

from collections import Counter

from concurrency.accounts import ACCOUNTS, SUM_KEPT, check_balances, draw_transfer, open_accounts, sum_now
from concurrency.asking import ask, transaction

TRANSFER = """
local from, to, amount = KEYS[1] or ARGV[2], KEYS[2] or ARGV[3], tonumber(ARGV[1])
local before = tonumber(redis.call('GET', from))
redis.call('SET', from, before - amount)
redis.call('INCRBY', to, amount)
redis.call('RPUSH', 'log:' .. from, amount)
return before
"""
# Writes to the declared key first, so that there is something to take back when the undeclared one is met.
TOUCH_BOTH = "redis.call('INCR', KEYS[1]) redis.call('SADD', 'set:' .. KEYS[1], ARGV[1]) return redis.call('INCR', ARGV[2])"
SUM = "local sum = 0 for _, key in ipairs(ARGV) do sum = sum + redis.call('GET', key) end return sum"


def _transfer(shift, declared):
    added = Counter()
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            source, target, amount = draw_transfer(shift)
            if declared:
                ask(client, "EVAL", TRANSFER, 2, source, target, amount)
            else:
                ask(client, "EVAL", TRANSFER, 0, amount, source, target)
            added.update({source: -amount, target: amount})
    return added


def _transfer_in_transactions(shift):
    added = Counter()
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            source, target, amount = draw_transfer(shift)
            commands = [("EVAL", TRANSFER, 0, amount, source, target), ("GET", source), ("EVAL", SUM, 0, *ACCOUNTS)]
            assert transaction(client, commands)[2] == SUM_KEPT
            added.update({source: -amount, target: amount})
    return added


def _watch_the_sum(shift):
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            assert sum_now(client) == SUM_KEPT
            assert ask(client, "EVAL", SUM, 0, *ACCOUNTS) == SUM_KEPT


def test_scripts_keep_the_sum_whatever_they_declare(server, crew):
    with server.client() as client:
        open_accounts(client)
        crew.add(_transfer, True, times=2)
        crew.add(_transfer, False, times=2)
        crew.add(_transfer_in_transactions)
        crew.add(_watch_the_sum, times=2)
        check_balances(client, crew.run())


def _touch(shift):
    """Scripts that nobody has seen before: their first runs are all taken back."""
    counted = Counter()
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            first, second = shift.random.sample(ACCOUNTS, 2)
            member = f"{shift.number}:{turn}"
            ask(client, "EVAL", f"{TOUCH_BOTH} -- {member}", 1, first, member, second)
            counted.update({first: 1, second: 1})
            counted[f"set:{first}"] += 1
    return counted


def _all_keys(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=5):
            found = ask(client, "EVAL", f"return {{redis.call('DBSIZE'), #redis.call('KEYS', '*')}} -- {turn}", 0)
            assert found[0] == found[1]


def test_a_run_that_was_taken_back_leaves_nothing(server, crew):
    crew.add(_touch, times=4)
    crew.add(_all_keys, times=1)
    expected = Counter()
    for counted in crew.run():
        expected.update(counted or {})
    with server.client() as client:
        for key, count in expected.items():
            if key.startswith("set:"):
                assert ask(client, "SCARD", key) == count
            else:
                assert int(ask(client, "GET", key)) == count


def _change_under_watch(shift):
    """A WATCH ends a transaction only when a script that was not taken back has changed the key."""
    lost = 0
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            before = ask(client, "GET", "watched")
            ask(client, "WATCH", "watched")
            if transaction(client, [("GET", "watched")]) is None:
                lost += 1
                assert ask(client, "GET", "watched") != before
    return Counter(lost=lost)


def _undeclared_increments(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            ask(client, "EVAL", f"redis.call('INCR', KEYS[1]) return redis.call('INCR', 'other') -- {shift.number} {turn}", 1, "watched")


def test_watch_is_exact_with_scripts(server, crew):
    crew.add(_undeclared_increments, times=2)
    crew.add(_change_under_watch, times=2)
    crew.run()
    with server.client() as client:
        assert ask(client, "GET", "watched") == ask(client, "GET", "other")


LIBRARY = """#!lua name=counting
local calls = 0
redis.register_function('calls', function() calls = calls + 1 return calls end)
redis.register_function('draw', function() return tostring(math.random()) end)
"""


def test_variables_of_libraries_and_random_numbers_are_those_of_a_worker(server):
    """D35."""
    with server.client() as client:
        client.must("FUNCTION", "LOAD", "REPLACE", LIBRARY)
        workers = int(client.must("INFO", "server").value.split(b"\r\nthreads:")[1].split()[0])
    clients = [server.client() for _ in range(8)]
    counts = Counter(ask(client, "FCALL", "calls", 0) for client in clients for _ in range(10))
    drawn = [ask(client, "FCALL", "draw", 0) for client in clients for _ in range(10)]
    for client in clients:
        client.close()
    assert 2 <= counts[1] <= workers
    assert sum(counts.values()) == 80 and sorted(counts.values(), reverse=True) == [counts[number] for number in sorted(counts)]
    assert max(Counter(drawn).values()) <= workers  # each worker draws the same sequence
