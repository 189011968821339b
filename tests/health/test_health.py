"""What is wrong is said by HEALTH, INFO, the pages and the log alike; and so is that it is well again."""

from harness.waiting import until
from health.conftest import Page


def _map(reply) -> dict:
    words = reply.value
    return {words[i].value: words[i + 1] for i in range(0, len(words), 2)}


def _health(client) -> tuple[bytes, dict]:
    report = _map(client.must("HEALTH"))
    checks = {name: (pair.value[0].value, pair.value[1].value) for name, pair in _map(report[b"checks"]).items()}
    return report[b"status"].value, checks


def test_a_server_that_is_well(server, admin_port):
    with server.client() as client:
        status, checks = _health(client)
        assert status == b"green"
        assert set(checks.values()) == {(b"green", b"")}
        assert b"health:green" in client.must("INFO", "persistence").value
    page = Page(admin_port, "/health")
    assert page.status == 200 and page.json()["status"] == "green"
    assert Page(admin_port, "/ready").json()["ready"] is True


def test_a_snapshot_that_fails_is_red_everywhere_until_one_succeeds(server, admin_port, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    with server.client() as client:
        client.must("SET", "key", "x")
        client.must("CONFIG", "SET", "dir", gone)
        (gone / ".dump.rdb.lock").unlink()
        gone.rmdir()
        client.must("BGSAVE")
        until(lambda: _health(client)[0] == b"red")
        assert _health(client)[1][b"snapshot"] == (b"red", b"the last snapshot failed, and writes are refused")
        assert client.command("SET", "key", "y").value.startswith(b"MISCONF ")
        assert b"health:red" in client.must("INFO", "persistence").value
        page = Page(admin_port, "/health")
        assert page.status == 503 and page.json()["status"] == "red"
        page = Page(admin_port, "/ready")
        assert page.status == 503 and page.json()["ready"] is False
        assert Page(admin_port, "/live").status == 200
        metrics = Page(admin_port, "/metrics").metrics()
        assert metrics['holdfast_check{check="snapshot"}'] == 2 and metrics["holdfast_ready"] == 0
        assert "HEALTH: snapshot is red: the last snapshot failed" in server.log()

        client.must("CONFIG", "SET", "dir", tmp_path)
        client.must("SAVE")
        until(lambda: _health(client)[0] == b"green")
        assert Page(admin_port, "/health").status == 200
        until(lambda: "HEALTH: snapshot is well again" in server.log())


def test_data_at_risk_are_what_no_snapshot_and_no_log_has(server, admin_port):
    def risk():
        return Page(admin_port, "/health").json()["data_at_risk"]

    with server.client() as client:
        assert risk() == {"seconds": 0, "bytes": 0, "changes": 0}
        for number in range(100):
            client.must("SET", f"key:{number}", "x" * 1000)
        until(lambda: risk()["changes"] == 100)
        assert risk()["bytes"] >= 100_000 and risk()["seconds"] > 0
        client.must("SAVE")
        until(lambda: risk() == {"seconds": 0, "bytes": 0, "changes": 0})
        # With an AOF it is what has not reached the disk, which is soon everything.
        client.must("CONFIG", "SET", "appendonly", "yes")
        until(lambda: Page(admin_port, "/metrics").metrics()["holdfast_aof_enabled"] == 1)
        client.must("SET", "another", "x")
        until(lambda: risk() == {"seconds": 0, "bytes": 0, "changes": 0})


def test_a_snapshot_that_is_too_old_is_red(server):
    with server.client() as client:
        client.must("CONFIG", "SET", "health-snapshot-age-max", 1)
        client.must("SET", "key", "x")
        until(lambda: _health(client)[0] == b"red")
        assert b"health-snapshot-age-max is 1 s" in _health(client)[1][b"snapshot"][1]
        client.must("SAVE")
        until(lambda: _health(client)[0] == b"green")
