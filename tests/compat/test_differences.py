"""The list of wanted differences stands in two places that must agree, and takes out no more than it says."""

import pathlib
import re

import pytest

from compat.differences import AVOIDED, DIFFERENCES, without_wanted_differences
from harness import Kind, Reply
from harness.sorted_set_payload import packed_payload
from harness.stream_payload import Entry, Group, Stream, stream_payload
from harness.list_payload import list_payload

_TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs/differences.md"


def _bulk(text: str) -> Reply:
    return Reply(Kind.BULK, text.encode())


def _error(text: str) -> Reply:
    return Reply(Kind.ERROR, text.encode())


def _array(*elements: Reply) -> Reply:
    return Reply(Kind.ARRAY, elements)


def _help(*lines: str) -> Reply:
    return _array(*(Reply(Kind.STATUS, line.encode()) for line in lines + ("HELP", "    Prints this help.")))


def _description(name: str, *subcommands: Reply, arity: int = 2) -> Reply:
    return _array(_bulk(name), Reply(Kind.INTEGER, arity), _array(*subcommands))


def _document(name: str, since: str, summary: str, *subcommands: Reply) -> Reply:
    """As RESP2 has it: name, then a flat list of fields."""
    history = _array(_array(_bulk("6.0.0"), _bulk("Changed. " + summary)))
    fields = [_bulk("summary"), _bulk(summary), _bulk("since"), _bulk(since), _bulk("history"), history]
    return _array(_bulk(name), _array(*fields, _bulk("subcommands"), _array(*subcommands)))


def _dumped(*nodes: list[bytes]) -> Reply:
    return Reply(Kind.BULK, list_payload(nodes))


def _zset(score: bytes) -> bytes:
    return packed_payload([(b"a", score)])


def _stream(*entries: Entry, delivered_ms: int = 1) -> Reply:
    group = Group(b"g", (1, 1), 1, [((1, 1), delivered_ms, 1, b"c")])
    return Reply(Kind.BULK, stream_payload(Stream([entries], (9, 9), (1, 2), 2, [group])))


def _fields(**fields: int) -> Reply:
    return _array(*(reply for name, value in fields.items() for reply in (_bulk(name.replace("_", "-")), _integer(value))))


def _integer(value: int) -> Reply:
    return Reply(Kind.INTEGER, value)


_FIRST, _DELETED = Entry((1, 1), (b"f", b"v")), Entry((1, 2), (b"f", b"v"), deleted=True)
_NULL = Reply(Kind.NULL_BULK, None)


def test_every_id_stands_in_both_places():
    rows = re.findall(r"^\| (D\d+) \|", _TABLE.read_text(), re.MULTILINE)
    assert len(rows) == len(set(rows)), "an id is used twice"
    assert set(rows) == {id_ for difference in DIFFERENCES for id_ in difference.ids.split()} | AVOIDED


def test_every_row_has_a_reason():
    for row in re.findall(r"^\| D\d+ .*$", _TABLE.read_text(), re.MULTILINE):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        assert len(cells) == 5 and all(cells), row


@pytest.mark.parametrize(
    "command, reference, candidate",
    [
        ("ZSCORE z a", _bulk("0.10000000000000001"), _bulk("0.1")),
        ("ZSCORE z a", Reply(Kind.DOUBLE, b"1e+17"), Reply(Kind.DOUBLE, b"100000000000000000")),
        ("EXEC", _array(_bulk("0.10000000000000001"), _NULL), _array(_bulk("0.1"), _NULL)),
        ("DUMP z", Reply(Kind.BULK, _zset(b"0.10000000000000001")), Reply(Kind.BULK, _zset(b"0.1"))),
        ("ZRANK z a WITHSCORE", _error("ERR wrong number of arguments for 'zrank' command"), _NULL),
        ("COMMAND INFO zrank", _array(_description("zrank", arity=3)), _array(_description("zrank", arity=-3))),
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
        ("ACL LOG", _array(_fields(count=1)), _array(_fields(count=1, entry_id=5, timestamp_created=7))),
        ("ACL CAT string", _array(_bulk("get")), _array(_bulk("get"), _bulk("hgetex"))),
        ("ACL LIST", _array(_bulk("user u +@all -set -get|x")), _array(_bulk("user u +@all -get|x -set"))),
        (
            "CLIENT HELP",
            _help("CLIENT <subcommand>", "ID", "    Return the ID.", "KILL <a>", "KILL <b>"),
            _help("CLIENT <subcommand>", "KILL", "    Closes.", "ID", "SETINFO x"),
        ),
        ("COMMAND INFO get cluster", _array(_description("get"), _description("cluster")), _array(_description("get"), _NULL)),
        ("COMMAND INFO waitaof", _array(_NULL), _array(_description("waitaof"))),
        (
            "COMMAND",
            _array(_description("migrate"), _description("cluster", _description("cluster|nodes")), _description("get")),
            _array(_description("get"), _description("cluster")),
        ),
        ("COMMAND LIST", _array(_bulk("get"), _bulk("cluster|info")), _array(_bulk("get"))),
        ("COMMAND DOCS get", _document("get", "1.0.0", "Get a key."), _document("get", "1.0.0", "Answers a string.")),
        (
            "COMMAND DOCS",
            _array(*_document("client", "1.0.0", "a", *_document("client|id", "6.0.0", "b").value).value),
            _array(*_document("client", "1.0.0", "c", *_document("client|id", "6.0.0", "d").value).value),
        ),
        (
            "LATENCY DOCTOR",
            _bulk("Dave, ...\n\n1. command: 1 latency spikes (average 2ms).\n\n- Sleep.\n"),
            _bulk("These were late:\n\n1. command: 1 latency spikes (average 2ms).\n\nWhat helps:\n"),
        ),
        ("OBJECT ENCODING k", _bulk("quicklist"), _bulk("listpack")),
        ("SORT l DESC", _error("ERR One or more scores can't be converted into double"), _array(_bulk("1.5"))),
        ("OBJECT ENCODING k", _bulk("hashtable"), _bulk("listpack")),
        ("OBJECT ENCODING k", _bulk("hashtable"), _bulk("intset")),
        ("DUMP k", _dumped([b"a", b"12"], [b"x" * 70]), _dumped([b"a"], [b"12", b"x" * 70])),
        ("XINFO CONSUMERS s g", _array(_fields(pending=1, idle=500)), _array(_fields(pending=1, idle=20, inactive=500))),
        ("XINFO STREAM s FULL", _array(_fields(seen_time=5)), _array(_fields(seen_time=6, active_time=5))),
        ("XINFO STREAM s", _fields(radix_tree_keys=3, radix_tree_nodes=7), _fields(radix_tree_keys=2, radix_tree_nodes=3)),
        ("DUMP s", _stream(_FIRST, _DELETED), _stream(_FIRST, delivered_ms=2)),
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
        ("EXEC", _array(_bulk("0.10000000000000001")), _array(_bulk("0.11"))),
        ("DUMP z", Reply(Kind.BULK, _zset(b"0.1")), Reply(Kind.BULK, _zset(b"0.2"))),
        ("ZREVRANK z a", _error("ERR wrong number of arguments for 'zrevrank' command"), _NULL),
        ("ZRANK z a WITHSCORE", Reply(Kind.INTEGER, 1), _NULL),
        ("INFO server", _bulk("# Server\r\na:1\r\nb:1\r\n"), _bulk("# Server\r\na:1\r\n")),
        ("CLIENT LIST", _bulk("id=1 resp=2\n"), _bulk("id=1 resp=3 lib-name= lib-ver=\n")),
        ("CLIENT ID", _error("ERR unknown"), Reply(Kind.STATUS, b"OK")),
        ("COMMAND COUNT", Reply(Kind.INTEGER, 240), _error("ERR unknown command")),
        ("COMMAND LIST", Reply(Kind.ARRAY, (_bulk("get"),)), Reply(Kind.ARRAY, (_bulk("got"), _bulk("waitaof")))),
        ("ACL LOG", _array(_fields(count=1)), _array(_fields(count=2, entry_id=5))),
        ("ACL LIST", _array(_bulk("user u -@all +set -get")), _array(_bulk("user u -@all -set +get"))),
        ("ACL LIST", _array(_bulk("user u ~a ~b +@all")), _array(_bulk("user u ~b ~a +@all"))),
        ("ACL CAT string", _array(_bulk("get")), _array(_bulk("set"))),
        ("CLIENT HELP", _help("CLIENT <subcommand>", "ID"), _help("CLIENT <subcommand>")),
        ("CLIENT HELP", _help("CLIENT <subcommand>", "ID"), _help("CLIENT <subcommand>", "ID", "IDS")),
        ("CLIENT HELP", _help("CLIENT <subcommand>", "ID"), _help("CLIENT subcommands", "ID")),
        ("COMMAND INFO get", _array(_description("get")), _array(_NULL)),
        ("COMMAND INFO get", _array(_description("get")), _array(_description("get", arity=3))),
        ("COMMAND INFO nothing", _array(_NULL), _array(_description("nothing"))),
        (
            "COMMAND INFO get set",
            _array(_description("get"), _description("set")),
            _array(_description("set"), _description("get")),
        ),
        (
            "COMMAND INFO client",
            _array(_description("client", _description("client|id"))),
            _array(_description("client")),
        ),
        ("COMMAND", _array(_description("get"), _description("set")), _array(_description("set"))),
        ("COMMAND LIST", _array(_bulk("get"), _bulk("set")), _array(_bulk("get"))),
        ("COMMAND DOCS get", _document("get", "1.0.0", "Get a key."), _document("get", "1.0.1", "Get a key.")),
        ("COMMAND DOCS get", _document("get", "1.0.0", "Get a key."), _array()),
        (
            "COMMAND DOCS client",
            _document("client", "1.0.0", "a", *_document("client|id", "5.0.0", "b").value),
            _document("client", "1.0.0", "a"),
        ),
        (
            "LATENCY DOCTOR",
            _bulk("1. command: 1 latency spikes (average 2ms).\n"),
            _bulk("1. command: 2 latency spikes (average 2ms).\n"),
        ),
        ("LATENCY DOCTOR", _error("ERR one"), _error("ERR other")),
        ("OBJECT ENCODING k", _bulk("listpack"), _bulk("quicklist")),
        ("SORT l", _array(_bulk("1.5")), _error("ERR One or more scores can't be converted into double")),
        ("SORT l STORE d", _error("ERR One or more scores can't be converted into double"), Reply(Kind.INTEGER, 1)),
        ("OBJECT ENCODING k", _bulk("quicklist"), _bulk("hashtable")),
        ("OBJECT ENCODING k", _bulk("intset"), _bulk("listpack")),
        ("OBJECT ENCODING k", _bulk("intset"), _bulk("hashtable")),
        ("OBJECT ENCODING k", _bulk("listpack"), _bulk("hashtable")),
        ("DUMP k", _dumped([b"a", b"12"]), _dumped([b"a", b"13"])),
        ("DUMP k", _dumped([b"a", b"12"]), _dumped([b"a"])),
        ("XINFO CONSUMERS s g", _array(_fields(pending=1, idle=20)), _array(_fields(pending=1, idle=500))),
        ("XINFO CONSUMERS s g", _array(_fields(pending=1, idle=20)), _array(_fields(pending=2, idle=20))),
        ("XINFO STREAM s FULL", _array(_fields(seen_time=6)), _array(_fields(seen_time=5, active_time=5))),
        ("XINFO STREAM s", _fields(radix_tree_keys=2), _fields(radix_tree_keys=3)),
        ("XINFO STREAM s", _fields(length=2), _fields(length=3)),
        ("DUMP s", _stream(_FIRST, _DELETED), _stream(_DELETED)),
    ],
)
def test_any_other_difference_stays(command, reference, candidate):
    left, right = without_wanted_differences(command, reference, candidate)
    assert left != right
