"""CONFIG SET of every directive of the reference, to everything that it may be and much that it may not be."""

import random

import pytest

from compat.config_texts import NOT_COMPARED, directives, texts
from compat.pair import Pair
from harness import format_reply

_LIMIT_S = 30.0
# Random changes leave alone what would end connections, move listeners or write files.
_KEPT = NOT_COMPARED | {b"port", b"tls-port", b"bind", b"appendonly", b"maxclients", b"client-output-buffer-limit", b"timeout",
                        b"maxmemory-clients", b"requirepass", b"dir"}
_CHANGES = 1500
_SEED = 20


@pytest.fixture
def connected():
    """A pair of its own, with a connection to each that no limit ends."""
    with Pair() as pair:
        clients = pair.clients(_LIMIT_S)
        for client in clients:
            client.must("CLIENT", "NO-EVICT", "ON")
        yield clients
        for client in clients:
            client.close()


def _shown(replies) -> list[str]:
    return [format_reply(reply) for reply in replies]


def _differences(connected, said: list[list]) -> list[str]:
    """Plays the same on both; a line for each command with different answers."""
    reference, candidate = (client.pipeline(said) for client in connected)
    return [
        f"{command}: {format_reply(theirs)} | {format_reply(ours)}"
        for command, theirs, ours in zip(said, reference, candidate)
        if theirs != ours
    ]


def test_all_directives_are_there_with_their_defaults(connected):
    reference, candidate = (directives(client) for client in connected)
    assert len(reference) > 190
    for name in NOT_COMPARED | {b"port", b"dir"}:
        del reference[name]
    assert {name: candidate.get(name) for name in reference} == reference


def test_every_directive_to_everything(connected):
    reference, _ = connected
    tables = [directives(client) for client in connected]
    found, asked = [], 0
    for name in tables[0].keys() - NOT_COMPARED - {b"port", b"dir"}:
        value = tables[0][name]
        said = []
        for text in texts(reference, name):
            said += [["CONFIG", "SET", name, text], ["CONFIG", "GET", name], ["CONFIG", "SET", name, value]]
        reference.command("CONFIG", "SET", name, value)
        found += _differences(connected, said)
        asked += len(said)
    assert asked > 30_000
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", [b"port", b"dir"])
def test_what_each_server_has_for_itself(connected, name):
    """The same as above, but that the values of the two servers differ."""
    found = []
    for client in connected:
        value = directives(client)[name]
        said = [["CONFIG", "SET", name, text] for text in [value] + texts(connected[0], name)[1:]]
        found.append(_shown(client.pipeline(said)))
        assert directives(client)[name] == value
    assert found[0] == found[1] and any(text.startswith("-ERR") for text in found[0])


def _bad_ends(connected) -> list[list]:
    """What makes a whole CONFIG SET fail, early and late."""
    return [["maxmemory-samples", "0"], ["appendfsync", "sometimes"], ["databases", "4"], ["dbfilename", "x"], ["no-such-directive", "1"],
            ["lfu-decay-time", "1", "lfu-decay-time", "1"], ["bind", "192.0.2.1"]]  # fmt: skip


def test_many_at_once_are_all_or_nothing(connected):
    reference, _ = connected
    table = directives(reference)
    found = []
    for name in table.keys() - _KEPT:
        accepted = [text for text in texts(reference, name) if not reference.command("CONFIG", "SET", name, text).is_error()]
        reference.command("CONFIG", "SET", name, table[name])
        said = []
        for bad in _bad_ends(connected):
            for text in accepted[-1:] or [b"yes"]:
                said += [["CONFIG", "SET", name, text, *bad], ["CONFIG", "GET", name],
                         ["CONFIG", "SET", *bad, name, text], ["CONFIG", "GET", name], ["CONFIG", "GET", bad[0]]]  # fmt: skip
        found += _differences(connected, said)
    assert not found, "\n".join(found)
    kept = NOT_COMPARED | {b"port", b"dir"}
    after = [directives(client) for client in connected]
    assert {name: after[1][name] for name in table.keys() - kept} == {name: table[name] for name in table.keys() - kept}


def test_everything_at_once(connected):
    """All values that there are, in one command."""
    said = []
    for client in connected:
        table = {name: value for name, value in directives(client).items() if name not in NOT_COMPARED}
        settable = [name for name, value in table.items() if not client.command("CONFIG", "SET", name, value).is_error()]
        said.append((set(settable), client.command("CONFIG", "SET", *(part for name in settable for part in (name, table[name])))))
    (theirs, their_answer), (ours, our_answer) = said
    assert theirs <= ours and len(theirs) > 140
    assert format_reply(their_answer) == format_reply(our_answer) == "+OK"


def test_random_changes(connected):
    reference, _ = connected
    choice = random.Random(_SEED)
    names = sorted(directives(reference).keys() - _KEPT)
    pools = {}
    for name in names:
        value = directives(reference)[name]
        pools[name] = texts(reference, name)
        reference.command("CONFIG", "SET", name, value)
    said = []
    for _ in range(_CHANGES):

        chosen = choice.sample(names, choice.choice((1, 2, 2, 3, 5)))
        said.append(["CONFIG", "SET", *(part for name in chosen for part in (name, choice.choice(pools[name])))])
        said += [["CONFIG", "GET", name] for name in chosen]
    found = _differences(connected, said)
    assert not found, "\n".join(found)
    table = [directives(client) for client in connected]
    changed = [name for name in names if table[0][name] != pools[name][0]]
    assert len(changed) > 50
    assert {name: table[1][name] for name in names} == {name: table[0][name] for name in names}
