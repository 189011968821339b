"""The comparison itself: two equal servers show no difference, a faulty one is found out.

The reference plays both parts; the faults are configuration the reference part does not have.
"""

import itertools
import pathlib

import pytest

from compat import runner
from compat.dataset import compare_datasets
from compat.dialogue import DialogueError, expand, parse_dialogue, split_arguments
from compat.generator import report, run
from compat.pair import Pair
from compat.runner import run_dialogue
from compat.shrink import shrink
from harness import reference_binary


def _play(pair: Pair, text: str) -> list[str]:
    return run_dialogue(pair, parse_dialogue(pathlib.Path("inline.dialogue"), text)).differences


@pytest.fixture(scope="module")
def equal_pair():
    with Pair(candidate=reference_binary()) as pair:
        yield pair


@pytest.fixture(scope="module")
def faulty_pair():
    """Its candidate has no GETDEL, strings of 1 MiB at most, small hashes and an LFU policy."""
    faults = ["--rename-command", "GETDEL", "", "--proto-max-bulk-len", "1mb", "--maxmemory-policy", "allkeys-lfu"]
    faults += ["--hash-max-listpack-entries", "1"]
    with Pair(candidate=reference_binary(), candidate_directives=faults) as pair:
        yield pair


def test_equal_servers_have_no_difference(equal_pair):
    assert _play(equal_pair, "> SET k v\n< +OK\n@unordered\n> KEYS *\n@raw \"PING\\r\\n\"\n> QUIT\n@close\n") == []
    assert run(equal_pair, seed=7, commands=3000) is None


def test_what_needs_a_later_command_is_skipped_and_counted(equal_pair, monkeypatch):
    text = "@needs MODULE GET\n> MODULE LIST\n@end-needs\n> PING\n"
    text += "@needs GET\n@conn b\n> GET k\n@needs MIGRATE\n> MIGRATE a b\n"
    parsed = parse_dialogue(pathlib.Path("inline.dialogue"), text)
    outcome = run_dialogue(equal_pair, parsed)
    assert (outcome.differences, outcome.skipped, outcome.played) == ([], {}, 8)

    # The reference is asked first, then the candidate.
    unknown = itertools.cycle([set(), {"module", "migrate"}])
    monkeypatch.setattr(runner, "_unknown_commands", lambda *_: next(unknown))
    outcome = run_dialogue(equal_pair, parsed)
    assert (outcome.differences, outcome.skipped, outcome.played) == ([], {"MODULE": 2, "MIGRATE": 2}, 4)


def test_a_lost_command_is_no_reason_to_skip(faulty_pair):
    assert any("unknown command" in line for line in _play(faulty_pair, "@needs GETDEL\n> GETDEL k"))


def test_a_need_nobody_meets_is_found_out(equal_pair):
    assert any("does not know it either" in line for line in _play(equal_pair, "@needs RPUHS\n> PING"))


@pytest.fixture
def impatient(monkeypatch):
    """Differences that show as silence are found sooner."""
    monkeypatch.setattr(runner, "REPLY_LIMIT_S", 0.3)
    monkeypatch.setattr(runner, "RAW_LIMIT_S", 0.3)


@pytest.mark.parametrize(
    "text, symptom",
    [
        ("> GETDEL k", "unknown command"),
        ('@raw "GETDEL k\\r\\n"', "unknown command"),
        ('@raw "*1\\r\\n$2000000\\r\\n"', "closed"),
        ("@send GETDEL k\n@receive", "unknown command"),
        ("> SETRANGE k 2000000 x", "string exceeds"),
        ("> MULTI\n> GETDEL k\n> EXEC", "EXECABORT"),
        ("> CONFIG GET maxmemory-policy", "allkeys-lfu"),
        ("> SET k v\n@shape\n> OBJECT FREQ k", "LFU"),
        ("> SET k v\n@ignore\n> OBJECT FREQ k", "LFU"),
        ("> HSET h a 1 b 2", 'OBJECT ENCODING "listpack" against "hashtable"'),
        ("@numeric-tolerance 10\n> CONFIG GET proto-max-bulk-len", "1048576"),
        ("@scan SCAN 0\n@wait no-such-text PING", "does not get there"),
    ],
)
def test_a_faulty_server_is_found_out(faulty_pair, impatient, monkeypatch, text, symptom):
    monkeypatch.setattr(runner, "WAIT_LIMIT_S", 0.1)
    differences = _play(faulty_pair, text)
    assert any(symptom in difference for difference in differences)


def test_a_different_dataset_is_found_out(equal_pair):
    reference, candidate = equal_pair.clients(5.0)
    with reference, candidate:

        def lines_after(*command):
            for client in (reference, candidate):
                client.must("FLUSHALL")
                client.must("SET", "k", "v")
                client.must("ZADD", "z", "0.1", "a")
            assert compare_datasets(reference, candidate) == []
            candidate.must(*command)
            return compare_datasets(reference, candidate)

        assert any("value" in line for line in lines_after("SET", "k", "w"))
        assert any("value" in line for line in lines_after("ZADD", "z", "0.2", "a"))
        assert any("only in the reference" in line for line in lines_after("DEL", "k"))
        assert any("only in the candidate" in line for line in lines_after("COPY", "k", "k", "DB", "9"))
        assert any("PEXPIRETIME" in line for line in lines_after("EXPIRE", "k", "1000"))


def test_a_wrong_expectation_is_found_out(equal_pair):
    assert any("the file says :2" in line for line in _play(equal_pair, "> INCR n\n< :2\n"))


def test_a_connection_that_stays_open_is_found_out(equal_pair, impatient):
    assert any("did not close" in line for line in _play(equal_pair, "@resp 2\n> PING\n@close\n"))


def test_the_generator_finds_a_fault_and_shrinks_it(faulty_pair):
    finding = run(faulty_pair, seed=1, commands=2000)
    assert finding is not None
    shortest = shrink(faulty_pair, finding.history, finding.protocol)
    assert shortest is not None and len(shortest) <= 3
    assert "--seed 1 --only 0" in report(faulty_pair, finding, shrinking=False)


def test_configuration_is_put_back(equal_pair):
    assert _play(equal_pair, "> CONFIG SET timeout 77\n@config hz 33\n") == []
    for server in equal_pair.servers:
        with server.client() as client:
            assert client.must("CONFIG", "GET", "timeout").value[1].value == b"0"
            assert client.must("CONFIG", "GET", "hz").value[1].value == b"10"


def test_words_are_cut_as_the_server_cuts_them():
    words = split_arguments(r'SET "a b" "\x00\n\"" ' + r"'it\'s' plain")
    assert words == [b"SET", b"a b", b'\x00\n"', b"it's", b"plain"]
    assert split_arguments('a"b c"') == [b"ab c"]
    for wrong in ('"open', "'open", '"a"b'):
        with pytest.raises(ValueError):
            split_arguments(wrong)


def test_expansions():
    assert expand(b"<%{ab*3}>", {}, 0.0) == b"<ababab>"
    assert expand(b"%{now+10} %{nowms-5}", {}, 100.5) == b"110 100495"
    assert expand(b"id=${id}", {"id": b"7"}, 0.0) == b"id=7"
    with pytest.raises(DialogueError):
        expand(b"${nobody}", {}, 0.0)


@pytest.mark.parametrize(
    "text",
    ["PING", "@nothing", "< +OK", '> SET "k', "> PING\n< a\n< b", "@unordered"]
    + ["@needs", "@end-needs", "@needs GET\n@end-needs GET"],
)
def test_a_file_that_is_no_dialogue_is_refused(text):
    with pytest.raises(DialogueError):
        parse_dialogue(pathlib.Path("wrong.dialogue"), text)
