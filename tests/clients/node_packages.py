"""The packages of Node that tests need, from the npm registry: in the long run only."""

import os
import pathlib
import shutil
import subprocess

import pytest

_SOURCES = pathlib.Path(__file__).parent / "node"
_LONG_RUN = float(os.environ.get("HOLDFAST_EFFORT", "1")) >= 10
_INSTALL_LIMIT_S = 300

needs_node = [
    pytest.mark.skipif(not _LONG_RUN, reason="needs the npm registry: part of the long run"),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed"),
]


def install(folder: pathlib.Path) -> None:
    """A copy of the programs with their packages, outside of the tree, so that nothing of theirs ends in it."""
    for source in _SOURCES.iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_LIMIT_S)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install: {done.stderr[-500:]}")
