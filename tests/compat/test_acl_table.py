"""Every command of the table times kinds of rules: both servers allow the same, and what is not allowed is not done.

The arguments are made from the arity: words that are numbers, keys and channels at once, so that they fit most grammars.
"""

import pytest

from compat.command_tables import ADDED_NAMES, EXTENDED_NAMES
from compat.later_commands import is_later
from harness import Kind

_LIMIT_S = 20.0
_MORE_ARGUMENTS = 4
_TAILS = (
    (), ("GET",), ("STORE", "1"), ("BY", "1*"), ("STREAMS", "1", "2"), ("SET", "u8", "0", "1"), ("GET", "u8", "0"),
)  # fmt: skip
# Rights as they come: by nothing, by keys, by channels; those by command and category are made from the tables.
_RULES = (
    "-@all ~* &*",
    "+@all resetkeys &*",
    "+@all %R~* &*",
    "+@all %W~* &*",
    "+@all %R~1 %W~2 &*",
    "+@all ~1 &*",
    "+@all ~2 &*",
    "+@all ~* resetchannels",
    "+@all ~* &1",
    "+@all ~* &2 &1*",
    "-@all ~* &* +select|1 +config|get +get|1",
    "-@all (+@all ~1) (+@read ~2) (+@all %W~* &1)",
)
# They are let in by everybody.
_FREE = {"auth", "hello", "quit", "reset"}


def _names(server):
    with server.client(timeout_s=_LIMIT_S) as client:
        return {element.value.decode() for element in client.must("COMMAND", "LIST").value}


def _arity(client, name):
    return client.must("COMMAND", "INFO", name).value[0].value[1].value


def _calls(client, name):
    """Calls of the command with different numbers of arguments, each a list of words."""
    head = name.split("|")
    least = abs(_arity(client, name)) - len(head)
    for more in range(_MORE_ARGUMENTS):
        yield head + ["1"] * (least + more)
    for tail in _TAILS[1:]:
        yield head + ["1"] * least + list(tail)
    yield head + ["2"] + ["1"] * (least + 1)


@pytest.fixture(scope="module")
def common(pair):
    """The commands that both servers have and that take the same arguments, and the calls of all of them."""
    reference, candidate = pair.both(_names)
    names = sorted((reference & candidate) - ADDED_NAMES - EXTENDED_NAMES)
    assert len(names) > 200
    with pair.reference.client(timeout_s=_LIMIT_S) as client:
        return {name: list(_calls(client, name)) for name in names}


@pytest.fixture
def admins(pair):
    clients = pair.clients(_LIMIT_S)
    yield clients
    for client in clients:
        client.must("ACL", "DELUSER", "u")
        client.close()


def _set_rules(client, rules):
    client.must("ACL", "SETUSER", "u", "reset", "on", "nopass", *rules.split())


def _dry_runs(client, calls):
    return client.pipeline([("ACL", "DRYRUN", "u", *call) for call in calls])


def _compare(admins, rules, calls):
    """Both servers answer alike. Returns how many calls were denied."""
    for client in admins:
        _set_rules(client, rules)
    answers = [_dry_runs(client, calls) for client in admins]
    different = [(call, left, right) for call, left, right in zip(calls, *answers) if left != right]
    # The reference leaves it to the command to find out that the number of keys is wrong (D64).
    different = [each for each in different if not (each[1].value == b"OK" and _contradicts(admins[0], each[0]))]
    assert not different, (rules, different[:10])
    return sum(answer.kind is Kind.BULK for answer in answers[1])


def _contradicts(reference, call):
    return reference.command("COMMAND", "GETKEYS", *call).is_error()


@pytest.mark.parametrize("rules", _RULES)
def test_kinds_of_rules(admins, common, rules):
    calls = [call for calls in common.values() for call in calls]
    assert 0 < _compare(admins, rules, calls) < len(calls)


def test_categories(admins, common):
    calls = [calls[0] for calls in common.values()]
    for category in [reply.value.decode() for reply in admins[0].must("ACL", "CAT").value]:
        allowed = _compare(admins, f"-@all +@{category} ~* &*", calls)
        taken = _compare(admins, f"+@all -@{category} ~* &*", calls)
        assert 0 < allowed < len(calls) and 0 < taken < len(calls)


def test_single_commands(admins, common):
    """With only the command, and with all but the command."""
    for name, calls in common.items():
        subcommands = [other for other in common if other.startswith(name + "|")]
        mine = calls[:1] + [common[other][0] for other in subcommands]
        others = [common[other][0] for other in ("get", "config|get") if other != name and other not in subcommands]
        assert _compare(admins, f"-@all +{name} ~* &*", mine + others) >= len(others)
        assert _compare(admins, f"+@all -{name} ~* &*", mine + others) >= (name not in _FREE)


@pytest.mark.parametrize("rules", ["-@all ~* &*", "+@all resetkeys resetchannels", "+@all %R~* &none", "+@all %W~* ~1 &*"])
def test_what_is_denied_is_not_done(pair, admins, rules):
    """All commands that Holdfast has, those that the reference lacks too: denied by DRYRUN means denied in earnest."""
    _, admin = admins
    calls = [call for name in sorted(_names(pair.candidate)) for call in _calls(admin, name)]
    _set_rules(admin, rules)
    runs = zip(calls, _dry_runs(admin, calls))
    denied = [call for call, run in runs if run.kind is Kind.BULK]
    assert len(denied) > 20
    with pair.candidate.client(timeout_s=_LIMIT_S) as client:
        client.must("AUTH", "u", "x")
        answers = client.pipeline(denied)
    wrong = [(call, answer) for call, answer in zip(denied, answers) if b"NOPERM this user" not in answer.value]
    assert not wrong, wrong[:10]


def test_without_any_right_nothing_is_let_in_but_logins(pair, admins):
    _, admin = admins
    _set_rules(admin, "-@all ~* &*")
    names = sorted(_names(pair.candidate))
    calls = {name: next(_calls(admin, name)) for name in names}
    runs = dict(zip(names, _dry_runs(admin, calls.values())))
    # A container alone is an error of arity.
    allowed = {name for name, run in runs.items() if run.value == b"OK"}
    assert allowed == _FREE
    assert not [name for name, run in runs.items() if run.is_error() and not any(is_later(n) for n in (name,)) and
                not any(other.startswith(name + "|") for other in names)]
