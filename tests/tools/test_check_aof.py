"""holdfast-check-aof on the AOF files of both servers, sound and not, beside redis-check-aof and a start."""

import os
import pathlib
import random
import shutil
import time

import pytest

from compat.mixed_dataset import mixed_commands
from crash.reference import digest
from harness import encode_command
from tools.programs import SERVERS, check_aof, redis_check_aof, server_of

AOF = ["--appendonly", "yes", "--aof-timestamp-enabled", "yes"]
KEYS = 400
CUTS = 24
START_S = 1700000000


def _manifest(directory: pathlib.Path) -> pathlib.Path:
    return directory / "appendonlydir/appendonly.aof.manifest"


def _increment(directory: pathlib.Path) -> pathlib.Path:
    return max((directory / "appendonlydir").glob("*.incr.aof"))


def _verdicts(directory: pathlib.Path) -> list[str]:
    return [file["verdict"] for file in check_aof("--json", directory).document["files"]]


def _fill(kind: str, directory: pathlib.Path) -> pathlib.Path:
    """A base that holds keys, an increment with commands of three different seconds."""
    with server_of(kind, directory, *AOF) as server, server.client(timeout_s=60) as client:
        client.pipeline(list(mixed_commands(KEYS, seed=3, prefix="base")))
        client.must("BGREWRITEAOF")
        while b"aof_rewrite_in_progress:0" not in client.must("INFO", "persistence").value:
            pass
        for part in range(3):
            client.must("SELECT", 0)
            client.must("SET", f"part:{part}", "v")
            client.pipeline([("MULTI",), ("INCR", "both"), ("INCR", "both"), ("EXEC",)])
            client.pipeline(list(mixed_commands(KEYS // 4, seed=part, prefix=f"part{part}")))
            time.sleep(1.2)
    (directory / "server.log").unlink()
    return directory


@pytest.fixture(scope="module", params=SERVERS)
def made(request, tmp_path_factory) -> pathlib.Path:
    return _fill(request.param, tmp_path_factory.mktemp("made"))


@pytest.fixture
def directory(made, tmp_path) -> pathlib.Path:
    return pathlib.Path(shutil.copytree(made, tmp_path / "data"))


def _command(*words: object) -> bytes:
    return encode_command(words)


def _annotated(*parts: tuple) -> bytes:
    """Each part: the seconds after START_S, and commands."""
    return b"".join(b"#TS:%d\r\n" % (START_S + at) + b"".join(commands) for at, *commands in parts)


SINGLE = _annotated((0, _command("SELECT", 0), _command("SET", "a", 1)), (10, _command("SET", "b", 2)), (20, _command("SET", "c", 3)))


@pytest.mark.parametrize("named", ["directory", "data directory", "manifest"])
def test_sound_files_of_either_server_pass(directory, named):
    target = {"directory": directory, "data directory": directory / "appendonlydir", "manifest": _manifest(directory)}[named]
    ours, theirs = check_aof("--stats", target), redis_check_aof(_manifest(directory))
    assert (ours.exit_code, theirs.exit_code) == (0, 0), ours.output
    assert "All AOF files and manifest are valid" in ours.output and "set " in ours.output
    found = check_aof("--json", target).document
    base, increment = found["files"]
    assert base["rdb"]["keys"] > 0 and base["commands"] == 0
    assert increment["commands"] == sum(stats["count"] for stats in increment["commands_by_name"].values()) > 3
    assert increment["command_bytes"] < increment["size"] == increment["sound_up_to"]
    assert abs(increment["sound_until_unix_s"] - time.time()) < 600
    index = increment["index"]
    if pathlib.Path(f"{_increment(directory)}.idx").exists():
        assert index["sound"] and index["verified_up_to"] == increment["size"]
    else:
        assert index is None


def test_a_torn_tail_is_cut_as_a_start_would(directory, tmp_path):
    increment = _increment(directory)
    data = increment.read_bytes()
    choice = random.Random(4)
    for number in range(CUTS):
        length = choice.randrange(1, len(data))
        copy = pathlib.Path(shutil.copytree(directory, tmp_path / str(number)))
        target = _increment(copy)
        target.write_bytes(data[:length])
        ours, theirs = check_aof(copy), redis_check_aof(_manifest(copy))
        # A torn annotation does not disturb redis-check-aof.
        assert ours.exit_code == theirs.exit_code or (theirs.exit_code == 0 and data[:length].rindex(b"\n#") > length - 20)
        if ours.exit_code == 0:
            continue
        assert _verdicts(copy) == ["ok", "truncated"]
        refused = check_aof("--fix", copy, answer="n\n")
        assert refused.exit_code == 1 and "Aborting..." in refused.output
        assert check_aof("--fix", copy).exit_code == 1
        assert target.read_bytes() == data[:length]
        fixed = check_aof("--fix", copy, answer="y\n")
        assert fixed.exit_code == 0 and f"Successfully truncated AOF {increment.name}" in fixed.output, fixed
        kept = target.stat().st_size
        assert check_aof(copy).exit_code == 0 and redis_check_aof(_manifest(copy)).exit_code == 0
        if number % 6 == 0:
            target_of_start = pathlib.Path(shutil.copytree(directory, tmp_path / f"start{number}"))
            _increment(target_of_start).write_bytes(data[:length])
            with server_of("holdfast", target_of_start, *AOF) as server:
                assert f"at offset {kept} !!!" in server.log()
                expected = digest(server)
            with server_of("holdfast", copy, *AOF) as server, server.client() as client:
                assert "Truncating" not in server.log()
                assert digest(server) == expected
                client.must("SET", "later", "v")
            assert check_aof(copy).exit_code == 0


@pytest.mark.parametrize("place", range(5))
def test_a_changed_byte_between_commands_is_corrupt(directory, place):
    increment = _increment(directory)
    data = bytearray(increment.read_bytes())
    starts = [at + 1 for at in range(len(data)) if data[at : at + 3] == b"\n*3"]
    start = random.Random(place).choice(starts[len(starts) // 4 : len(starts) * 3 // 4])
    # `*3\r\n$3\r\n`: each of its first bytes in turn.
    data[start + (0, 1, 2, 4, 5)[place]] ^= 0x40
    increment.write_bytes(data)
    assert redis_check_aof(_manifest(directory)).exit_code == 1
    found = check_aof("--json", directory)
    assert found.exit_code == 1
    broken = found.document["files"][1]
    assert broken["verdict"] == "corrupt" and broken["sound_up_to"] <= start
    risk = broken["at_risk"]
    assert risk["bytes"] == len(data) - broken["sound_up_to"] and risk["commands"] > 50 and risk["counted_all"]
    asked = check_aof("--fix", directory, answer="n\n")
    assert asked.exit_code == 1 and "will be lost" in asked.output
    assert increment.read_bytes() == data


def test_a_changed_value_is_found_by_the_index(tmp_path):
    directory = _fill("holdfast", tmp_path)
    increment = _increment(directory)
    data = bytearray(increment.read_bytes())
    data[data.index(b"part:1")] ^= 0x01
    increment.write_bytes(data)
    assert redis_check_aof(_manifest(directory)).exit_code == 0
    found = check_aof("--json", directory).document["files"][1]
    assert found["verdict"] == "corrupt" and found["index"]["bad_begin"] <= data.index(b"qart:1") < found["index"]["bad_end"]
    assert check_aof("--fix", directory, answer="y\n").exit_code == 0
    assert increment.stat().st_size == found["index"]["bad_begin"]
    with server_of("holdfast", directory, *AOF) as server, server.client() as client:
        assert client.must("GET", "part:0").value == b"v"
        client.must("SET", "later", "v")
    assert check_aof(directory).exit_code == 0


@pytest.mark.parametrize("pattern", ["*.base.rdb", "*.incr.aof"])
def test_what_cutting_cannot_mend_is_left_alone(directory, pattern):
    """A damaged base; a missing file; an increment that is not the last."""
    (file,) = (directory / "appendonlydir").glob(pattern)
    data = file.read_bytes()
    if pattern == "*.incr.aof":
        later = file.with_name("appendonly.aof.99.incr.aof")
        later.write_bytes(_command("SELECT", 0))
        # Without the checksum of Holdfast, which speaks of all lines.
        lines = [line for line in _manifest(directory).read_text().splitlines() if not line.startswith("#CRC64:")]
        _manifest(directory).write_text("\n".join([*lines, f"file {later.name} seq 99 type i", ""]))
        assert check_aof(directory).exit_code == 0
    file.write_bytes(data[:-20])
    assert check_aof("--fix", directory, answer="y\n").exit_code == 1
    assert redis_check_aof("--fix", _manifest(directory), answer="y\n").exit_code == 1
    assert file.read_bytes() == data[:-20]
    file.unlink()
    ended = check_aof("--fix", directory, answer="y\n")
    assert ended.exit_code == 1 and "unreadable" in check_aof("--json", directory).output
    assert redis_check_aof(_manifest(directory)).exit_code == 1


@pytest.mark.parametrize("preamble", [False, True])
def test_single_files_have_the_verdicts_of_redis(made, tmp_path, preamble):
    rdb = next((made / "appendonlydir").glob("*.base.rdb")).read_bytes() if preamble else b""
    middle = bytearray(SINGLE)
    middle[SINGLE.index(b"SET") - 4] = ord("x")
    cases = {
        "sound": SINGLE,
        "torn": SINGLE[:-5],
        "open MULTI": SINGLE + _command("MULTI") + _command("SET", "d", 4),
        "nested MULTI": SINGLE + _command("MULTI") + _command("MULTI") + _command("EXEC"),
        "EXEC alone": SINGLE + _command("EXEC") + _command("SET", "d", 4),
        "damaged": bytes(middle),
        "zeros": SINGLE + b"\0" * 10,
        "no number": SINGLE + b"#TS:abc\r\n",
    }
    for name, commands in cases.items():
        for tool, word in ((check_aof, "ours"), (redis_check_aof, "theirs")):
            (tmp_path / word).write_bytes(rdb + commands)
        ours, theirs = check_aof(tmp_path / "ours"), redis_check_aof(tmp_path / "theirs")
        assert ours.exit_code == theirs.exit_code == (0 if name in ("sound", "no number") else 1), name
        ours, theirs = (tool("--fix", tmp_path / word, answer="y\n") for tool, word in ((check_aof, "ours"), (redis_check_aof, "theirs")))
        assert ours.exit_code == theirs.exit_code == 0, name
        kept, expected = (tmp_path / "ours").read_bytes(), (tmp_path / "theirs").read_bytes()
        # An annotation with nothing behind it is not kept.
        assert expected.startswith(kept) and expected[len(kept) :].count(b"\n") <= (1 if b"#TS" in expected[len(kept) :] else 0), name


@pytest.mark.parametrize("preamble", [False, True])
@pytest.mark.parametrize("after_s", [-1, 0, 5, 10, 20, 100, None])
def test_a_time_cuts_where_redis_cuts(made, tmp_path, preamble, after_s):
    rdb = next((made / "appendonlydir").glob("*.base.rdb")).read_bytes() if preamble else b""
    until = "x" if after_s is None else START_S + after_s
    ended = []
    for tool, word in ((check_aof, "ours"), (redis_check_aof, "theirs")):
        (tmp_path / word).write_bytes(rdb + SINGLE)
        ended.append((tool("--truncate-to-timestamp", until, tmp_path / word).exit_code, (tmp_path / word).stat().st_size))
    assert ended[0] == ended[1]


def test_a_time_cuts_the_last_increment(directory, tmp_path):
    until = [int(word[4:]) for word in _increment(directory).read_bytes().split() if word.startswith(b"#TS:")][1] - 1
    copy = pathlib.Path(shutil.copytree(directory, tmp_path / "theirs"))
    ours = check_aof("--truncate-to-timestamp", until, directory)
    theirs = redis_check_aof("--truncate-to-timestamp", until, _manifest(copy))
    assert ours.exit_code == theirs.exit_code == 0, ours
    assert _increment(directory).read_bytes() == _increment(copy).read_bytes()
    assert check_aof(directory).exit_code == 0
    with server_of("holdfast", directory, *AOF) as server, server.client() as client:
        assert client.must("GET", "part:0").value == b"v"
        assert client.must("GET", "part:2").value is None


def test_files_of_a_running_server_are_not_changed(tmp_path):
    with server_of("holdfast", tmp_path, *AOF) as server, server.client() as client:
        client.must("SET", "a", 1)
        increment = _increment(tmp_path)
        with open(increment, "ab") as file:
            file.write(b"*3\r\n$3\r\nSE")
        size = increment.stat().st_size
        ended = check_aof("--fix", tmp_path, answer="y\n")
        assert ended.exit_code == 1 and "a server writes this folder" in ended.output
        assert increment.stat().st_size == size
    assert check_aof("--fix", tmp_path, answer="y\n").exit_code == 0


def test_the_question_leaves_standard_output_to_the_json(tmp_path):
    (tmp_path / "a.aof").write_bytes(SINGLE[:-5])
    ended = check_aof("--fix", "--json", tmp_path / "a.aof", answer="y\n")
    assert ended.exit_code == 0 and "Continue? [y/N]" in ended.errors
    truncated = ended.document["truncated"]
    assert truncated["from"] == len(SINGLE) - 5 and truncated["to"] == (tmp_path / "a.aof").stat().st_size


def test_wrong_usage_and_what_is_no_file(tmp_path):
    for words in ((), ("--bogus", "f"), ("--truncate-to-timestamp",), ("a", "b"), ("--fix", "--truncate-to-timestamp", 5, "f")):
        ended = check_aof(*words)
        assert ended.exit_code == 1 and ended.errors.startswith("Usage: holdfast-check-aof"), words
    assert check_aof("--help").exit_code == 0
    assert check_aof("--version").output.startswith("holdfast-check-aof ")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bad.manifest").write_text("file pipe seq 1 type q\n")
    (tmp_path / "pipe.manifest").write_text("file pipe seq 1 type i\n")
    for name in (".", "pipe", "none", "bad.manifest", "pipe.manifest"):
        assert check_aof(tmp_path / name).exit_code == 1, name
    assert check_aof("/dev/zero").exit_code == 1
    (tmp_path / "escape.manifest").write_text('file "a\\x1b[2J\\xff" seq 1 type i\n')
    for form in ("--json", "--stats"):
        ended = check_aof(form, tmp_path / "escape.manifest")
        assert ended.exit_code == 1 and "\x1b" not in ended.output and "x1b[2J" in ended.output
    assert check_aof("--json", tmp_path / "escape.manifest").document["files"][0]["verdict"] == "unreadable"
