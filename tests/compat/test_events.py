"""notify-keyspace-events: random commands of every family cause the same events, in the same order, on both servers."""

import os

import pytest

from compat.differences import command_line
from compat.generator import Generator, load_rules

_SEED = int(os.environ.get("HOLDFAST_FUZZ_SEED", "1"))
_COMMANDS_PER_EPOCH = 2500
_EPOCHS = 4
_REPLY_LIMIT_S = 10.0


class Listener:
    """A connection that hears all keyspace events of one server."""

    def __init__(self, server, classes):
        self._client = server.client(timeout_s=_REPLY_LIMIT_S)
        self._client.must("CONFIG", "SET", "notify-keyspace-events", classes)
        self._client.send("PSUBSCRIBE", "__key*__:*")
        self._client.read_any()

    def events(self):
        """All that were published before this call: the channel and the payload of each."""
        self._client.send("PING", "end")
        heard = []
        while True:
            words = [part.value for part in self._client.read_any().value]
            if words == [b"pong", b"end"]:
                return heard
            heard.append((words[2], words[3]))

    def close(self):
        self._client.send("RESET")
        self._client.read_any()
        self._client.must("CONFIG", "SET", "notify-keyspace-events", "")
        self._client.close()


@pytest.fixture
def listeners(pair):
    made = pair.both(lambda server: Listener(server, "KEAmn"))
    yield made
    for listener in made:
        listener.close()


@pytest.mark.parametrize("epoch", range(_EPOCHS))
def test_random_commands_cause_the_same_events(pair, listeners, epoch):
    # The configuration is that of other tests as well.
    generator = Generator(_SEED, epoch, [rule for rule in load_rules() if rule.name != b"CONFIG"])
    said, heard = 0, 0
    clients = pair.clients(_REPLY_LIMIT_S)
    try:
        for client in clients:
            client.must("FLUSHALL")
        while said < _COMMANDS_PER_EPOCH:
            batch = generator.batch()
            for client in clients:
                client.pipeline(batch)
            (reference, missed), (candidate, missed_too) = (_parted(listener.events()) for listener in listeners)
            assert missed == missed_too
            assert reference == candidate, _context(batch, reference, candidate)
            said += len(batch)
            heard += len(reference)
    finally:
        for client in clients:
            client.close()
    assert heard > said / 4


def _parted(events):
    """The events in order; apart from them, sorted, those of keys that are not there: SORT BY and GET meet them in the order of a
    hash table."""
    misses = [e for e in events if e[0].endswith(b":keymiss") or e[1] == b"keymiss"]
    return [event for event in events if event not in misses], sorted(misses)


def _context(batch, reference, candidate):
    """The events around the first difference, and the commands that name its key."""
    pairs = zip(reference + [(b"", b"")], candidate + [(b"", b"")])
    at = next(index for index, (left, right) in enumerate(pairs) if left != right)
    shown = [[(c[:60], p[:60]) for c, p in events[max(0, at - 3) : at + 4]] for events in (reference, candidate)]
    keys = {c.partition(b":")[2] if c.startswith(b"__keyspace") else p for c, p in reference[at : at + 1] + candidate[at : at + 1]}
    lines = [command_line(command)[:200] for command in batch if keys & set(command)]
    return f"{shown[0]}\nagainst {shown[1]}\n" + "\n".join(lines)
