"""Starts the server on files that were damaged, many times a second, and tells what came of it.

Each start has a folder of its own for its short life; the server listens on a Unix socket there and nowhere else.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Iterator, Optional, Sequence

from harness import Client, ConnectionClosed, ReplyTimeout, SocketClient, encode_command, holdfast_binary
from harness.checked_server import sanitizer_report

Files = dict[str, bytes]  # by their path below the folder
State = dict[tuple, tuple]

LIMIT_S = 60.0
DATABASES = (0, 1)
PARALLEL = 2
_POLL_S = 0.001
_DIRECTIVES = ["--port", "0", "--save", "", "--threads", "1", "--enable-debug-command", "yes", "--appendfsync", "no"]
# The lock stays, and a server that was let in begins files of its own.
_OWN_FILES = ("lock", "server.log", "socket")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a start has come to: `state` of a server that serves, or the exit code of one that refuses."""

    state: Optional[State]
    exit_code: Optional[int]
    log: str
    files: Files  # of the folder, afterwards


def read_files(folder: pathlib.Path) -> Files:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(_OWN_FILES)
    }


def write_files(folder: pathlib.Path, files: Files) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def read_state(client: Client) -> State:
    """Every key with what its value and its time are, and the functions."""
    state: State = {}
    for database in DATABASES:
        client.must("SELECT", database)
        keys = sorted(key.value for key in client.must("KEYS", "*").value)
        questions = [question for key in keys for question in (("DEBUG", "DIGEST-VALUE", key), ("PEXPIRETIME", key))]
        replies = iter(client.pipeline(questions))
        for key in keys:
            state[database, key] = (next(replies).value[0].value, next(replies).value)
    for library in client.must("FUNCTION", "LIST", "WITHCODE").value:
        state["function", library.value[1].value] = (library.value[-1].value,)
    return state


def start(files: Files, *directives: str) -> Outcome:
    """One start on `files`; it is over when this returns."""
    with tempfile.TemporaryDirectory(prefix="holdfast-start-", dir=_quick_folder()) as name:
        folder = pathlib.Path(name)
        write_files(folder, files)
        command = [holdfast_binary(), *_DIRECTIVES, "--dir", name, "--unixsocket", f"{name}/socket", *directives]
        with open(folder / "server.log", "wb") as log:
            environment = {**os.environ, "HOLDFAST_STATE_DIR": name + "/lock"}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=name, env=environment)
        try:
            state = _await_state(process, folder / "socket")
            exit_code = None if state is not None else process.wait()
        finally:
            process.kill()
            process.wait()
        log_text = (folder / "server.log").read_text(errors="replace")
        assert not sanitizer_report(log_text), log_text
        shutil.rmtree(folder / "lock", ignore_errors=True)
        return Outcome(state, exit_code, log_text, read_files(folder))


def start_all(cases: Sequence, run: Callable) -> None:
    """`run(case)` for each, some at the same time. Raises what the first of them raises."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        try:
            for _ in pool.map(run, cases):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextlib.contextmanager
def built(folder: pathlib.Path, *directives: str) -> Iterator[SocketClient]:
    """A server that fills `folder`, and ends in good order."""
    command = [holdfast_binary(), *_DIRECTIVES, "--dir", str(folder), "--unixsocket", f"{folder}/socket", *directives]
    with open(folder / "server.log", "wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
    try:
        client = None
        end = time.monotonic() + LIMIT_S
        while client is None:
            assert time.monotonic() < end and process.poll() is None, (folder / "server.log").read_text()
            client = _connect(folder / "socket")
        yield client
        client.close()
        process.terminate()
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()


def _quick_folder() -> Optional[str]:
    """Nothing here depends on the disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _connect(path: pathlib.Path) -> Optional[SocketClient]:
    """A connection to a server that has loaded its data."""
    try:
        client = SocketClient(path, LIMIT_S)
    except OSError:
        time.sleep(_POLL_S)
        return None
    client.send_raw(encode_command(("PING",)))
    if client.read_reply().value == b"PONG":
        return client
    client.close()
    time.sleep(_POLL_S)
    return None


def _await_state(process: subprocess.Popen, path: pathlib.Path) -> Optional[State]:
    """None when the process has ended by itself."""
    end = time.monotonic() + LIMIT_S
    while True:
        ended = process.poll() is not None
        try:
            client = None if ended else _connect(path)
            if client is not None:
                with client:
                    return read_state(client)
        except (OSError, ConnectionClosed, ReplyTimeout):
            pass  # it has ended just now, or will not: the next turn tells
        if ended:
            return None
        assert time.monotonic() < end, "the server neither serves nor ends"
