"""A member of a crew that sends random operations in all ways there are, and records them for the checker of histories."""

import itertools
import time

from concurrency.asking import ask
from harness import ConnectionClosed, encode_command
from harness.linearizability import Operation

PIPELINE_MAX = 3
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


class Commands:
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
                ("RPOP", key), ("LLEN", key), ("LRANGE", key, 0, -1), ("DEL", key),
                ("BLPOP", key, WAIT_S), ("BRPOP", key, WAIT_S),
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
        # The model of the other kinds does not know all keys of a database.
        return self._choice.choice(kinds + (("DBSIZE",),) if self._kind == "several" else kinds)


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


def operate(shift, kind, until_killed=False):
    """Sends random operations until the shift is over, or the server is killed; returns them with what was seen."""
    history = []
    some = Commands(shift, kind)
    try:
        with shift.client() as client:
            ask(client, "SELECT", some.database)
            for turn in shift.turns(at_least=20):
                if shift.random.randrange(8) == 0:
                    _watch(client, shift, some, history)
                    continue
                batch = [some.some() for _ in range(shift.random.randrange(1, PIPELINE_MAX + 1))]
                sent = [_sent(shift.random, commands, f"{shift.number}:{turn}:{at}") for at, commands in enumerate(batch)]
                _exchange(client, shift, [(some.recorded(commands), *how) for commands, how in zip(batch, sent)], history)
    except ConnectionClosed:
        if not until_killed:
            raise
    return history


def _exchange(client, shift, batch, history):
    """Sends everything before any reply is read. What is not answered because the server has ended is recorded as that."""
    invoked = time.monotonic_ns()
    answered = 0
    try:
        client.send_raw(b"".join(encode_command(words) for _, operation, _ in batch for words in operation))
        for commands, operation, results_of in batch:
            *_, last = [client.read_reply() for _ in operation]
            history.append(Operation(shift.number, invoked, time.monotonic_ns(), commands, results_of(last)))
            answered += 1
    except ConnectionClosed:
        noticed = time.monotonic_ns()
        history += [Operation(shift.number, invoked, noticed, commands, None) for commands, _, _ in batch[answered:]]
        raise


def _watch(client, shift, some, history):
    """WATCH, GET and EXEC. A transaction that is done has found what GET had seen: as if it began with the same GET."""
    key = shift.random.choice(TEXTS)
    get, commands = ("GET", key), (("SET", key, some.value()), ("STRLEN", key))
    ask(client, "WATCH", key)
    _exchange(client, shift, [(some.recorded((get,)), (get,), lambda reply: (_seen(reply),))], history)
    (value,) = history[-1].results

    transaction = (("MULTI",), *commands, ("EXEC",))
    recorded = some.recorded((get, *commands))
    _exchange(client, shift, [(recorded, transaction, lambda reply: (value, *(_seen(reply) or ())))], history)
    if len(history[-1].results) == 1:
        history.pop()  # given up, as it should be when the key was touched


def look(client, kind):
    """What is there now, key by key: while nobody else is at work."""
    databases = (0, 1) if kind == "databases" else (0,)
    commands = [("GET", key) if key in TEXTS else ("LRANGE", key, 0, -1) for key in KEYS]
    history = []
    for database in databases:
        ask(client, "SELECT", database)
        for command in commands:
            key = (database, command[1]) if kind == "databases" else command[1]
            invoked = time.monotonic_ns()
            result = ask(client, *command)
            returned = time.monotonic_ns()
            history.append(Operation("look", invoked, returned, ((command[0], key, *command[2:]),), (result,)))
    return history
