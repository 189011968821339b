"""The list of wanted differences stands in two places that must agree, and takes out no more than it says."""

import pathlib
import re

import pytest

from compat.differences import DIFFERENCES, without_wanted_differences
from harness import Kind, Reply

_TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs/differences.md"


def _bulk(text: str) -> Reply:
    return Reply(Kind.BULK, text.encode())


def _error(text: str) -> Reply:
    return Reply(Kind.ERROR, text.encode())


def test_every_id_stands_in_both_places():
    rows = re.findall(r"^\| (D\d+) \|", _TABLE.read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows)), "an id is used twice"
    assert set(rows) == {difference.id for difference in DIFFERENCES}


def test_every_row_has_a_reason():
    for row in re.findall(r"^\| D\d+ .*$", _TABLE.read_text(), re.MULTILINE):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        assert len(cells) == 5 and all(cells), row


@pytest.mark.parametrize(
    "command, reference, candidate",
    [
        ("ZSCORE z a", _bulk("0.10000000000000001"), _bulk("0.1")),
        ("ZSCORE z a", Reply(Kind.DOUBLE, b"1e+17"), Reply(Kind.DOUBLE, b"100000000000000000")),
        (
            "INFO server",
            _bulk("# Server\r\na:1\r\nredis_version:7.0.15\r\n"),
            _bulk("# Server\r\na:1\r\nnew:2\r\nredis_version:7.2.4\r\n"),
        ),
        ("CLIENT LIST", _bulk("id=1 resp=2\n"), _bulk("id=1 resp=2 lib-name= lib-ver=\n")),
        (
            "CLIENT SETINFO lib-name x",
            _error("ERR unknown subcommand 'SETINFO'. Try CLIENT HELP."),
            Reply(Kind.STATUS, b"OK"),
        ),
        ("COMMAND COUNT", Reply(Kind.INTEGER, 240), Reply(Kind.INTEGER, 200)),
        ("COMMAND LIST", Reply(Kind.ARRAY, (_bulk("get"),)), Reply(Kind.ARRAY, (_bulk("get"), _bulk("waitaof")))),
        (
            "GET k",
            _error("NOPERM this user has no permissions to run the 'get' command"),
            _error("NOPERM User joe has no permissions to run the 'get' command"),
        ),
    ],
)
def test_a_wanted_difference_is_taken_out(command, reference, candidate):
    left, right = without_wanted_differences(command, reference, candidate)
    assert left == right


@pytest.mark.parametrize(
    "command, reference, candidate",
    [
        ("ZSCORE z a", _bulk("0.10000000000000001"), _bulk("0.11")),
        ("GET k", _bulk("0.10000000000000001"), _bulk("0.1")),
        ("INFO server", _bulk("# Server\r\na:1\r\nb:1\r\n"), _bulk("# Server\r\na:1\r\n")),
        ("CLIENT LIST", _bulk("id=1 resp=2\n"), _bulk("id=1 resp=3 lib-name= lib-ver=\n")),
        ("CLIENT ID", _error("ERR unknown"), Reply(Kind.STATUS, b"OK")),
        ("COMMAND COUNT", Reply(Kind.INTEGER, 240), _error("ERR unknown command")),
        ("COMMAND LIST", Reply(Kind.ARRAY, (_bulk("get"),)), Reply(Kind.ARRAY, (_bulk("got"), _bulk("waitaof")))),
        (
            "GET k",
            _error("NOPERM this user has no permissions to run the 'get' command"),
            _error("NOPERM User joe has no permissions to run the 'set' command"),
        ),
    ],
)
def test_any_other_difference_stays(command, reference, candidate):
    left, right = without_wanted_differences(command, reference, candidate)
    assert left != right
