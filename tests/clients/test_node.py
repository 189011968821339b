"""The clients of Node."""

import subprocess

import pytest

from clients.node_packages import install, needs_node

pytestmark = needs_node


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("node")
    install(folder)
    return folder


@pytest.mark.parametrize("script", ["ioredis.js", "node_redis.js", "client_side_cache.js", "bullmq.js"])
def test_a_node_client(server, installed, script):
    command = ["node", script, str(server.port)]
    done = subprocess.run(command, cwd=installed, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "ok" in done.stdout, done.stdout + done.stderr
