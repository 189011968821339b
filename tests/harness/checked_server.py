"""A server whose end is judged: its exit code, and what a sanitizer or a failed check has written to its log."""

import pathlib
import re
import signal
import subprocess
from typing import Sequence

from harness.server import Server, holdfast_binary

_REPORT = re.compile(
    r"(WARNING: ThreadSanitizer|ERROR: \w+Sanitizer|SUMMARY: \w+Sanitizer|runtime error: |=== ASSERTION FAILED ===)"
)
_REPORT_LINES = 60
# Sanitized builds on busy machines and disks take their time to end.
CHECKED_STOP_LIMIT_S = 60.0


class UnsoundServer(AssertionError):
    """The server ended as it should not have; the text holds the first report or the tail of its log."""


def sanitizer_report(log: str) -> str:
    """The first report of a sanitizer or failed check in `log` with the lines behind it, empty when there is none."""
    found = _REPORT.search(log)
    if not found:
        return ""
    start = log.rfind("\n", 0, found.start()) + 1
    return "\n".join(log[start:].splitlines()[:_REPORT_LINES])


class CheckedServer(Server):
    """Holdfast that must run to the end, exit with 0 and report nothing. `close` raises UnsoundServer otherwise.

    After `kill` (a crash on purpose) only the log is judged.
    """

    def __init__(self, directives: Sequence[str] = (), **options: object) -> None:
        super().__init__(holdfast_binary(), directives, **options)
        self.killed_on_purpose = False

    def start(self) -> "CheckedServer":
        self.killed_on_purpose = False
        super().start()
        return self

    def kill(self) -> None:
        if self.running():
            self.killed_on_purpose = True
        super().kill()

    def stop(self) -> int:
        """Like Server.stop with more patience. Raises UnsoundServer with what its threads do when it does not end."""
        if self.running():
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(CHECKED_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                states = self.thread_states()
                self._process.kill()
                raise UnsoundServer(f"the server does not end when asked to:\n{states}\n{self.log_tail()}") from None
        return super().stop()

    def thread_states(self) -> str:
        """One line a thread: its state and where in the kernel it waits. D is waiting for the disk."""
        lines = []
        for task in sorted(pathlib.Path(f"/proc/{self.pid}/task").iterdir()):
            state = (task / "stat").read_text().rpartition(")")[2].split()[0]
            lines.append(f"thread {task.name}: {state} {(task / 'wchan').read_text()}")
        return "\n".join(lines)

    def check_alive(self) -> None:
        """Raises UnsoundServer when the process has ended by itself."""
        if not self.killed_on_purpose and self._process is not None and not self.running():
            raise UnsoundServer(f"the server ended with {self._process.poll()}:\n{self._explanation()}")

    def close(self) -> None:
        try:
            if self._process is not None:
                self.check_alive()
                code = self.stop()
                if code != 0 and not self.killed_on_purpose:
                    raise UnsoundServer(f"the server ended with {code} when asked to:\n{self._explanation()}")
                if sanitizer_report(self.log()):
                    raise UnsoundServer(self._explanation())
        finally:
            super().close()

    def _explanation(self) -> str:
        return sanitizer_report(self.log()) or self.log_tail(_REPORT_LINES)
