"""redis-server as a second reader of the same files."""

import contextlib
import pathlib
import shutil
import tempfile
from typing import Iterator

from harness import Server, reference_binary

NO_SAVE = ["--save", "", "--enable-debug-command", "yes"]


@contextlib.contextmanager
def reference_on_copy(directory: pathlib.Path, appendonly: bool) -> Iterator[Server]:
    """redis-server on a copy of the data files of `directory`; it must load them."""
    with tempfile.TemporaryDirectory(prefix="holdfast-copy-") as copy:
        target = pathlib.Path(copy)
        if appendonly:
            shutil.copytree(directory / "appendonlydir", target / "appendonlydir")
        else:
            shutil.copy(directory / "dump.rdb", target / "dump.rdb")
        directives = NO_SAVE + ["--appendonly", "yes" if appendonly else "no"]
        with Server(reference_binary(), directives, directory=target) as server:
            yield server


def digest(server: Server) -> bytes:
    with server.client(timeout_s=60) as client:
        return client.must("DEBUG", "DIGEST").value
