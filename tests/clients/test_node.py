"""The clients of Node, installed from the npm registry: only in the long run (HOLDFAST_EFFORT of 10 or more)."""

import os
import pathlib
import shutil
import subprocess

import pytest

_SOURCES = pathlib.Path(__file__).parent / "node"
_LONG_RUN = float(os.environ.get("HOLDFAST_EFFORT", "1")) >= 10
INSTALL_LIMIT_S = 300

pytestmark = [
    pytest.mark.skipif(not _LONG_RUN, reason="needs the npm registry: part of the long run"),
    pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A copy outside of the tree with the packages, so that nothing of theirs ends in it."""
    folder = tmp_path_factory.mktemp("node")
    for source in _SOURCES.iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install: {done.stderr[-500:]}")
    return folder


@pytest.mark.parametrize("script", ["ioredis.js", "node_redis.js", "client_side_cache.js", "bullmq.js"])
def test_a_node_client(server, installed, script):
    command = ["node", script, str(server.port)]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "ok" in done.stdout, done.stdout + done.stderr
