"""What many clients change together adds up: at every moment, and exactly at the end."""

from collections import Counter

from concurrency.accounts import ACCOUNTS, SUM_KEPT, check_balances, draw_transfer, open_accounts, sum_now
from concurrency.asking import ask, exchange, transaction


def _transfer_under_watch(shift):
    """Optimistic transfers; returns what this member has added to each account."""
    added = Counter()
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            source, target, amount = draw_transfer(shift)
            ask(client, "WATCH", source, target)
            from_before, to_before = map(int, ask(client, "MGET", source, target))
            writes = [("SET", source, from_before - amount), ("SET", target, to_before + amount)]
            if transaction(client, writes) is not None:
                added.update({source: -amount, target: amount})
    return added


def _transfer_blindly(shift):
    added = Counter()
    with shift.client() as first, shift.client() as second:
        for _ in shift.turns(at_least=5):
            batches = []
            for _ in range(2):
                batch = []
                for _ in range(10):
                    source, target, amount = draw_transfer(shift)
                    batch += [("MULTI",), ("DECRBY", source, amount), ("INCRBY", target, amount), ("EXEC",)]
                    added.update({source: -amount, target: amount})
                batches.append(batch)
            exchange((first, second), batches)
    return added


def _watch_the_sum(shift):
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            assert sum_now(client) == SUM_KEPT
            one_by_one = transaction(client, [("GET", account) for account in ACCOUNTS])
            assert sum(map(int, one_by_one)) == SUM_KEPT


def test_transfers_keep_the_sum_and_none_is_lost(server, crew):
    with server.client() as client:
        open_accounts(client)
        crew.add(_transfer_under_watch, times=3)
        crew.add(_transfer_blindly, times=2)
        crew.add(_watch_the_sum, times=2)
        check_balances(client, crew.run())


def _count(shift, counters):
    """Every reply of INCR is a number that nobody else has got; sums of INCRBY and INCRBYFLOAT are told."""
    got = {counter: [] for counter in counters}
    with shift.client() as first, shift.client() as second:
        for turn in shift.turns(at_least=5):
            counter = counters[turn % len(counters)]
            batch = [("INCR", counter)] * 50 + [("INCRBY", "by", 7), ("DECRBY", "by", 3), ("INCRBYFLOAT", "float", 0.5)]
            for values in exchange((first, second), (batch, batch)):
                assert values[:50] == sorted(values[:50])
                got[counter] += values[:50]
    return got


def test_every_increment_counts_once(server, crew):
    counters = [f"counter:{number}" for number in range(3)]
    crew.add(_count, counters, times=4)
    results = crew.run()
    increments = 0
    with server.client() as client:
        for counter in counters:
            answers = sorted(value for got in results for value in got[counter])
            assert answers == list(range(1, len(answers) + 1))
            assert int(ask(client, "GET", counter) or 0) == len(answers)
            increments += len(answers)
        assert int(ask(client, "GET", "by")) == increments // 50 * 4
        assert float(ask(client, "GET", "float")) == increments // 50 * 0.5


TORN = [f"torn:{number}" for number in range(12)]
PADDING = {False: b"", True: b"x" * 40000}


def _write_alike(shift):
    """Sets all keys to the same token; tokens of one member only grow."""
    with shift.client() as client:
        for turn in shift.turns(at_least=10):
            token = b"%d:%d:" % (shift.number, turn) + PADDING[turn % 50 == 7]
            keys = shift.random.sample(TORN, len(TORN))
            if turn % 2:
                ask(client, "MSET", *(word for key in keys for word in (key, token)))
            else:
                transaction(client, [("SET", key, token) for key in keys])


def _read_alike(shift):
    """Sees one token in all keys, and of each writer never an older one than before."""
    newest = Counter()
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            keys = shift.random.sample(TORN, 6)
            if turn % 2:
                values = ask(client, "MGET", *keys)
            else:
                values = transaction(client, [("GET", key) for key in keys])
            assert len(set(values)) == 1, [value and value[:40] for value in values]
            writer, number, _ = values[0].split(b":")
            assert int(number) >= newest[writer], "a write was seen, and then the one before it"
            newest[writer] = int(number)


def test_no_reader_sees_a_torn_write_or_goes_back_in_time(server, crew):
    with server.client() as client:
        ask(client, "MSET", *(word for key in TORN for word in (key, "99:0:")))
    crew.add(_write_alike, times=3)
    crew.add(_read_alike, times=3)
    crew.run()


PLACES = [f"place:{number}" for number in range(30)]
TOKENS = [b"token:%d" % number for number in range(20)]
_ALL_PLACES = [("SELECT", 0), ("MGET", *PLACES), ("SELECT", 1), ("MGET", *PLACES), ("SELECT", 0)]


def _move_tokens(shift):
    """RENAMENX, MOVE, SWAPDB, and COPY and DEL in one transaction: none loses or overwrites a token."""
    moved = 0
    with shift.client() as client:
        database = 0
        for turn in shift.turns(at_least=50):
            source, target = shift.random.sample(PLACES, 2)
            kind = shift.random.randrange(20)
            if kind < 9:
                reply = client.command("RENAMENX", source, target)
                assert not reply.is_error() or reply.value == b"ERR no such key", reply
                moved += reply.value == 1
            elif kind < 14:
                moved += ask(client, "MOVE", source, 1 - database)
            elif kind < 18:
                ask(client, "WATCH", source, target)
                if ask(client, "EXISTS", source) and not ask(client, "EXISTS", target):
                    moved += transaction(client, [("COPY", source, target), ("DEL", source)]) is not None
                else:
                    ask(client, "UNWATCH")
            elif kind < 19:
                ask(client, "SWAPDB", 0, 1)
            else:
                database = 1 - database
                ask(client, "SELECT", database)
    return moved


def _count_tokens(shift):
    with shift.client() as client:
        for _ in shift.turns(at_least=20):
            _, first, _, second, _ = transaction(client, _ALL_PLACES)
            assert sorted(value for value in first + second if value is not None) == sorted(TOKENS)


def test_moved_keys_are_neither_lost_nor_doubled(server, crew):
    with server.client() as client:
        ask(client, "MSET", *(word for pair in zip(PLACES, TOKENS) for word in pair))
        crew.add(_move_tokens, times=4)
        crew.add(_count_tokens, times=2)
        assert sum(moved or 0 for moved in crew.run()) > 0
        _, first, _, second, _ = transaction(client, _ALL_PLACES)
        assert sorted(value for value in first + second if value is not None) == sorted(TOKENS)
