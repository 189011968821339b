"""While defragmentation moves everything there is, again and again, nothing that anybody reads is different from what was written."""

from concurrency.accounts import ACCOUNTS, SUM_KEPT, check_balances, draw_transfer, open_accounts, sum_now
from concurrency.asking import ask, plain, statistic, transaction
from harness.waiting import until

MOVE_MONEY = "redis.call('DECRBY', KEYS[1], ARGV[1]) redis.call('INCRBY', KEYS[2], ARGV[1]) return redis.call('MGET', KEYS[1], KEYS[2])"
QUEUE = "queue"
END = b"end"


def _transfer(shift):
    """By EXEC, by scripts and under WATCH; returns what was added to each account."""
    added = {}
    with shift.client() as client:
        for turn in shift.turns(at_least=30):
            source, target, amount = draw_transfer(shift)
            done = True
            if turn % 3 == 0:
                ask(client, "EVAL", MOVE_MONEY, 2, source, target, amount)
            elif turn % 3 == 1:
                transaction(client, [("DECRBY", source, amount), ("INCRBY", target, amount)])
            else:
                ask(client, "WATCH", source, target)
                had = [int(value) for value in ask(client, "MGET", source, target)]
                done = transaction(client, [("SET", source, had[0] - amount), ("SET", target, had[1] + amount)]) is not None
            if done:
                added[source] = added.get(source, 0) - amount
                added[target] = added.get(target, 0) + amount
            assert sum_now(client) == SUM_KEPT
    return added


class _Model:
    """Keys that one member has for itself, and what they hold."""

    def __init__(self, shift, client):
        self._random, self._client, self._name = shift.random, client, f"own:{shift.number}"
        self.strings, self.fields, self.scores, self.elements, self.entries = {}, {}, {}, [], []

    def _key(self, kind):
        return f"{self._name}:{kind}"

    def _text(self):
        length = self._random.choice((5, 20, 90, 90, 300, 2000))
        return b"%d:" % self._random.randrange(10**6) + b"x" * length

    def change(self):
        batch = []
        for _ in range(60):
            number = self._random.randrange(1500)
            text = self._text()
            kind = self._random.randrange(10)
            if kind < 3:
                batch.append(("SET", self._key(number), text))
                self.strings[self._key(number)] = text
            elif kind < 5:
                batch.append(("DEL", self._key(number)))
                self.strings.pop(self._key(number), None)
            elif kind == 5:
                batch.append(("HSET", self._key("hash"), number, text))
                self.fields[b"%d" % number] = text
            elif kind == 6:
                batch.append(("HDEL", self._key("hash"), number))
                self.fields.pop(b"%d" % number, None)
            elif kind == 7:
                batch.append(("ZADD", self._key("zset"), number, text))
                self.scores[text] = b"%d" % number
            elif kind == 8:
                batch.append(("RPUSH", self._key("list"), text))
                self.elements.append(text)
                if len(self.elements) > 1000:
                    batch.append(("LTRIM", self._key("list"), 500, -1))
                    del self.elements[:500]
            else:
                batch.append(("XADD", self._key("stream"), f"{len(self.entries) + 1}-1", "field", text))
                self.entries.append([b"%d-1" % (len(self.entries) + 1), [b"field", text]])
        for reply in self._client.pipeline(batch):
            plain(reply)

    def check(self):
        client = self._client
        keys = list(self.strings)
        if keys:
            assert ask(client, "MGET", *keys) == [self.strings[key] for key in keys]
        got = ask(client, "HGETALL", self._key("hash"))
        assert dict(zip(got[::2], got[1::2])) == self.fields
        got = ask(client, "ZRANGE", self._key("zset"), 0, -1, "WITHSCORES")
        assert dict(zip(got[::2], got[1::2])) == self.scores
        assert ask(client, "LRANGE", self._key("list"), 0, -1) == self.elements
        assert ask(client, "XRANGE", self._key("stream"), "-", "+") == self.entries


def _change_and_check(shift):
    with shift.client() as client:
        model = _Model(shift, client)
        for turn in shift.turns(at_least=12):
            model.change()
            if turn % 4 == 3:
                model.check()
        model.check()


def _come_and_go(shift):
    """Fills and empties a database of its own: tables are detached while they are walked."""
    with shift.client() as client:
        ask(client, "SELECT", 1)
        for turn in shift.turns(at_least=4):
            for number in range(0, 2000, 100):
                ask(client, "MSET", *(word for i in range(100) for word in (f"gone:{number + i}", b"y" * (40 + turn % 50))))
            ask(client, "DEL", *(f"gone:{number}" for number in range(2000) if number % 10))
            assert ask(client, "DBSIZE") == 200
            ask(client, "FLUSHDB")


def _save(shift):
    """Saves one snapshot after the other: cuts walk the tables that are moved."""
    with shift.client() as client:
        for _ in shift.turns(at_least=2):
            if client.command("BGSAVE").is_error():
                continue
            until(lambda: statistic(client, "persistence", "rdb_bgsave_in_progress") == 0)
            assert b"rdb_last_bgsave_status:ok" in ask(client, "INFO", "persistence")


def _push(shift):
    with shift.client() as client:
        pushed = []
        for turn in shift.turns(at_least=20):
            value = b"%d:%d" % (shift.number, turn)
            ask(client, "RPUSH", QUEUE, value)
            pushed.append(value)
        ask(client, "RPUSH", QUEUE, END)
        return pushed


def _wait(shift):
    with shift.client() as client:
        got = []
        while True:
            value = ask(client, "BLPOP", QUEUE, 30)[1]
            if value == END:
                return got
            got.append(value)


def test_everything_is_moved_while_everything_goes_on(server, crew):
    with server.client() as client:
        ask(client, "DEBUG", "FORCE-DEFRAG", 1)
        open_accounts(client)
        hits = statistic(client, "stats", "active_defrag_hits")
        crew.add(_transfer, times=2)
        crew.add(_change_and_check, times=2)
        crew.add(_come_and_go)
        crew.add(_save)
        crew.add(_push)
        crew.add(_wait)
        results = crew.run()
        check_balances(client, results[:2])
        assert results[7] == results[6]
        assert len(ACCOUNTS) == ask(client, "EXISTS", *ACCOUNTS)
        assert statistic(client, "stats", "active_defrag_hits") > hits
        until(lambda: statistic(client, "persistence", "rdb_bgsave_in_progress") == 0)
        digest = ask(client, "DEBUG", "DIGEST")
        moved = statistic(client, "stats", "active_defrag_hits")
        until(lambda: statistic(client, "stats", "active_defrag_hits") > moved + 5000)
        assert ask(client, "DEBUG", "DIGEST") == digest
        ask(client, "DEBUG", "RELOAD")
        assert ask(client, "DEBUG", "DIGEST") == digest
        ask(client, "DEBUG", "FORCE-DEFRAG", 0)
        until(lambda: statistic(client, "memory", "active_defrag_running") == 0)
