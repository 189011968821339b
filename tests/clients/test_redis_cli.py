"""redis-cli in all the ways people use it."""

import os
import pty
import re
import select
import subprocess
import time

import pytest

from clients.tools import redis_cli
from harness import encode_command


class Terminal:
    """redis-cli as a person sees it: a process at the other end of a pseudo terminal."""

    def __init__(self, *words):
        self._controller, worker = pty.openpty()
        environment = {**os.environ, "TERM": "dumb", "HOME": "/nonexistent"}
        self._process = subprocess.Popen(
            ["redis-cli", *map(str, words)], stdin=worker, stdout=worker, stderr=worker, env=environment, close_fds=True
        )
        os.close(worker)
        self._text = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        os.close(self._controller)

    def expect(self, pattern):
        """Reads until the pattern is there; what came before it is forgotten. Returns the text up to its end."""
        deadline = time.monotonic() + 20
        while not (found := re.search(pattern, self._text)):
            assert time.monotonic() < deadline, f"{pattern!r} did not come: {self._text!r}"
            if select.select([self._controller], [], [], 0.1)[0]:
                heard = self._text + os.read(self._controller, 65536).decode(errors="replace")
                self._text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|\r", "", heard)
        seen, self._text = self._text[: found.end()], self._text[found.end() :]
        return seen

    def say(self, line):
        os.write(self._controller, line.encode() + b"\n")

    def wait(self):
        return self._process.wait(20)


def test_a_conversation_at_the_prompt(server):
    prompt = rf"127.0.0.1:{server.port}(\[\d+\])?(\(TX\))?> "
    with Terminal("-p", server.port) as terminal:
        terminal.expect(prompt)
        for said, answered in [
            ("set greeting \"hello world\"", "OK\n"),
            ("get greeting", '"hello world"\n'),
            ("get nothing", r"\(nil\)\n"),
            ("incr n", r"\(integer\) 1\n"),
            ("incr greeting", r"\(error\) ERR value is not an integer or out of range\n"),
            ("mget greeting n nothing", r'1\) "hello world"\n2\) "1"\n3\) \(nil\)\n'),
            ("select 3", r"OK\n127.0.0.1:\d+\[3\]> "),
            ("dbsize", r"\(integer\) 0\n"),
            ("select 0", r"OK\n"),
            ("multi", r"OK\n127.0.0.1:\d+\(TX\)> "),
            ("incr n", r"QUEUED\n"),
            ("exec", r"1\) \(integer\) 2\n"),
            ("nosuch", r"\(error\) ERR unknown command 'nosuch', with args beginning with: \n"),
            ("hello 3", r'1# "server" => "redis"\n'),
            ("help set", r"SET key value \[NX\|XX\]"),
        ]:
            terminal.say(said)
            terminal.expect(answered)
        terminal.say("quit")
        assert terminal.wait() == 0


def test_the_prompt_connects_again_after_a_kill(server):
    with Terminal("-p", server.port) as terminal, server.client() as client:
        terminal.expect("> ")
        terminal.say("client setname me")
        terminal.expect("OK")
        assert client.must("CLIENT", "KILL", "TYPE", "normal").value == 1
        terminal.say("client getname")
        terminal.expect(r"\(nil\)|Not connected|Broken|closed")
        terminal.say("ping")
        terminal.expect("PONG")


def test_one_command_a_process(server):
    assert redis_cli(server.port, "SET", "k", "v") == "OK\n"
    assert redis_cli(server.port, "-x", "SET", "piped", stdin=b"\x00\xff\n") == "OK\n"
    assert redis_cli(server.port, "--no-raw", "GET", "piped") == '"\\x00\\xff\\n"\n'
    assert redis_cli(server.port, "-3", "--json", "MGET", "k", "none") == '["v",null]\n'
    assert redis_cli(server.port, "--csv", "MGET", "k", "none") == '"v",NULL\n'
    assert redis_cli(server.port, "-r", 3, "INCR", "n") == "1\n2\n3\n"
    assert redis_cli(server.port, "-n", 5, "DBSIZE") == "0\n"
    assert redis_cli(server.port, stdin=b"SET a 1\nGET a\n") == "OK\n1\n"
    assert "redis_version:" in redis_cli(server.port, "INFO", "server")


@pytest.mark.parametrize("form", ["resp", "inline"])
def test_mass_insertion(server, effort, form):
    """`--pipe` sends all without waiting, then an ECHO; errors are counted and nothing is skipped."""
    commands = 100000 * effort
    if form == "resp":
        wire = b"".join(encode_command(("SET", f"key:{number}", f"value {number}")) for number in range(commands))
        wire += encode_command(("INCR", "key:1"))
    else:
        wire = b"".join(b"SET key:%d value\r\n" % number for number in range(commands)) + b"INCR key:1\r\n"
    said = redis_cli(server.port, "--pipe", stdin=wire, exit_code=1)
    assert f"errors: 1, replies: {commands + 1}" in said, said
    with server.client() as client:
        assert client.must("DBSIZE").value == commands


def test_scanning_with_a_pattern(server):
    with server.client() as client:
        client.must("MSET", *(word for number in range(3000) for word in (f"user:{number}", "v")))
        client.must("MSET", *(word for number in range(3000) for word in (f"other:{number}", "v")))
    found = redis_cli(server.port, "--scan", "--pattern", "user:*7").split()
    assert sorted(found) == sorted(f"user:{number}" for number in range(3000) if number % 10 == 7)
    assert len(redis_cli(server.port, "--scan").split()) == 6000


def test_latency_is_sampled_until_it_is_stopped(server):
    with Terminal("-p", server.port, "--latency") as terminal:
        for _ in range(3):
            terminal.expect(r"min: \d+, max: \d+, avg: \d+\.\d+ \(\d+ samples\)")
    history = redis_cli(server.port, "--latency", "-i", 1)  # not a terminal: one line after the interval, then the end
    least, most, average, samples = history.split()[:4]
    assert int(samples) > 1 and int(least) <= float(average) <= int(most)


def test_big_keys_are_found(server):
    with server.client() as client:
        client.must("MSET", *(word for number in range(500) for word in (f"small:{number}", "v")))
        client.must("SET", "the-big-one", b"x" * 100000)
    said = redis_cli(server.port, "--bigkeys")
    assert re.search(r"Biggest string found \S*the-big-one\S* has 100000 bytes", said), said
    assert "501 strings with 100500 bytes" in said
    said = redis_cli(server.port, "--memkeys")
    assert re.search(r"Biggest string found \S*the-big-one\S* has \d{6,} bytes", said), said


