"""The administrative commands with every short list of arguments that can be made of their words, and of bad ones."""

import itertools
import re

import pytest

from compat.differences import command_line, without_wanted_differences
from compat.pair import Pair
from harness import Kind, Reply, format_reply

_LIMIT_S = 20.0
_NUMBERS = ["0", "-1", "1", "99999999", "9223372036854775808", "1.5", "abc", ""]
# What is asked of each, by the number of arguments. None of them ends the connection, holds it up or asks for the clock.
_QUESTIONS = {
    "CLIENT LIST": (["TYPE", "ID", "normal", "MASTER", "slave", "replica", "pubsub", "FOO", *_NUMBERS], 3),
    "CLIENT KILL": (["ID", "TYPE", "ADDR", "LADDR", "USER", "SKIPME", "master", "replica", "nobody", "yes", "no", *_NUMBERS[:4], "abc"], 4),
    "CLIENT UNBLOCK": (["TIMEOUT", "error", "FOO", *_NUMBERS], 3),
    "CLIENT NO-EVICT": (["on", "OFF", "yes", ""], 2),
    "CLIENT SETNAME": (["joe", "a b", "", "x\n", "\x7f"], 2),
    "CLIENT GETNAME": (["x"], 1),
    "CLIENT GETREDIR": (["x"], 1),
    "CLIENT TRACKINGINFO": (["x"], 1),
    "CLIENT TRACKING": (["on", "off", "BCAST", "PREFIX", "a", "ab", "OPTIN", "OPTOUT", "NOLOOP", "REDIRECT", "0", "99999999", "-1"], 4),
    "CLIENT CACHING": (["yes", "NO", "x"], 2),
    "CLIENT ID": (["x"], 1),
    "CLIENT UNPAUSE": (["x"], 1),
    "CLIENT REPLY": (["ON", "x", ""], 2),
    "CLIENT FOO": (["x"], 1),
    "MEMORY USAGE": (["missing", "k", "SAMPLES", "FOO", *_NUMBERS], 3),
    "MEMORY DOCTOR": (["x"], 1),
    "MEMORY PURGE": (["x"], 1),
    "MEMORY STATS": (["x"], 1),
    "MEMORY MALLOC-STATS": (["x"], 1),
    "MEMORY FOO": (["x"], 1),
    "LATENCY HISTORY": (["command", "fork", "x", ""], 2),
    "LATENCY GRAPH": (["command", "x", ""], 2),
    "LATENCY RESET": (["command", "x", ""], 3),
    "LATENCY LATEST": (["x"], 1),
    "LATENCY HISTOGRAM": (["nothing", "client|foo", ""], 2),
    "LATENCY FOO": (["x"], 1),
    "SLOWLOG GET": ([*_NUMBERS, "-2", "x"], 2),
    "SLOWLOG LEN": (["x"], 1),
    "SLOWLOG RESET": (["x"], 1),
    "SLOWLOG FOO": (["x"], 1),
    "CONFIG GET": (["hz", "h?", "HZ", "*no-such*", "[", "", "hz\x00"], 2),
    "CONFIG RESETSTAT": (["x"], 1),
    "CONFIG REWRITE": (["x"], 1),
    "CONFIG FOO": (["x"], 1),
    "OBJECT ENCODING": (["k", "missing", "x"], 2),
    "OBJECT FREQ": (["k", "missing", "x"], 2),
    "OBJECT IDLETIME": (["missing", "x"], 2),
    "OBJECT FOO": (["x"], 1),
    "COMMAND COUNT": (["x"], 1),
    "COMMAND GETKEYS": (["get", "set", "k", "v", "eval", "2", "0", "nothing"], 4),
    "COMMAND GETKEYSANDFLAGS": (["get", "set", "mset", "k", "v", "nothing"], 3),
    "COMMAND LIST": (["FILTERBY", "ACLCAT", "MODULE", "PATTERN", "x", "no-such*"], 4),
    "COMMAND INFO": (["get", "nothing", "config|get", "config|nothing"], 2),
    "COMMAND FOO": (["x"], 1),
    "INFO": (["nothing", ""], 2),
    "ROLE": (["x"], 1),
    "TIME": (["x", "y"], 2),
    "LASTSAVE": (["x", "y"], 2),
    "DBSIZE": (["x"], 1),
    "SWAPDB": (["0", "1", "15", "16", "-1", "x", ""], 3),
    "REPLICAOF": (["NO", "ONE", "x"], 3),
    "WAIT": (["0", "-1", "x", ""], 3),
    "SHUTDOWN": (["ABORT", "FOO", "SAVE", "NOSAVE", "NOW"], 3),
    "FAILOVER": (["TO", "ABORT", "TIMEOUT", "FORCE", "x", "0", "-1"], 4),
    "LOLWUT": (["VERSION", "x"], 2),
    "RESET": (["x"], 1),
    "HELLO": (["2", "4", "1", "x", "AUTH", "SETNAME", "default", "a b"], 4),
    "AUTH": (["x", "default"], 3),
    "SELECT": (["0", "15", "16", "-1", "x", ""], 2),
    "MONITOR": (["x"], 1),
    "SYNC": (["x"], 1),
    "PSYNC": (["x"], 1),
    "REPLCONF": (["x"], 1),
    "DEBUG": (["FOO", "x"], 2),
    "ACL": (["WHOAMI", "CAT", "GENPASS", "LOG", "x", "RESET", "0", "-1", "4097"], 3),
    "ACL DELUSER": (["default", "nobody"], 2),
    "ACL GETUSER": (["nobody", "x"], 2),
    "ACL DRYRUN": (["default", "nobody", "get", "set", "nothing", "k", "config"], 4),
    "PUBSUB": (["CHANNELS", "NUMSUB", "NUMPAT", "SHARDCHANNELS", "SHARDNUMSUB", "x", "*"], 3),
}  # fmt: skip

# Answers of which only the kind is the same: time, memory and what each server has for itself.
_KINDS_ONLY = re.compile(r"^(CLIENT (LIST|ID|TRACKINGINFO)|LATENCY HISTOGRAM$|MEMORY (USAGE|STATS|MALLOC-STATS|DOCTOR)|TIME|LASTSAVE|INFO|HELLO|LOLWUT|ROLE|"
                         r"SLOWLOG GET|COMMAND|ACL (GENPASS|CAT|LOG)|PUBSUB)")  # fmt: skip
# What would end the connection or the server, or stay for ever.
_NEVER = re.compile(
    r"^(CLIENT KILL( \S+)* (no|NO)$|CLIENT KILL .*SKIPME no|SHUTDOWN$|SHUTDOWN (SAVE|NOSAVE|NOW)( NOW| SAVE| NOSAVE)*$|WAIT [1-9]|MONITOR$|SYNC$|"
    r"REPLICAOF x |REPLICAOF \S+ x$|REPLICAOF (ONE|NO) NO$|REPLICAOF ONE|FAILOVER$|FAILOVER (FORCE|TIMEOUT)|FAILOVER TO|HELLO .*AUTH|CLIENT KILL ID (0|1)|ACL LOG RESET)"
)


def _commands(question: str):
    words, most = _QUESTIONS[question]
    for length in range(most + 1):
        for arguments in itertools.product(words, repeat=length):
            command = [*question.split(), *arguments]
            if not _NEVER.search(" ".join(command)):
                yield command


@pytest.fixture(scope="module")
def servers():
    with Pair() as pair:
        yield pair


def _shape(reply: Reply):
    return reply.kind if not reply.is_error() else format_reply(reply)


@pytest.mark.parametrize("question", _QUESTIONS)
def test_every_list_of_arguments(servers, question):
    commands = [list(command) for command in _commands(question)]
    assert commands
    found, answers = [], []
    for server in servers.servers:
        with server.client(timeout_s=_LIMIT_S) as client:
            client.must("CONFIG", "SET", "slowlog-log-slower-than", "-1")
            client.must("SET", "k", "v")
            answers.append(client.pipeline(commands))
    for command, theirs, ours in zip(commands, *answers):
        line = command_line([word.encode() for word in command])
        theirs, ours = without_wanted_differences(line, theirs, ours)
        if theirs == ours or (_KINDS_ONLY.search(line) and _shape(theirs) == _shape(ours)):
            continue
        found.append(f"{line}: {format_reply(theirs)} | {format_reply(ours)}")
    assert not found, f"{len(found)} of {len(commands)}\n" + "\n".join(found[:40])
