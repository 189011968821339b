"""Members of a crew that write to a primary: all types, several databases, transactions, scripts, keys that expire."""

import itertools
import time

from compat.mixed_dataset import mixed_commands
from harness import Client, ConnectionClosed, ReplyTimeout
from replication.stage import Actor

_BATCH = 200
_SCRIPT = """
for i = 1, #KEYS do redis.call('INCRBY', KEYS[i], ARGV[1]) end
redis.call('RPUSH', KEYS[1] .. ':log', ARGV[1])
redis.call('LTRIM', KEYS[1] .. ':log', -50, -1)
return redis.call('GET', KEYS[1])
"""
LIBRARY = """#!lua name=shop
redis.register_function('sell', function(keys, args)
  redis.call('HINCRBY', keys[1], args[1], -1)
  return redis.call('ZINCRBY', keys[2], 1, args[1])
end)
"""


def fill(actor: Actor, keys: int = 2000, seed: int = 7, prefix: str = "key") -> None:
    """Keys of all types in several databases; some expire in a far future."""
    with actor.client() as client:
        commands = mixed_commands(keys, seed, prefix)
        while some := list(itertools.islice(commands, _BATCH)):
            for command, reply in zip(some, client.pipeline(some)):
                assert not reply.is_error(), (command[:3], reply)


def fill_brief_keys(actor: Actor, count: int = 300) -> None:
    """Keys that expire while the test runs, on the primary's clock."""
    with actor.client() as client:
        commands = [("SET", f"brief:{i}", i, "PX", 1 + i * 7 % 1500) for i in range(count)]
        assert not any(reply.is_error() for reply in client.pipeline(commands))


def _random_command(dice, name: str) -> list[tuple]:
    key = f"{name}:{dice.randrange(200)}"
    word = dice.randbytes(dice.randrange(40))
    kind = dice.randrange(22)
    single = {
        0: ("SET", key + "s", word), 1: ("APPEND", key + "s", word), 2: ("SETEX", key + "e", dice.randrange(1, 3), word),
        3: ("INCR", key + "i"), 4: ("INCRBYFLOAT", key + "f", dice.random()), 5: ("RPUSH", key + "l", word, word),
        6: ("LPOP", key + "l", 3), 7: ("SADD", key + "S", word, dice.randrange(100)), 8: ("SPOP", key + "S", 2),
        9: ("HSET", key + "h", dice.randrange(50), word), 10: ("HDEL", key + "h", dice.randrange(50)),
        11: ("ZADD", key + "z", dice.random(), word), 12: ("ZPOPMIN", key + "z", 2), 13: ("DEL", key + "s", key + "h"),
        14: ("XADD", key + "x", "MAXLEN", "~", 100, "*", "f", word), 15: ("PEXPIRE", key + "h", dice.randrange(1, 3000)),
        16: ("LMOVE", key + "l", key + "m", "LEFT", "RIGHT"), 17: ("GETEX", key + "s", "EX", 100),
        18: ("SET", key + "p", word, "PX", dice.randrange(1, 50)), 19: ("COPY", key + "s", key + "c", "REPLACE"),
    }  # fmt: skip
    if kind in single:
        return [single[kind]]
    if kind == 20:
        inner = [("INCR", f"{name}:sum"), ("SET", key + "s", word), ("EXPIRE", key + "s", 1000), ("SPOP", key + "S")]
        return [("MULTI",), *inner[: dice.randrange(5)], ("EXEC",)]
    return [("EVAL", _SCRIPT, 2, f"{name}:n1", f"{name}:n2", dice.randrange(100))]


def write_everything(shift, databases=(0, 1, 9)) -> int:
    """Random commands in pipelines until the shift ends, or until the server is gone. Returns how many."""
    name, dice, written = f"w{shift.number}", shift.random, 0
    try:
        with shift.client(timeout_s=60) as client:
            for _ in shift.turns():
                commands = [("SELECT", dice.choice(databases))]
                for _ in range(dice.choice((1, 5, 30))):
                    commands += _random_command(dice, name)
                for command, reply in zip(commands, client.pipeline(commands)):
                    assert not reply.is_error() or reply.value.startswith(_REFUSALS), (command, reply)
                written += len(commands)
    except (ConnectionClosed, ConnectionRefusedError, ConnectionResetError, ReplyTimeout):
        pass
    return written


# What a writer may be told while roles change.
_REFUSALS = (b"READONLY", b"NOREPLICAS", b"LOADING", b"MASTERDOWN", b"EXECABORT", b"UNBLOCKED", b"ERR UNKILLABLE", b"BUSY")


def call_functions(shift) -> int:
    """FCALL until the shift ends; the library is there already."""
    calls = 0
    with shift.client(timeout_s=60) as client:
        for _ in shift.turns():
            words = [("FCALL", "sell", 2, "stock", "sold", shift.random.randrange(30)) for _ in range(10)]
            assert not any(reply.is_error() for reply in client.pipeline(words))
            calls += len(words)
    return calls


def burst(client: Client, count: int, prefix: str = "burst", size: int = 100) -> None:
    """`count` SETs of `size` bytes, in one pipeline."""
    value = b"x" * size
    for start in range(0, count, 1000):
        commands = [("SET", f"{prefix}:{i}", value) for i in range(start, min(count, start + 1000))]
        assert not any(reply.is_error() for reply in client.pipeline(commands))


# Errors after which a client looks for the primary elsewhere; the command had no effect.
_ELSEWHERE = (b"READONLY", b"NOREPLICAS", b"MASTERDOWN", b"LOADING", b"UNBLOCKED")


def append_in_order(shift, ports) -> int:
    """Appends 0, 1, 2... to a list of its own, on whichever of the servers takes writes; each reply must be the length
    that follows from what was acknowledged before. Returns how many were."""
    name, count, turn = ledger(shift.number), 0, 0
    client = Client(ports[0], timeout_s=60)
    while shift.goes_on():
        reply = client.command("RPUSH", name, count)
        if not reply.is_error():
            count += 1
            assert reply.value == count, f"{name}: {reply.value} elements after {count} acknowledged ones"
            if count % 50 != 0:
                continue
            reply = client.command("WAIT", 1, 100)
            if not reply.is_error():
                assert reply.value in (0, 1), reply
                continue
        # This is a replica by now; who waited there is told so and hung up on.
        assert reply.value.startswith(_ELSEWHERE) or b"WAIT cannot be used with replica" in reply.value, reply
        client.close()
        turn += 1
        time.sleep(0.01)
        client = Client(ports[turn % len(ports)], timeout_s=60)
    client.close()
    return count


def ledger(number: int) -> str:
    return f"ledger:{number}"


def check_ledgers(actor: Actor, counts: list[int]) -> None:
    """Each list holds exactly what its writer was told."""
    for number, count in enumerate(counts):
        held = [int(word.value) for word in actor.must("LRANGE", ledger(number), 0, -1)]
        assert held == list(range(count)), f"{ledger(number)}: {len(held)} of {count} elements"
