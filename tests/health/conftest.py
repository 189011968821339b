"""A server with an admin port, and how its pages are read."""

import json
import urllib.error
import urllib.request

import pytest

from harness import CheckedServer
from harness.server import free_port


class Page:
    def __init__(self, port: int, path: str, method: str = "GET", host: str = "127.0.0.1"):
        request = urllib.request.Request(f"http://{host}:{port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.status, self.type, self.text = answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            self.status, self.type, self.text = error.code, error.headers["Content-Type"], error.read().decode()

    def json(self) -> dict:
        return json.loads(self.text)

    def metrics(self) -> dict[str, float]:
        """Each sample by its name with labels. Every line must be one, or a comment."""
        samples = {}
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                assert name not in samples, name
                samples[name] = float(value)
        return samples


@pytest.fixture
def admin_port():
    return free_port()


@pytest.fixture
def server(tmp_path, admin_port):
    directives = ["--save", "3600 1", "--threads", "2", "--admin-port", str(admin_port), "--enable-protected-configs", "yes"]
    with CheckedServer(directives, directory=tmp_path) as server:
        yield server
