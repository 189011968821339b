"""A server whose end is judged: its exit code, and what a sanitizer or a failed check has written to its log."""

import re
from typing import Sequence

from harness.server import Server, holdfast_binary

_REPORT = re.compile(
    r"(WARNING: ThreadSanitizer|ERROR: (Address|Leak|Undefined\w*)Sanitizer|SUMMARY: \w+Sanitizer|runtime error: |=== ASSERTION FAILED ===)"
)
_REPORT_LINES = 60


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
