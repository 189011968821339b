"""The HTTP side, also while no worker has time."""

import re
import subprocess
import time

from harness import CheckedServer
from harness.resp import encode_command
from harness.server import free_port, holdfast_binary
from health.conftest import Page

LINE = re.compile(r'holdfast_[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+')


def test_the_paths(server, admin_port):
    assert Page(admin_port, "/live").text == "alive\n"
    assert Page(admin_port, "/nothing").status == 404
    assert Page(admin_port, "/health", "POST").status == 405
    head = Page(admin_port, "/health", "HEAD")
    assert head.status == 200 and head.text == ""
    page = Page(admin_port, "/metrics")
    assert page.type == "text/plain; version=0.0.4; charset=utf-8"


def test_metrics_count_what_happens(server, admin_port):
    with server.client() as client:
        client.must("SELECT", 3)
        client.must("MSET", "a", 1, "b", 2)
        client.must("EXPIRE", "a", 1000)
        client.command("GET")
        client.command("INCR", "a", "b")
        client.command("LPUSH", "a", "x")
        page = Page(admin_port, "/metrics")
        for line in page.text.splitlines():
            assert line.startswith("# ") or LINE.fullmatch(line), line
        metrics = page.metrics()
        assert metrics['holdfast_db_keys{db="db3"}'] == 2 and metrics['holdfast_db_keys_expiring{db="db3"}'] == 1
        assert metrics['holdfast_commands_total{cmd="mset"}'] == 1
        assert metrics['holdfast_commands_rejected_total{cmd="get"}'] == 1
        assert metrics['holdfast_commands_failed_total{cmd="lpush"}'] == 1
        assert metrics['holdfast_errors_total{err="WRONGTYPE"}'] == 1
        assert metrics["holdfast_connected_clients"] == 1
        # Each metric is introduced once, before its samples.
        introduced = re.findall(r"^# TYPE (\S+) (?:gauge|counter|histogram)$", page.text, re.MULTILINE)
        assert len(set(introduced)) == len(introduced)
        histograms = re.findall(r"^# TYPE (\S+) histogram$", page.text, re.MULTILINE)
        parts = {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}
        assert {re.split(r"[ {]", line)[0] for line in page.text.splitlines() if line[0] != "#"} <= set(introduced) | parts


def test_waiting_is_a_histogram_and_keys_are_no_labels(server, admin_port):
    with server.client() as client, server.client() as other:
        client.must("SET", "a-key-of-ours", "x" * 100_000)
        for _ in range(5000):
            client.must("GET", "a-key-of-ours")
        client.must("CLIENT", "PAUSE", 50, "WRITE")
        other.must("SET", "k", "v")  # is held back
        page = Page(admin_port, "/metrics")
    metrics = page.metrics()
    assert "a-key-of-ours" not in page.text
    for wait in ("turn", "locks", "held"):
        found = [value for name, value in metrics.items() if name.startswith("holdfast_waiting_seconds_bucket") and f'"{wait}"' in name]
        assert len(found) == 10 and found == sorted(found), wait
        assert found[-1] == metrics[f'holdfast_waiting_seconds_count{{for="{wait}"}}']
    assert metrics['holdfast_waiting_seconds_count{for="turn"}'] > 1000 and metrics['holdfast_waiting_seconds_sum{for="turn"}'] > 0
    assert metrics['holdfast_waiting_seconds_count{for="held"}'] == 1
    assert 0.03 < metrics['holdfast_waiting_seconds_sum{for="held"}']
    assert metrics['holdfast_waiting_seconds_bucket{for="held",le="0.004194304"}'] == 0
    commands = [value for name, value in metrics.items() if name.startswith("holdfast_worker_commands_total")]
    assert len(commands) == 2 and sum(commands) > 5000
    assert sum(metrics[f'holdfast_worker_turns_total{{worker="{worker}"}}'] for worker in (0, 1)) > 1000


def test_it_answers_while_the_only_worker_is_in_one_command(tmp_path):
    port = free_port()
    directives = ["--save", "", "--threads", "1", "--admin-port", str(port), "--busy-reply-threshold", "0"]
    with CheckedServer(directives, directory=tmp_path) as server, server.client(timeout_s=60) as client:
        client.send_raw(encode_command(("EVAL", "local x = 0 for i = 1, 2e8 do x = x + i end return 'done'", 0)))
        time.sleep(0.2)
        assert Page(port, "/health").json()["status"] == "yellow"  # for want of persistence
        assert client.read_reply().value == b"done"


def test_an_admin_port_that_cannot_be_had_stops_the_start(server, admin_port, tmp_path):
    for options, text in (
        (("--admin-port", str(admin_port)), f"cannot listen on admin-port {admin_port} of 127.0.0.1"),
        (("--admin-port", "1", "--admin-bind", "localhost"), "admin-bind 'localhost' is no IPv4 or IPv6 address"),
    ):
        command = [holdfast_binary(), "--port", str(free_port()), "--save", "", "--dir", str(tmp_path), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and text in done.stdout


def test_it_listens_where_it_is_told(tmp_path):
    port = free_port()
    directives = ["--save", "", "--admin-port", str(port), "--admin-bind", "::1"]
    with CheckedServer(directives, directory=tmp_path):
        assert Page(port, "/live", host="[::1]").status == 200
