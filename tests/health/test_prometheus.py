"""Prometheus scrapes the admin port, and prometheus-redis-exporter the port of the clients: only in the long run."""

import json
import os
import shutil
import subprocess
import time
import urllib.request

import pytest

from harness.server import free_port
from health.conftest import Page

_LONG_RUN = float(os.environ.get("HOLDFAST_EFFORT", "1")) >= 10
WAIT_S = 60.0

pytestmark = pytest.mark.skipif(not _LONG_RUN, reason="part of the long run")


class _Program:
    """A program that is ended with the test."""

    def __init__(self, *command: str, cwd):
        self._process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def until(self, condition):
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            assert self._process.poll() is None, f"it ended with {self._process.returncode}"
            try:
                found = condition()
            except OSError:
                found = None
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError("it did not happen")


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_prometheus_scrapes_the_admin_port(server, admin_port, tmp_path):
    with server.client() as client:
        client.must("MSET", "a", 1, "b", 2)
    text = Page(admin_port, "/metrics").text
    lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    config = tmp_path / "prometheus.yml"
    config.write_text(f"""
scrape_configs:
  - job_name: holdfast
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{admin_port}"]}}]
""")
    port = free_port()

    def ask(query):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?query={query}", timeout=10) as answer:
            return json.load(answer)["data"]["result"]

    command = ("prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
               f"--web.listen-address=127.0.0.1:{port}")
    with _Program(*command, cwd=tmp_path) as prometheus:
        assert prometheus.until(lambda: ask("up") and ask("up")[0]["value"][1] == "1")
        keys = prometheus.until(lambda: ask("holdfast_db_keys%7Bdb=%22db0%22%7D"))
        assert keys[0]["value"][1] == "2"
        assert ask("holdfast_ready")[0]["value"][1] == "1"


@pytest.mark.skipif(not shutil.which("prometheus-redis-exporter"), reason="prometheus-redis-exporter is not installed")
def test_the_exporter_for_redis_understands_info(server, tmp_path):
    with server.client() as client:
        client.must("MSET", "a", 1, "b", 2)
    port = free_port()
    command = ("prometheus-redis-exporter", f"-redis.addr=redis://127.0.0.1:{server.port}",
               f"-web.listen-address=127.0.0.1:{port}")
    with _Program(*command, cwd=tmp_path) as exporter:
        metrics = exporter.until(lambda: Page(port, "/metrics")).metrics()
        assert metrics["redis_up"] == 1
        assert metrics['redis_db_keys{db="db0"}'] == 2
        assert metrics["redis_exporter_last_scrape_error{err=\"\"}"] == 0
        assert metrics['redis_commands_total{cmd="mset"}'] == 1
