"""A server process under test: its port, its directory, its log, its end.

Works for Holdfast and for redis-server, which take the same arguments.
"""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from typing import Optional, Sequence

from harness.client import Client, ConnectionClosed, ReplyTimeout

_REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
_PORT_RANGE = "21000-21999"
START_LIMIT_S = 20.0
STOP_LIMIT_S = 10.0


class ServerDied(Exception):
    """The process ended when it should not have; the text holds the tail of its log."""


def holdfast_binary() -> str:
    """The server under test: HOLDFAST_SERVER, or the release build of this tree."""
    return os.environ.get("HOLDFAST_SERVER", str(_REPOSITORY / "build/release/src/server/holdfast-server"))


def reference_binary() -> str:
    """The reference server: REDIS_SERVER, or what ./check has made of redis-tools, or the installed redis-server."""
    made = _REPOSITORY / "build/reference/redis-server"
    return os.environ.get("REDIS_SERVER", str(made) if made.exists() else "/usr/bin/redis-server")


# Ports given away: nobody may listen on them yet.
_given_ports: set[int] = set()


def free_port() -> int:
    """A loopback port nobody listens on, out of HOLDFAST_TEST_PORTS (`first-last`); not one it has given away before,
    as long as there are others."""
    first, last = (int(part) for part in os.environ.get("HOLDFAST_TEST_PORTS", _PORT_RANGE).split("-"))
    candidates = list(range(first, last + 1))
    random.SystemRandom().shuffle(candidates)
    candidates.sort(key=_given_ports.__contains__)
    for port in candidates:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            _given_ports.add(port)
            return port
    raise RuntimeError(f"no free port between {first} and {last}")


class Server:
    """Runs `binary --port N --dir D <directives>` until `stop`, `kill` or the end of the `with` block.

    directives  further arguments as on the command line, e.g. ["--appendonly", "yes"]
    directory   where the server keeps its files; a temporary one (removed by `close`) when not given
    """

    def __init__(
        self, binary: str, directives: Sequence[str] = (), directory: Optional[pathlib.Path] = None
    ) -> None:
        self.binary = binary
        self.directives = list(directives)
        self.port = free_port()
        self._owns_directory = directory is None
        self.directory = directory or pathlib.Path(tempfile.mkdtemp(prefix="holdfast-test-"))
        self.log_path = self.directory / "server.log"
        # How long loading may take.
        self.start_limit_s = START_LIMIT_S
        self._process: Optional[subprocess.Popen] = None

    def __enter__(self) -> "Server":
        if not self.running():
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was never started"
        return self._process.pid

    def start(self) -> "Server":
        """Starts the process and waits until it answers PING. Raises ServerDied."""
        assert not self.running(), "the server runs already"
        command = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                command + self.directives, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> int:
        """Asks the process to end (SIGTERM), insists after STOP_LIMIT_S, returns its exit code."""
        assert self._process is not None, "the server was never started"
        if self.running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def kill(self) -> None:
        """Ends the process at once (SIGKILL), as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Stops and starts again on the same port and directory."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stops the process and removes the directory when it is a temporary one."""
        if self._process is not None:
            self.stop()
        if self._owns_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def client(self, **options: float) -> Client:
        return Client(self.port, **options)

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + self.start_limit_s
        while time.monotonic() < deadline:
            if not self.running():
                raise ServerDied(f"{self.binary} ended with {self._process.poll()} at start:\n{self.log_tail()}")
            try:
                with self.client(timeout_s=1.0) as client:
                    answer = client.command("PING").value
                    # A server with a password is ready too: it answers, only not to us.
                    if answer == b"PONG" or answer.startswith(b"NOAUTH"):
                        return
            except (OSError, ConnectionClosed, ReplyTimeout):
                pass
            time.sleep(0.02)
        raise ServerDied(f"{self.binary} did not answer PING within {self.start_limit_s} s:\n{self.log_tail()}")
