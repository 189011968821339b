"""Files that were cut, changed or lost: the start keeps what is sound, or refuses and says which file and where."""

import pathlib
import random
import shutil

import pytest

from crash.ledger import Ledger, Plan, check
from crash.reference import NO_SAVE, reference_on_copy
from crash.writers import everything
from harness import CheckedServer, Server, ServerDied, encode_command, holdfast_binary
from harness.crew import stress_seed

AOF = NO_SAVE + ["--appendonly", "yes", "--threads", "2"]
STEPS = 150
CUTS = 12


@pytest.fixture(scope="module")
def seed():
    return stress_seed()


@pytest.fixture(scope="module")
def sound(tmp_path_factory, seed):
    """A directory with a base that holds keys, an increment of many commands, and a dump.rdb."""
    directory = tmp_path_factory.mktemp("sound")
    with CheckedServer(AOF, directory=directory) as server, server.client() as client:
        client.must("DEBUG", "POPULATE", 500, "ballast", 50)
        client.must("SAVE")
        client.must("BGREWRITEAOF")
        while b"aof_rewrite_in_progress:0" not in client.must("INFO", "persistence").value:
            pass
        plan = Plan("w", seed)
        for _ in range(STEPS):
            step = plan.next_step()
            client.send_raw(b"".join(encode_command(command) for command in step.commands))
            for _ in step.commands:
                assert not client.read_reply().is_error()
    return directory


@pytest.fixture
def directory(sound, tmp_path):
    copy = tmp_path / "data"
    shutil.copytree(sound, copy)
    (copy / "server.log").unlink()
    return copy


def _the(directory: pathlib.Path, pattern: str) -> pathlib.Path:
    (found,) = (directory / "appendonlydir").glob(pattern)
    return found


def _refuses(directory: pathlib.Path, *directives: str) -> str:
    """Holdfast must not start: exit code 1, nothing changed on disk. Returns its log."""
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    server = Server(holdfast_binary(), [*AOF, *directives], directory=directory)
    try:
        with pytest.raises(ServerDied):
            server.start()
    finally:
        server.kill()
    log = server.log()
    assert server._process.wait() == 1, log
    server.log_path.unlink()
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before
    return log


def _sent(steps: int = STEPS) -> Ledger:
    return Ledger("w", steps, steps, ())


@pytest.mark.parametrize("cut", range(CUTS))
def test_a_torn_tail_is_cut_off_and_the_rest_is_kept(directory, seed, cut):
    increment = _the(directory, "*.incr.aof")
    size = increment.stat().st_size
    choice = random.Random(f"{seed}/{cut}")
    # Some right behind the last bytes, some anywhere.
    length = size - choice.randrange(1, 40) if cut % 3 == 0 else choice.randrange(1, size)
    data = increment.read_bytes()[:length]
    increment.write_bytes(data)
    with reference_on_copy(directory, appendonly=True) as reference, reference.client() as client:
        by_reference = everything(client)
    with CheckedServer(AOF, directory=directory) as server, server.client() as client:
        held = everything(client)
        assert held == by_reference
        steps = check(_sent(), seed, held, promised=0)
        kept = increment.stat().st_size
        if kept < length:
            assert f"!!! Truncating the AOF {increment.name} at offset {kept} !!!" in server.log()
        # It goes on behind what was kept, and that is whole.
        client.must("SET", "later", "v")
    with CheckedServer(AOF, directory=directory) as server, server.client() as client:
        again = everything(client)
        assert again.pop(b"later") == b"v" and again == held
        assert check(_sent(), seed, again, promised=0) == steps
        assert "Truncating" not in server.log().split("Server initialized")[-1]


def test_a_torn_tail_is_refused_when_that_is_configured(directory):
    increment = _the(directory, "*.incr.aof")
    increment.write_bytes(increment.read_bytes()[:-3])
    log = _refuses(directory, "--aof-load-truncated", "no")
    assert f"Unexpected end of file reading the append only file {increment.name}" in log


@pytest.mark.parametrize("place", range(6))
def test_a_changed_byte_in_the_middle_is_refused(directory, seed, place):
    """Of the frame of a command: between two commands, in a length, in the name. Says which file and where."""
    increment = _the(directory, "*.incr.aof")
    data = bytearray(increment.read_bytes())
    starts = [at + 1 for at in range(len(data)) if data[at : at + 3] in (b"\n*2", b"\n*3", b"\n*5")]
    start = random.Random(f"{seed}/{place}").choice(starts[len(starts) // 4 : len(starts) * 3 // 4])
    # `*3\r\n$3\r\nSET\r\n`: each of its first bytes in turn.
    data[start + (0, 1, 4, 5, 6, 8)[place]] ^= 0x40
    increment.write_bytes(data)
    log = _refuses(directory)
    assert increment.name in log, log
    numbers = [int(word.strip(".,:;()!")) for word in log.split() if word.strip(".,:;()!").isdigit()]
    assert any(start - 16 <= number <= start + 16 for number in numbers), f"no place near {start} is named:\n{log}"


def test_a_changed_value_is_found_by_the_index(directory, seed):
    """A changed byte inside a value still parses. What the index covers has a checksum."""
    increment = _the(directory, "*.incr.aof")
    data = bytearray(increment.read_bytes())
    at = data.index(b"w:last")
    data[at] ^= 0x01
    increment.write_bytes(data)
    log = _refuses(directory)
    assert increment.name in log, log


@pytest.mark.parametrize("pattern", ["*.incr.aof", "*.base.rdb"])
def test_a_missing_file_is_refused(directory, pattern):
    missing = _the(directory, pattern)
    missing.unlink()
    assert missing.name in _refuses(directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text.replace("type b", "type q"),
        lambda text: "x\n" + text,
    ],
    ids=["empty", "unfinished", "unknown type", "no entry"],
)
def test_a_broken_manifest_is_refused(directory, change):
    manifest = _the(directory, "*.manifest")
    manifest.write_text(change(manifest.read_text()))
    assert "manifest" in _refuses(directory)


@pytest.mark.parametrize("damage", ["middle", "end"])
def test_a_damaged_base_is_refused(directory, damage):
    base = _the(directory, "*.base.rdb")
    data = bytearray(base.read_bytes())
    if damage == "middle":
        data[len(data) // 2] ^= 0x01
    else:
        del data[-20:]
    base.write_bytes(data)
    log = _refuses(directory)
    assert base.name in log, log


@pytest.mark.parametrize("damage", ["middle", "end"])
def test_a_damaged_dump_is_refused(directory, damage):
    dump = directory / "dump.rdb"
    data = bytearray(dump.read_bytes())
    if damage == "middle":
        data[len(data) // 2] ^= 0x01
    else:
        del data[-20:]
    dump.write_bytes(data)
    log = _refuses(directory, "--appendonly", "no")
    assert "offset" in log or "CRC" in log or "checksum" in log, log
