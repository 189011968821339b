"""Whether one order of all operations explains what every client has seen.

    check(history, keys)        # raises NotLinearizable, which tells where no order was left

An operation takes effect at one moment between its call and its return, and the operations of one connection do so in the
order in which they were sent, pipelined or not. Several commands in one operation (MULTI and EXEC, a script) take effect
together. `keys` together are one object: an operation may use several of them. A history in which every operation uses one
key may be split by key: it is linearizable when each of its parts is (Herlihy and Wing, 1990).

The search is that of Wing and Gong (1993) with what Lowe (2017) calls just-in-time linearization. Events are gone through
in order of time, with the set of all configurations that are possible so far:

    configuration = (values of the keys, how many operations of each client have taken effect)

              A  |-----SET k 1-----|
              B     |--GET k--|              at its return {("1", A and B done)} when it has seen 1, and
              C                  |--DEL k--|               {(none, B done)} when it has seen nothing

A call changes none of them. At a return, each configuration in which the operation has not taken effect yet is continued
by whatever calls are open, one after the other and in every order, until it has; an operation only goes on when its results
are those that the client has seen, and reads go on at once. No configuration left: no order explains the history. Equal ones
fall together, and whenever nobody waits for a reply only the different values of the keys are left. So the effort is linear
in the length of the history, and exponential only in the number of clients and operations under way.
"""

import collections
import itertools
from typing import Iterable, NamedTuple, Optional, Sequence

# More than any history of the suites needs by far; a search that goes beyond it has been given too many clients.
CONFIGURATIONS_MAX = 1_000_000
_LAST_OPERATIONS_TOLD = 12


class Operation(NamedTuple):
    """What a client has asked, and seen. Times are those of one clock for all clients, e.g. time.monotonic_ns().

    When the server has ended before it answered, `results` is None: the operation has taken effect before `returned`, the time
    at which the client has noticed, or not at all.
    """

    client: object
    invoked: int
    returned: int
    commands: tuple
    results: Optional[tuple]


class NotLinearizable(AssertionError):
    """No order of the operations explains their results."""


def check(history: Iterable[Operation], keys: Sequence[object]) -> None:
    """Raises NotLinearizable unless `history`, which has begun with empty keys, can be explained."""
    found = violation(history, keys)
    if found:
        raise NotLinearizable(found)


def violation(history: Iterable[Operation], keys: Sequence[object]) -> Optional[str]:
    """Where the history cannot be explained any more, None when it can to its end.

    The operations of each client are in the order in which it has sent them.
    """
    return _Search(history, tuple(keys)).run()


def by_key(history: Iterable[Operation]) -> dict:
    """Key to the operations on it. Every operation uses one key, the second word of its commands."""
    parts = collections.defaultdict(list)
    for operation in history:
        (key,) = {command[1] for command in operation.commands}
        parts[key].append(operation)
    return dict(parts)


class _Search:
    def __init__(self, history: Iterable[Operation], keys: tuple) -> None:
        self._keys = keys
        clients = collections.defaultdict(list)
        for operation in history:
            assert operation.invoked <= operation.returned, operation
            clients[operation.client].append(operation)
        self._lines = list(clients.values())
        self._reads = [[_only_reads(operation) for operation in operations] for operations in self._lines]
        self._called = [0] * len(self._lines)
        # Operations that were not answered and cannot take effect any more.
        self._over: set[tuple] = set()
        # For each operation under way: values before it to values after it, None when it cannot be then.
        self._effects: dict[tuple, dict] = {}

    def run(self) -> Optional[str]:
        events = []
        for line, operations in enumerate(self._lines):
            for number, operation in enumerate(operations):
                # At the same time: calls first, so that the two may have been in either order.
                events += [(operation.invoked, 0, number, line), (operation.returned, 1, number, line)]
        events.sort()
        possible = {((None,) * len(self._keys), (0,) * len(self._lines))}
        for _, is_return, number, line in events:
            if not is_return:
                self._called[line] = number + 1
                self._effects[line, number] = {}
                continue
            before, possible = possible, self._continued(possible, line, number)
            if self._lines[line][number].results is None:
                possible |= before
                self._over.add((line, number))
            if not possible:
                return self._told(before, self._lines[line][number])
            del self._effects[line, number]
        return None

    def _continued(self, possible: set, line: int, number: int) -> set:
        """The configurations in which the operation `number` of `line` has taken effect."""
        done = {each for each in possible if each[1][line] > number}
        if len(done) == len(possible):
            return done
        met = {self._settled(*each) for each in possible - done}
        waiting = list(met)
        while waiting:
            values, counts = waiting.pop()
            if counts[line] > number:
                done.add((values, counts))
                continue
            for other, count in enumerate(counts):
                if count == self._called[other] or (other, count) in self._over:
                    continue
                after = self._after(values, other, count)
                if after is None:
                    continue
                next_one = self._settled(after, (*counts[:other], count + 1, *counts[other + 1 :]))
                if next_one not in met:
                    met.add(next_one)
                    waiting.append(next_one)
            if len(met) > CONFIGURATIONS_MAX:
                raise RuntimeError("too many configurations: fewer clients or shorter pipelines are needed")
        return done

    def _settled(self, values: tuple, counts: tuple) -> tuple:
        """The configuration after all open reads that are possible now.

        Nothing is lost: an order in which they come later also explains what is seen when they come now.
        """
        settled = list(counts)
        for line, called in enumerate(self._called):
            while settled[line] < called and self._reads[line][settled[line]]:
                if (line, settled[line]) in self._over or self._after(values, line, settled[line]) is None:
                    break
                settled[line] += 1
        return values, tuple(settled)

    def _after(self, values: tuple, line: int, number: int) -> Optional[tuple]:
        """The values after the operation, None when it would not have seen what it has seen."""
        known = self._effects[line, number]
        if values not in known:
            known[values] = self._effect(values, self._lines[line][number])
        return known[values]

    def _effect(self, values: tuple, operation: Operation) -> Optional[tuple]:
        state = dict(zip(self._keys, values))
        results = [COMMANDS[command[0]](state, *command[1:]) for command in operation.commands]
        if operation.results is not None and tuple(results) != operation.results:
            return None
        return tuple(state.values())

    def _told(self, possible: set, operation: Operation) -> str:
        everything = sorted((each for line in self._lines for each in line), key=lambda each: each.invoked)
        near = [each for each in everything if each.invoked <= operation.returned][-_LAST_OPERATIONS_TOLD:]
        states = sorted({str(dict(zip(self._keys, values))) for values, _ in possible})
        lines = ["no order explains what this operation has seen:", f"  {_shown(operation)}", "possible before its return:"]
        lines += [f"  {state}" for state in states[:_LAST_OPERATIONS_TOLD]] + ["the last operations:"]
        return "\n".join(lines + [f"  {_shown(each)}" for each in near])


def _only_reads(operation: Operation) -> bool:
    """Its results tell that it changes nothing, whenever it takes effect. Those of a SET of what is there already do not."""
    if operation.results is None:
        return all(command[0] in READS for command in operation.commands)
    pairs = zip(operation.commands, operation.results, strict=True)
    return all(name in READS or name in REFUSED and REFUSED[name] == result for (name, *_), result in pairs)


def _shown(operation: Operation) -> str:
    pairs = zip(operation.commands, operation.results or itertools.repeat("no answer"))
    said = "; ".join(f"{' '.join(map(str, command))} -> {result}" for command, result in pairs)
    return f"client {operation.client} from {operation.invoked} to {operation.returned}: {said}"


# What the commands do: they change `state`, a dict of all keys (None: no such key; bytes; a tuple for a list), and return
# the plain value of the reply. Words are as they are sent, integers as int.

OK = b"OK"
NO_SUCH_KEY = b"ERR no such key"


def _get(state, key):
    return state[key]


def _set(state, key, value, *options):
    old = state[key]
    done = not ("NX" in options and old is not None or "XX" in options and old is None)
    if done:
        state[key] = value
    if "GET" in options:
        return old
    return OK if done else None


def _getset(state, key, value):
    old, state[key] = state[key], value
    return old


def _getdel(state, key):
    return _getset(state, key, None)


def _incrby(state, key, by=1):
    number = int(state[key] or 0) + by
    state[key] = b"%d" % number
    return number


def _strlen(state, key):
    return len(state[key] or b"")


def _del(state, *keys):
    return sum(_getset(state, key, None) is not None for key in keys)


def _exists(state, *keys):
    return sum(state[key] is not None for key in keys)


def _mget(state, *keys):
    return [state[key] for key in keys]


def _mset(state, *pairs):
    state.update(zip(pairs[::2], pairs[1::2]))
    return OK


def _msetnx(state, *pairs):
    if _exists(state, *pairs[::2]):
        return 0
    _mset(state, *pairs)
    return 1


def _rename(state, source, target):
    if state[source] is None:
        return NO_SUCH_KEY
    state[target] = state[source]
    if source != target:
        state[source] = None
    return OK


def _copy(state, source, target, *options):
    if state[source] is None or state[target] is not None and "REPLACE" not in options:
        return 0
    state[target] = state[source]
    return 1


def _flushall(state):
    state.update(dict.fromkeys(state))
    return OK


def _move(state, key, database):
    """Keys are (database, name)."""
    target = (database, key[1])
    if state[key] is None or state[target] is not None:
        return 0
    state[target], state[key] = state[key], None
    return 1


def _swapdb(state, first, second):
    for database, name in state:
        if database == first:
            state[first, name], state[second, name] = state[second, name], state[first, name]
    return OK


def _dbsize(state):
    return _exists(state, *state)


def _lpush(state, key, *elements):
    state[key] = (*reversed(elements), *(state[key] or ()))
    return len(state[key])


def _rpush(state, key, *elements):
    state[key] = (*(state[key] or ()), *elements)
    return len(state[key])


def _lpop(state, key):
    if state[key] is None:
        return None
    first, *rest = state[key]
    state[key] = tuple(rest) or None
    return first


def _rpop(state, key):
    if state[key] is None:
        return None
    *rest, last = state[key]
    state[key] = tuple(rest) or None
    return last


def _llen(state, key):
    return len(state[key] or ())


def _lrange(state, key, first, last):
    """Only whole lists: 0 and -1."""
    assert (first, last) == (0, -1)
    return list(state[key] or ())


def _lmove(state, source, target, end, other_end):
    element = (_lpop if end == "LEFT" else _rpop)(state, source)
    if element is not None:
        (_lpush if other_end == "LEFT" else _rpush)(state, target, element)
    return element


def _blpop(state, key, _timeout):
    """As if it found an element when it took effect; a timeout has once found none."""
    element = _lpop(state, key)
    return None if element is None else [_name(key), element]


def _brpop(state, key, _timeout):
    element = _rpop(state, key)
    return None if element is None else [_name(key), element]


def _blmove(state, source, target, end, other_end, _timeout):
    return _lmove(state, source, target, end, other_end)


def _name(key):
    return (key[1] if isinstance(key, tuple) else key).encode()


COMMANDS = {
    "GET": _get,
    "SET": _set,
    "GETSET": _getset,
    "GETDEL": _getdel,
    "INCR": _incrby,
    "INCRBY": _incrby,
    "STRLEN": _strlen,
    "DEL": _del,
    "EXISTS": _exists,
    "MGET": _mget,
    "MSET": _mset,
    "MSETNX": _msetnx,
    "RENAME": _rename,
    "COPY": _copy,
    "FLUSHALL": _flushall,
    "MOVE": _move,
    "SWAPDB": _swapdb,
    "DBSIZE": _dbsize,
    "LPUSH": _lpush,
    "RPUSH": _rpush,
    "LPOP": _lpop,
    "RPOP": _rpop,
    "LLEN": _llen,
    "LRANGE": _lrange,
    "LMOVE": _lmove,
    "BLPOP": _blpop,
    "BRPOP": _brpop,
    "BLMOVE": _blmove,
}

READS = {"GET", "STRLEN", "EXISTS", "MGET", "DBSIZE", "LLEN", "LRANGE"}
# What these answer only when they have changed nothing.
REFUSED = {
    "GETDEL": None,
    "DEL": 0,
    "MSETNX": 0,
    "RENAME": NO_SUCH_KEY,
    "COPY": 0,
    "LPOP": None,
    "RPOP": None,
    "LMOVE": None,
    "BLPOP": None,
    "BRPOP": None,
    "BLMOVE": None,
    "MOVE": 0,
}
