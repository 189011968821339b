"""What every client has seen is explained by one order of all commands, whichever way they were sent.

Operations of one to three commands: plain, as transactions, after a WATCH, as scripts that declare their keys and as scripts
that do not; several of them in a pipeline; some wait for elements. Every one is recorded with the times of its call and of
its return, and the checker (harness/linearizability.py) looks for an order. Keys that are used alone are checked one by one,
keys that are used together as one object: then a write to two of them that is seen half is found too.
"""

import itertools
import time

from concurrency.asking import ask
from harness import encode_command
from harness.crew import Crew, stress_seconds, stress_seed
from harness.linearizability import Operation, by_key, check, violation

MEMBERS = 6
PIPELINE_MAX = 3
# Of one history, which is kept as a whole.
HISTORY_S = 2.0
# Of a history that is made wrong, to show that what is recorded is enough to find that out.
SPOILED_OPERATIONS = 1000
# Between two values: increments do not bridge it.
VALUE_STEP = 1000
TEXTS = ["text:1", "text:2", "text:3"]
LISTS = ["list:1", "list:2"]
KEYS = TEXTS + LISTS
# Of commands that wait for an element; a wait that is over without one is recorded too.
WAIT_S = 0.004
NOT_IN_SCRIPTS = ("BLPOP", "BRPOP", "BLMOVE")

# Runs the commands in ARGV, each behind the number of its words.
RUN = """
local results, at = {}, 1
while ARGV[at] do
  local words = {}
  for n = 1, tonumber(ARGV[at]) do words[n] = ARGV[at + n] end
  results[#results + 1] = redis.pcall(unpack(words))
  at = at + #words + 1
end
return results
"""


def _seen(reply):
    """The plain value of a reply; errors are values too."""
    return [_seen(element) for element in reply.value] if isinstance(reply.value, tuple) else reply.value


class _Commands:
    """Random commands on keys of their type; every value that is written is another.

    One key in each operation, several, or several of two databases.
    """

    def __init__(self, shift, kind):
        self._choice = shift.random
        self._kind = kind
        self._values = itertools.count((shift.number + 1) * 1_000_000_000, VALUE_STEP)
        # A member stays in one of the two.
        self.database = shift.number % 2 if kind == "databases" else 0

    def recorded(self, commands):
        """The commands with the keys by which the checker knows them."""
        if self._kind != "databases":
            return commands
        return tuple(
            tuple((self.database, word) if at and word in KEYS else word for at, word in enumerate(command))
            for command in commands
        )

    def value(self):
        return b"%d" % next(self._values)

    def some(self):
        """One to three commands, on one key unless keys are used together."""
        key = self._choice.choice(TEXTS + KEYS)
        count = self._choice.choice((1, 1, 1, 2, 3))
        if self._kind == "one":
            return tuple(self._on_one(key) for _ in range(count))
        return tuple(self._on_any() for _ in range(count))

    def _on_any(self):
        key, kind = self._choice.choice(KEYS), self._choice.randrange(200)
        if kind == 0:
            return ("FLUSHALL",)
        if self._kind == "databases" and kind < 30:
            return ("SWAPDB", 0, 1) if kind < 4 else ("MOVE", key, 1 - self.database)
        return self._on_one(key) if kind % 2 else self._on_several(key)

    def _on_one(self, key):
        if key in LISTS:
            kinds = (
                ("LPUSH", key, self.value()), ("RPUSH", key, self.value(), self.value()), ("LPOP", key), ("LPOP", key),
                ("RPOP", key), ("LLEN", key), ("LRANGE", key, 0, -1), ("DEL", key), ("BLPOP", key, WAIT_S), ("BRPOP", key, WAIT_S),
            )
        else:
            kinds = (
                ("GET", key), ("GET", key), ("GET", key), ("SET", key, self.value()), ("SET", key, self.value(), "NX"),
                ("SET", key, self.value(), "XX"), ("SET", key, self.value(), "GET"), ("GETSET", key, self.value()),
                ("GETDEL", key), ("INCR", key), ("INCRBY", key, 7), ("STRLEN", key), ("EXISTS", key), ("DEL", key),
            )
        return self._choice.choice(kinds)

    def _on_several(self, key):
        if key in LISTS:
            other = self._choice.choice(LISTS)
            ends = (self._choice.choice(("LEFT", "RIGHT")), self._choice.choice(("LEFT", "RIGHT")))
            kinds = (
                ("LMOVE", key, other, *ends), ("LMOVE", key, other, *ends), ("BLMOVE", key, other, *ends, WAIT_S),
                ("EXISTS", *KEYS), ("DEL", *LISTS),
            )
            return self._choice.choice(kinds)
        first, second = self._choice.sample(TEXTS, 2)
        pairs = [word for each in (first, second) for word in (each, self.value())]
        kinds = (
            ("MGET", *TEXTS), ("MGET", second, first), ("MSET", *pairs), ("MSETNX", *pairs), ("DEL", first, second),
            ("RENAME", first, second), ("COPY", first, second), ("COPY", first, second, "REPLACE"), ("EXISTS", *TEXTS),
        )
        return self._choice.choice(kinds)


def _keys_of(commands):
    return sorted({word for command in commands for word in command[1:] if word in KEYS})


def _sent(choice, commands, number):
    """One way to send the commands together: what goes out, and what of the last reply is their results."""
    way = choice.randrange(8)
    if len(commands) == 1 and way < 4:
        return commands, lambda reply: (_seen(reply),)
    if way < 5 or any(command[0] in NOT_IN_SCRIPTS for command in commands):
        return (("MULTI",), *commands, ("EXEC",)), lambda reply: tuple(_seen(reply))
    # One in four has never been seen by the server.
    script = RUN if choice.randrange(4) else f"{RUN}-- {number}"
    words = [word for command in commands for word in (len(command), *command)]
    keys = _keys_of(commands) if way < 7 else []
    return (("EVAL", script, len(keys), *keys, *words),), lambda reply: tuple(_seen(reply))


def _operate(shift, kind):
    """Sends random operations until the shift is over; returns them with what was seen."""
    history = []
    some = _Commands(shift, kind)
    with shift.client() as client:
        ask(client, "SELECT", some.database)
        for turn in shift.turns(at_least=20):
            if shift.random.randrange(8) == 0:
                history += _watched(client, shift, some)
                continue
            batch = [some.some() for _ in range(shift.random.randrange(1, PIPELINE_MAX + 1))]
            sent = [_sent(shift.random, commands, f"{shift.number}:{turn}:{at}") for at, commands in enumerate(batch)]
            wire = b"".join(encode_command(words) for words_of_one, _ in sent for words in words_of_one)
            invoked = time.monotonic_ns()
            client.send_raw(wire)
            for commands, (words_of_one, results_of) in zip(batch, sent):
                *_, last = [client.read_reply() for _ in words_of_one]
                seen = results_of(last)
                history.append(Operation(shift.number, invoked, time.monotonic_ns(), some.recorded(commands), seen))
    return history


def _watched(client, shift, some):
    """WATCH, GET and EXEC. A transaction that is done has found what GET had seen: as if it began with the same GET."""
    key = shift.random.choice(TEXTS)
    ask(client, "WATCH", key)
    invoked = time.monotonic_ns()
    value = ask(client, "GET", key)
    seen = Operation(shift.number, invoked, time.monotonic_ns(), some.recorded((("GET", key),)), (value,))
    commands = (("SET", key, some.value()), ("STRLEN", key))
    invoked = time.monotonic_ns()
    *_, answer = client.pipeline([("MULTI",), *commands, ("EXEC",)])
    if answer.is_null():
        return [seen]
    recorded = some.recorded((("GET", key), *commands))
    return [seen, Operation(shift.number, invoked, time.monotonic_ns(), recorded, (value, *_seen(answer)))]


def _histories(server, kind):
    """What crews have done and seen, and what was there in the end; long runs are cut, each part begins with empty keys."""
    seed, left_s = stress_seed(), stress_seconds()
    for part in itertools.count():
        crew = Crew(server.port, seed + part, min(left_s, HISTORY_S))
        crew.add(_operate, kind, times=MEMBERS)
        history = [operation for operations in crew.run() for operation in operations]
        with server.client() as client:
            for database, key in itertools.product((0, 1) if kind == "databases" else (0,), KEYS):
                words = ("GET",) if key in TEXTS else ("LRANGE", 0, -1)
                name = (database, key) if kind == "databases" else key
                ask(client, "SELECT", database)
                invoked = time.monotonic_ns()
                result = ask(client, words[0], key, *words[1:])
                history.append(Operation("end", invoked, time.monotonic_ns(), ((words[0], name, *words[1:]),), (result,)))
            yield history
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
