"""What every client has seen is explained by one order of all commands, whichever way they were sent.

Operations of one to three commands: plain, as transactions, after a WATCH, as scripts that declare their keys and as scripts
that do not; several of them in a pipeline. Every one is recorded with the times of its call and of its return, and the
checker (harness/linearizability.py) looks for an order. Keys that are used alone are checked one by one, keys that are used
together as one object: then a write to two of them that is seen half is found too.
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
    """Random commands on keys of their type; every value that is written is another."""

    def __init__(self, shift, together):
        self._choice = shift.random
        self._together = together
        self._values = itertools.count((shift.number + 1) * 1_000_000_000, VALUE_STEP)

    def value(self):
        return b"%d" % next(self._values)

    def some(self):
        """One to three commands, on one key unless keys are used together."""
        key = self._choice.choice(TEXTS * 2 + LISTS)
        count = self._choice.choice((1, 1, 1, 2, 3))
        if not self._together:
            return tuple(self._on_one(key) for _ in range(count))
        return tuple(self._on_any() for _ in range(count))

    def _on_any(self):
        kind = self._choice.choice((self._on_one, self._on_several))
        return ("FLUSHDB",) if self._choice.randrange(200) == 0 else kind(self._choice.choice(TEXTS + LISTS))

    def _on_one(self, key):
        if key in LISTS:
            kinds = (
                ("LPUSH", key, self.value()), ("RPUSH", key, self.value(), self.value()), ("LPOP", key), ("LPOP", key),
                ("RPOP", key), ("RPOP", key), ("LLEN", key), ("LRANGE", key, 0, -1), ("DEL", key),
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
            kinds = (("LMOVE", key, other, *ends), ("LMOVE", key, other, *ends), ("EXISTS", *LISTS, *TEXTS), ("DEL", *LISTS))
            return self._choice.choice(kinds)
        first, second = self._choice.sample(TEXTS, 2)
        pairs = [word for each in (first, second) for word in (each, self.value())]
        kinds = (
            ("MGET", *TEXTS), ("MGET", second, first), ("MSET", *pairs), ("MSETNX", *pairs), ("DEL", first, second),
            ("RENAME", first, second), ("COPY", first, second), ("COPY", first, second, "REPLACE"), ("EXISTS", *TEXTS),
        )
        return self._choice.choice(kinds)


def _keys_of(commands):
    return sorted({word for command in commands for word in command[1:] if word in TEXTS or word in LISTS})


def _sent(choice, commands, number):
    """One way to send the commands together: what goes out, and what of the last reply is their results."""
    way = choice.randrange(8)
    if len(commands) == 1 and way < 4:
        return commands, lambda reply: (_seen(reply),)
    if way < 5:
        return (("MULTI",), *commands, ("EXEC",)), lambda reply: tuple(_seen(reply))
    # One in four has never been seen by the server.
    script = RUN if choice.randrange(4) else f"{RUN}-- {number}"
    words = [word for command in commands for word in (len(command), *command)]
    keys = _keys_of(commands) if way < 7 else []
    return (("EVAL", script, len(keys), *keys, *words),), lambda reply: tuple(_seen(reply))


def _operate(shift, together):
    """Sends random operations until the shift is over; returns them with what was seen."""
    history = []
    some = _Commands(shift, together)
    with shift.client() as client:
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
                history.append(Operation(shift.number, invoked, time.monotonic_ns(), commands, results_of(last)))
    return history


def _watched(client, shift, some):
    """WATCH, GET and EXEC. A transaction that is done has found what GET had seen: as if it began with the same GET."""
    key = shift.random.choice(TEXTS)
    ask(client, "WATCH", key)
    invoked = time.monotonic_ns()
    value = ask(client, "GET", key)
    seen = Operation(shift.number, invoked, time.monotonic_ns(), (("GET", key),), (value,))
    commands = (("SET", key, some.value()), ("STRLEN", key))
    invoked = time.monotonic_ns()
    *_, answer = client.pipeline([("MULTI",), *commands, ("EXEC",)])
    if answer.is_null():
        return [seen]
    results = (value, *_seen(answer))
    return [seen, Operation(shift.number, invoked, time.monotonic_ns(), (("GET", key), *commands), results)]


def _histories(server, together):
    """What crews have done and seen, and what was there in the end; long runs are cut, each part begins with empty keys."""
    seed, left_s = stress_seed(), stress_seconds()
    for part in itertools.count():
        crew = Crew(server.port, seed + part, min(left_s, HISTORY_S))
        crew.add(_operate, together, times=MEMBERS)
        history = [operation for operations in crew.run() for operation in operations]
        with server.client() as client:
            for command in [("GET", key) for key in TEXTS] + [("LRANGE", key, 0, -1) for key in LISTS]:
                invoked = time.monotonic_ns()
                result = ask(client, *command)
                history.append(Operation("end", invoked, time.monotonic_ns(), (command,), (result,)))
            yield history
            left_s -= HISTORY_S
            if left_s <= 0:
                return
            ask(client, "FLUSHALL")


def test_every_key_has_one_order(server):
    for history in _histories(server, together=False):
        parts = by_key(history)
        assert set(parts) == set(TEXTS + LISTS)
        for key, operations in parts.items():
            check(operations, [key])
        assert violation(_with_a_stale_read(parts[TEXTS[0]], TEXTS[0]), TEXTS[:1])


def test_keys_that_are_used_together_have_one_order(server):
    for history in _histories(server, together=True):
        check(history, TEXTS + LISTS)
        assert violation(_with_a_stale_read(history, TEXTS[0]), TEXTS + LISTS)


def _with_a_stale_read(history, key):
    """The beginning of it, a write behind all that, and behind this a read of the first value that was seen."""
    beginning = sorted(history, key=lambda each: each.invoked)[:SPOILED_OPERATIONS]
    stale = next((each.results for each in beginning if each.commands == (("GET", key),)), (None,))
    late = max(each.returned for each in beginning) + 1
    write = Operation("late", late, late + 1, (("SET", key, b"late"),), (b"OK",))
    return [*beginning, write, Operation("late", late + 2, late + 3, (("GET", key),), stale)]
