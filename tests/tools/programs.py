"""The tools as processes that end: ours, built beside the server under test, and those of Redis."""

import dataclasses
import json
import pathlib
import subprocess

from harness import Server, holdfast_binary, reference_binary
from harness.checked_server import CheckedServer

LIMIT_S = 60
COMMON = ["--save", "", "--enable-debug-command", "yes"]
SERVERS = {"holdfast": holdfast_binary, "reference": reference_binary}


@dataclasses.dataclass(frozen=True)
class Ended:
    exit_code: int
    output: str
    errors: str

    @property
    def document(self) -> dict:
        return json.loads(self.output)


def _run(words: list, answer: str) -> Ended:
    done = subprocess.run(
        [str(word) for word in words], input=answer.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT_S
    )
    return Ended(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def check_rdb(*words: object) -> Ended:
    return _run([pathlib.Path(holdfast_binary()).parent / "holdfast-check-rdb", *words], "")


def check_aof(*words: object, answer: str = "") -> Ended:
    return _run([pathlib.Path(holdfast_binary()).parent / "holdfast-check-aof", *words], answer)


def redis_check_rdb(*words: object) -> Ended:
    return _run(["redis-check-rdb", *words], "")


def redis_check_aof(*words: object, answer: str = "") -> Ended:
    return _run(["redis-check-aof", *words], answer)


def server_of(kind: str, directory: pathlib.Path, *directives: str) -> Server:
    """`kind`: a name of SERVERS."""
    if kind == "holdfast":
        return CheckedServer([*COMMON, "--threads", "2", *directives], directory=directory)
    return Server(reference_binary(), [*COMMON, *directives], directory=directory)
