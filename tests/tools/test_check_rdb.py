"""holdfast-check-rdb on dump.rdb of both servers, sound and not, beside redis-check-rdb and a start."""

import os
import pathlib
import random
import shutil
import subprocess

import pytest

from compat.mixed_dataset import mixed_commands
from harness import Server, ServerDied, holdfast_binary
from tools.programs import COMMON, SERVERS, check_rdb, redis_check_rdb, server_of

KEYS = 3000
SMALL_KEYS = 150
PLACES = 40
STARTS = 25
LIBRARY = "#!lua name=mylib\nredis.register_function('f', function() return 1 end)"


def _dump(kind: str, directory: pathlib.Path, keys: int, *directives: str, library: str = "") -> pathlib.Path:
    with server_of(kind, directory, *directives) as server, server.client(timeout_s=60) as client:
        for reply in client.pipeline(list(mixed_commands(keys, seed=5))):
            assert not reply.is_error(), reply
        if library:
            client.must("FUNCTION", "LOAD", library)
        client.must("SAVE")
    return directory / "dump.rdb"


@pytest.fixture(scope="module", params=SERVERS)
def dump(request, tmp_path_factory) -> pathlib.Path:
    return _dump(request.param, tmp_path_factory.mktemp("dump"), KEYS, library=LIBRARY)


def test_a_sound_file_of_either_server_passes(dump):
    ours, theirs = check_rdb(dump, "--stats"), redis_check_rdb(dump)
    assert (ours.exit_code, theirs.exit_code) == (0, 0), ours.output
    # The lines that both have are the same: offset of the end, keys, expires, expired.
    for line in theirs.output.splitlines():
        if "looks OK" in line or "Checksum OK" in line or line.startswith("[info]") or "AUX FIELD" in line:
            assert line in ours.output.splitlines(), line


def test_the_counts_of_types_and_databases_add_up(dump):
    found = check_rdb(dump, "--json", "--top", 7).document
    assert found["ok"] and found["damage"] is None and found["checksum"] == "ok"
    assert found["keys"] == sum(database["keys"] for database in found["databases"])
    assert found["keys"] == sum(stats["keys"] for stats in found["types"].values())
    assert found["expires"] == sum(database["expires"] for database in found["databases"]) > 0
    assert found["expired"] == 0
    assert found["function_names"] == ["mylib"]
    for name in ("string", "list", "set", "zset", "hash", "stream"):
        assert 0 < found["types"][name]["keys"] <= found["types"][name]["elements"]
    sizes = [key["bytes"] for key in found["biggest"]]
    assert len(sizes) == 7 and sizes == sorted(sizes, reverse=True)
    assert found["rdb_bytes"] == dump.stat().st_size > sum(stats["bytes"] for stats in found["types"].values())


def test_a_cut_or_changed_file_is_refused_by_both(dump, tmp_path):
    data = dump.read_bytes()
    choice = random.Random(7)
    target = tmp_path / "dump.rdb"
    for number in range(PLACES):
        place = choice.randrange(9, len(data))
        changed = bytearray(data[:place] if number % 2 else data)
        if number % 2 == 0:
            changed[place] ^= 1 << choice.randrange(8)
        target.write_bytes(changed)
        ours = check_rdb(target, "--json")
        assert redis_check_rdb(target).exit_code != 0
        assert ours.exit_code == 1, (place, ours.output)
        damage = ours.document["damage"]
        assert damage["offset"] <= damage["fault_offset"] <= len(changed)
        if number % 2:
            assert damage["kind"] == "truncated" and damage["fault_offset"] >= damage["offset"]
        else:
            # Changed bytes may be seen earlier than by the checksum, but never before they are there.
            assert damage["fault_offset"] > place or damage["kind"] == "checksum"


def test_the_verdict_is_what_a_start_makes_of_it(tmp_path):
    """Without checksum a changed byte may go unnoticed, by both alike."""
    (tmp_path / "made").mkdir()
    data = _dump("reference", tmp_path / "made", SMALL_KEYS, "--rdbchecksum", "no").read_bytes()
    assert check_rdb(tmp_path / "made/dump.rdb").exit_code == 0
    choice = random.Random(8)
    verdicts = set()
    for number in range(STARTS):
        changed = bytearray(data)
        changed[choice.randrange(200, len(data) - 9)] ^= 1 << choice.randrange(8)
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / "dump.rdb").write_bytes(changed)
        ours = check_rdb(directory / "dump.rdb")
        server = Server(holdfast_binary(), [*COMMON, "--databases", "16384", "--threads", "1"], directory=directory)
        try:
            server.start()
            loaded = True
        except ServerDied:
            loaded = False
        finally:
            server.kill()
        assert loaded == (ours.exit_code == 0), f"{ours.output}\n{server.log()}"
        verdicts.add(loaded)
    assert verdicts == {True, False}, "the places were not well chosen"


def test_expired_keys_are_counted(tmp_path):
    with server_of("holdfast", tmp_path) as server, server.client() as client:
        client.must("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        client.must("SET", "gone", "v", "PX", 1)
        client.must("SET", "stays", "v", "EX", 100000)
        client.must("SAVE")
    found = check_rdb(tmp_path / "dump.rdb", "--json").document
    assert (found["keys"], found["expires"], found["expired"]) == (2, 2, 1)


def test_wrong_usage_and_what_is_no_file(tmp_path):
    for words in ((), ("--top",), ("--top", "x", "f"), ("--bogus", "f"), ("a", "b"), ("",)):
        ended = check_rdb(*words)
        assert ended.exit_code == 2 and ended.errors.startswith("Usage: holdfast-check-rdb"), words
    assert check_rdb("--help").exit_code == 0
    assert check_rdb("--version").output.startswith("holdfast-check-rdb ")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", tmp_path / "none", "/dev/zero"):
        assert check_rdb(path).exit_code == 1
    (tmp_path / "empty").touch()
    assert check_rdb(tmp_path / "empty").exit_code == 1


def test_keys_are_shown_as_printable_ascii(tmp_path):
    with server_of("holdfast", tmp_path) as server, server.client() as client:
        client.must("SET", b'\x1b[31m"\n\xff', "v")
        client.must("SAVE")
    ended = check_rdb(tmp_path / "dump.rdb", "--stats")
    assert r'"\x1b[31m\"\n\xff"' in ended.output and "\x1b" not in ended.output
    assert check_rdb(tmp_path / "dump.rdb", "--json").document["biggest"][0]["key"] == r"\x1b[31m\"\n\xff"


def test_a_large_value_takes_memory_for_one_value_only(tmp_path):
    """32 values of 4 MiB; a limit of 100 MiB of address space is enough."""
    with server_of("holdfast", tmp_path, "--rdbcompression", "no") as server, server.client(timeout_s=60) as client:
        for number in range(32):
            client.must("SET", f"k{number}", random.Random(number).randbytes(4 << 20))
        client.must("SAVE")
    if "asan" in holdfast_binary() or "tsan" in holdfast_binary():
        pytest.skip("sanitizers take address space of their own")
    tool = pathlib.Path(holdfast_binary()).parent / "holdfast-check-rdb"
    limited = shutil.which("prlimit")
    assert limited, "prlimit is part of util-linux"
    done = subprocess.run([limited, "--as=104857600", tool, tmp_path / "dump.rdb"], capture_output=True, timeout=60)
    assert done.returncode == 0, done
