"""The two servers that are compared."""

import contextlib
import os
import pathlib
import subprocess
import tempfile
from dataclasses import dataclass
from typing import Iterator, Sequence

from comparison import machine
from harness import Server

_PLAIN = ("--save", "", "--appendonly", "no")
# Longest wait for the reply of a command that works on all keys, seconds.
SLOW_COMMAND_S = 120.0


@dataclass(frozen=True)
class Brand:
    """A server program under its name in the table."""

    name: str
    binary: str

    @property
    def has_threads(self) -> bool:
        """Takes `--threads`. Redis, which runs commands on one thread, does not."""
        return not os.path.basename(self.binary).startswith("redis")

    def version(self) -> str:
        return subprocess.run([self.binary, "--version"], capture_output=True, text=True, check=True).stdout.strip()


class Contender(Server):
    """A server process that is measured."""

    def __init__(self, brand: Brand, threads: int, directives: Sequence[str], directory: pathlib.Path) -> None:
        own = ["--threads", str(threads)] if brand.has_threads else []
        super().__init__(brand.binary, [*own, *directives], directory)
        self.brand = brand

    def cpu_ns(self) -> int:
        return machine.process_cpu_ns(self.pid)

    def ask(self, *command: str) -> object:
        """The value of the reply. Raises ErrorReply."""
        with self.client(timeout_s=SLOW_COMMAND_S) as client:
            return client.must(*command).value

    def info(self, field: str) -> str:
        for line in self.ask("INFO", "everything").decode().splitlines():
            if line.startswith(field + ":"):
                return line.partition(":")[2]
        raise KeyError(f"{self.brand.name} has no {field} in INFO")


@contextlib.contextmanager
def running(
    brand: Brand, parent: str, threads: int = 1, directives: Sequence[str] = _PLAIN, cores: machine.Cores = machine.ONLY_SERVER_CORE
) -> Iterator[Contender]:
    """A contender in a fresh directory below `parent`."""
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-", dir=parent) as directory:
        server = Contender(brand, threads, directives, pathlib.Path(directory))
        with machine.on_cores(cores):
            server.start()
        try:
            yield server
        finally:
            server.stop()
