"""rename-command, beside the reference: what has another name, what is gone, and where the old name goes on to be said."""

import pytest

from harness import CheckedServer, Server, ServerDied, reference_binary

_RENAMED = ["--rename-command", "GET", "fetch", "--rename-command", "KEYS", "", "--rename-command", "config", "SECRET-config"]
_ASKED = [
    ("SET", "k", "v"),
    ("FETCH", "k"),
    ("fetch", "k"),
    ("GET", "k"),
    ("KEYS", "*"),
    ("CONFIG", "GET", "port"),
    ("SECRET-CONFIG", "GET", "databases"),
    ("secret-config", "nosuch"),
    ("fetch",),
    ("EVAL", "return redis.call('fetch', KEYS[1])", 1, "k"),
    ("EVAL", "return redis.pcall('get', KEYS[1])", 1, "k"),
    ("MULTI",),
    ("FETCH", "k"),
    ("GET", "k"),
    ("EXEC",),
    ("COMMAND", "GETKEYS", "fetch", "k"),
    ("COMMAND", "GETKEYS", "get", "k"),
    ("COMMAND", "INFO", "get"),
    ("ACL", "SETUSER", "guest", "on", "nopass", "~*", "-@all", "+get"),
    ("ACL", "DRYRUN", "guest", "fetch", "k"),
    ("ACL", "DRYRUN", "guest", "get", "k"),
    ("ACL", "SETUSER", "guest", "+fetch"),
    ("AUTH", "guest", "x"),
    ("FETCH", "k"),
    ("SET", "k", "w"),
]  # fmt: skip


def _play(server) -> list:
    with server.client() as client:
        return [client.command(*words) for words in _ASKED]


def test_renamed_commands():
    with Server(reference_binary(), [*_RENAMED, "--save", ""]) as reference, CheckedServer([*_RENAMED, "--save", ""]) as candidate:
        for words, expected, got in zip(_ASKED, _play(reference), _play(candidate)):
            assert got == expected, words


def test_what_is_counted_has_the_old_name():
    with CheckedServer([*_RENAMED, "--save", ""]) as server, server.client() as client:
        client.must("FETCH", "k")
        assert b"cmdstat_get:calls=1," in client.must("INFO", "commandstats").value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("NOSUCH", "x"), "No such command in rename-command"),
        (("GET", "SET"), "Target command name already exists"),
        (("config|get", "x"), "No such command in rename-command"),
    ],
)
def test_what_cannot_be_renamed_ends_the_start(words, said):
    server = CheckedServer(["--rename-command", *words])
    with pytest.raises(ServerDied):
        server.start()
    assert said in server.log()
    server.killed_on_purpose = True
    server.close()
