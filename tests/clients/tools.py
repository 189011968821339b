"""redis-cli and redis-benchmark as processes that end."""

import subprocess
from typing import Optional, Sequence

LIMIT_S = 120


def run(words: Sequence[object], stdin: Optional[bytes] = None, exit_code: int = 0) -> str:
    """What the tool prints. Raises with its output when it does not end with `exit_code` in time."""
    command = [str(word) for word in words]
    streams = {"input": stdin or b"", "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done = subprocess.run(command, **streams, timeout=LIMIT_S)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == exit_code, f"{words}: exit code {done.returncode}\n{text}"
    return text


def redis_cli(port: int, *words: object, stdin: Optional[bytes] = None, exit_code: int = 0) -> str:
    return run(["redis-cli", "-p", port, *words], stdin, exit_code)
