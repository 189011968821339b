"""Users in files: the ACL file and `user` lines of the configuration, on both servers."""

import re

import pytest

from compat.differences import without_wanted_differences
from harness import Kind, Server, ServerDied, format_reply, holdfast_binary, reference_binary

_BINARIES = {"reference": reference_binary, "candidate": holdfast_binary}
_USERS = "user default on nopass ~* &* +@all\nuser joe on >secret ~a* %R~b &c +@string -set (~d +get)\n\nuser eve\n"
_SERVER = ("--save", "")


def _start(name, path, *directives):
    return Server(_BINARIES[name](), [*_SERVER, *directives], directory=path)


def _both(tmp_path, ask):
    """What `ask(name, directory)` gives for each server."""
    answers = []
    for name in _BINARIES:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        answers.append(ask(name, directory))
    return answers


def _assert_same(command, answers):
    left, right = without_wanted_differences(command, *answers)
    assert left == right, f"{format_reply(left)}\n{format_reply(right)}"


def test_users_of_the_file(tmp_path):
    def ask(name, directory):
        (directory / "users.acl").write_text(_USERS)
        with _start(name, directory, "--aclfile", "users.acl" if name == "x" else str(directory / "users.acl")) as server:
            with server.client() as client:
                return client.must("ACL", "LIST")

    answers = _both(tmp_path, ask)
    _assert_same("ACL LIST", answers)
    assert len(answers[1].value) == 3


@pytest.mark.parametrize(
    "text",
    [
        "user a on +@all ~*\nuser a off\n",
        "# comment\n",
        "foo bar\n",
        "user\n",
        "user\ta on\n",
        "user b +nosuch foo bar\n",
        "user c foo ~x +nosuch -@none\n",
        "user  e on\n",
        "user b (+nosuch) +nosuch\n",
        "user a on\n\nfoo\nuser b bar bar\nuser c +nosuch +nosuch2\nuser c on\n",
        "user x on >p (+get ~y) %R~k &c\r\nuser y \n  user z on\n",
        "",
    ],
)
def test_load_is_all_or_nothing_and_says_what_is_wrong(tmp_path, text):
    def ask(name, directory):
        path = directory / "users.acl"
        path.write_text(_USERS)
        with _start(name, directory, "--aclfile", str(path)) as server, server.client() as client:
            path.write_text(text)
            answer = client.command("ACL", "LOAD")
            said = re.sub(re.escape(str(path)).encode(), b"FILE", answer.value)
            return said, client.command("ACL", "LIST")

    (expected, users), (said, found) = _both(tmp_path, ask)
    assert said == expected
    _assert_same("ACL LIST", (users, found))


def test_save_writes_what_load_reads(tmp_path):
    def ask(name, directory):
        path = directory / "users.acl"
        path.write_text(_USERS)
        with _start(name, directory, "--aclfile", str(path)) as server:
            with server.client() as client:
                client.must("ACL", "SETUSER", "new", "on", ">x", "~k", "+get", "(%W~y +set)")
                client.must("ACL", "DELUSER", "eve")
                before = client.must("ACL", "LIST")
                client.must("ACL", "SAVE")
                client.must("ACL", "SETUSER", "other", "on")
                client.must("ACL", "LOAD")
                assert client.must("ACL", "LIST") == before
            server.restart()
            with server.client() as client:
                assert client.must("ACL", "LIST") == before
        assert [line.decode() for line in (reply.value for reply in before.value)] == path.read_text().splitlines()
        return before

    _assert_same("ACL LIST", _both(tmp_path, ask))


def test_a_file_that_cannot_be_written(tmp_path):
    def ask(name, directory):
        place = directory / "sub"
        place.mkdir()
        (place / "users.acl").write_text(_USERS)
        with _start(name, directory, "--aclfile", str(place / "users.acl")) as server, server.client() as client:
            (place / "users.acl").unlink()
            place.rmdir()
            answers = [client.command("ACL", "SAVE").value, client.command("ACL", "LOAD").value]
            return [answer.replace(str(directory).encode(), b"DIR") for answer in answers]

    expected, said = _both(tmp_path, ask)
    assert said == expected


def _refusal(name, directory, *directives):
    server = _start(name, directory, *directives)
    with pytest.raises(ServerDied):
        server.start()
    log = server.log().replace(str(directory), "DIR")
    lines = (re.sub(r"^\d+:\w .{24} [.*#-] ", "", line) for line in log.splitlines())
    return [line for line in lines if re.search(r"ACL|Error (loading|in user)|aces not allowed", line)]


@pytest.mark.parametrize("text", [None, "user a +nosuch\n", "user a foo\nuser a on\n", "nonsense\n"])
def test_a_start_with_a_faulty_file_is_refused(tmp_path, text):
    def ask(name, directory):
        if text is not None:
            (directory / "users.acl").write_text(text)
        return _refusal(name, directory, "--aclfile", str(directory / "users.acl"))

    expected, said = _both(tmp_path, ask)
    assert said == expected and len(said) == 1


@pytest.mark.parametrize("lines", ["user a on +nosuch\n", "user a on foo\n", 'user "a b" on\n', "user a on (+nosuch)\n"])
def test_a_start_with_a_faulty_user_line_is_refused(tmp_path, lines):
    def ask(name, directory):
        (directory / "test.conf").write_text(lines)
        server = _start(name, directory)
        server.directives = ["--include", str(directory / "test.conf"), *server.directives]
        with pytest.raises(ServerDied):
            server.start()
        log = server.log()
        return re.findall(r"Error loading ACL rule.*|Critical error.*|Error in user.*|Spaces not allowed.*", log)

    expected, said = _both(tmp_path, ask)
    assert said == expected and said


def test_users_of_the_configuration_are_kept_by_rewrite(tmp_path):
    def ask(name, directory):
        conf = directory / "test.conf"
        conf.write_text("user joe on >secret ~a* +@string -set\nuser default on nopass ~* &* +@all -keys\nsave \"\"\n")
        # Both take the file as the first argument.
        server = Server(_BINARIES[name](), [], directory=directory)
        server.binary = str(_wrapper(directory, _BINARIES[name](), conf))
        with server:
            with server.client() as client:
                first = client.must("ACL", "LIST")
                client.must("ACL", "SETUSER", "eve", "on", "~x")
                client.must("CONFIG", "REWRITE")
                changed = client.must("ACL", "LIST")
            server.restart()
            with server.client() as client:
                assert client.must("ACL", "LIST") == changed
        users = [line for line in conf.read_text().splitlines() if line.startswith("user ")]
        assert sorted(users) == sorted(reply.value.decode() for reply in changed.value)
        return first

    _assert_same("ACL LIST", _both(tmp_path, ask))


def _wrapper(directory, binary, conf):
    """A program that starts the server with a configuration file before all other arguments."""
    path = directory / "start"
    path.write_text(f'#!/bin/sh\nexec "{binary}" "{conf}" "$@"\n')
    path.chmod(0o755)
    return path


def test_requirepass_is_overruled_by_the_file(tmp_path):
    def ask(name, directory):
        (directory / "users.acl").write_text("user default on >other ~* &* +@all\n")
        with _start(name, directory, "--aclfile", str(directory / "users.acl"), "--requirepass", "one") as server:
            with server.client() as client:
                return [client.command("AUTH", "one").value, client.command("AUTH", "other").value]

    expected, said = _both(tmp_path, ask)
    assert said == expected and said[1] == b"OK"


def test_a_password_of_the_configuration(tmp_path):
    def ask(name, directory):
        with _start(name, directory, "--requirepass", "one") as server, server.client() as client:
            before = client.command("PING")
            client.must("AUTH", "one")
            return before, client.must("ACL", "LIST")

    expected, said = _both(tmp_path, ask)
    assert said == expected and said[0].kind is Kind.ERROR
