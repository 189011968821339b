"""Celery: a worker in a process of its own, tasks through the broker, results through the backend.

Part of the long run (HOLDFAST_EFFORT of 10 or more), which installs python3-celery and fails without it.
"""

import importlib
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from harness import CheckedServer

_LONG_RUN = float(os.environ.get("HOLDFAST_EFFORT", "1")) >= 10
WAIT_LIMIT_S = 120
END_LIMIT_S = 60
POOL_PROCESSES = 3

pytestmark = [
    pytest.mark.skipif(not _LONG_RUN, reason="needs python3-celery: part of the long run"),
    # What the installed versions of Celery and Python have to say to each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def broker():
    """A server of this module's own: what the worker has said there must not be flushed between tests."""
    with CheckedServer(["--save", "", "--threads", "2"]) as running:
        yield running


@pytest.fixture(scope="module")
def tasks(broker):
    """The module of tasks, bound to the broker."""
    os.environ["CELERY_TEST_SERVER"] = f"127.0.0.1:{broker.port}"
    module = importlib.import_module("clients.celery_app")
    yield module
    # Results unsubscribe when they are deleted, and that may be when the broker is no longer there.
    module.app.backend.result_consumer._pubsub = None
    module.app.close()


@pytest.fixture(scope="module")
def worker(tasks, tmp_path_factory):
    """A worker that takes tasks; ended through its own handle, and it must end well."""
    command = [sys.executable, "-m", "celery", "--app", "clients.celery_app", "worker", "--loglevel", "INFO"]
    command += ["--concurrency", str(POOL_PROCESSES), "--hostname", "test@localhost", "--without-gossip", "--without-mingle"]
    log_path = tmp_path_factory.mktemp("celery") / "worker.log"
    with open(log_path, "wb") as log:
        folder = pathlib.Path(__file__).parents[1]
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            _until(lambda: b" ready." in log_path.read_bytes(), process, log_path)
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(END_LIMIT_S) == 0, log_path.read_text(errors="replace")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def _until(condition, process, log_path):
    deadline = time.monotonic() + WAIT_LIMIT_S
    while not condition():
        assert process.poll() is None and time.monotonic() < deadline, log_path.read_text(errors="replace")
        time.sleep(0.02)


def _result(pending):
    return pending.get(timeout=WAIT_LIMIT_S)


def test_groups_chains_and_chords(broker, tasks, worker):
    import celery

    add, total = tasks.add, tasks.total
    assert _result(add.delay(1, 2)) == 3

    many = celery.group(add.s(100, number) for number in range(200)).apply_async()
    assert _result(many) == [100 + number for number in range(200)]

    assert _result(celery.chain(add.s(1000, 1), add.s(10), add.s(100))()) == 1111

    chords = [celery.chord([add.s(2000 + turn, number) for number in range(20)], total.s()) for turn in range(5)]
    pending = [chord.apply_async() for chord in chords]
    assert [_result(each) for each in pending] == [20 * (2000 + turn) + 190 for turn in range(5)]

    nested = celery.chain(celery.group(add.s(3000, number) for number in range(4)), total.s(), add.s(5))
    assert _result(nested.apply_async()) == 12011

    with broker.client() as client:
        client.must("SELECT", 1)
        runs = client.must("HGETALL", "runs").value
        assert {count.value for count in runs[1::2]} == {b"1"}
        assert len(runs) // 2 == 1 + 200 + 3 + 100 + 4 + 1


def test_retries_failures_and_later(tasks, worker):
    from celery.exceptions import MaxRetriesExceededError

    assert [_result(tasks.fail_first.delay(failures)) for failures in (0, 1, 4)] == [0, 1, 4]
    refused = tasks.refuse.delay("not today")
    with pytest.raises(ValueError, match="not today"):
        _result(refused)
    assert refused.state == "FAILURE"
    gone = tasks.fail_first.delay(99)
    with pytest.raises(MaxRetriesExceededError):
        _result(gone)
    later = tasks.echo.apply_async(("later",), countdown=0.2, expires=WAIT_LIMIT_S)
    assert _result(later) == "later"
    large = "ä\r\n" * 100000
    assert _result(tasks.echo.delay(large)) == large


def test_talking_to_the_worker(broker, tasks, worker):
    """Broadcasts and their answers go through pub/sub and lists; what is forgotten is gone, what is revoked is not done."""
    from celery.exceptions import TaskRevokedError

    inspect = tasks.app.control.inspect(timeout=10, limit=1)
    assert inspect.ping() == {"test@localhost": {"ok": "pong"}}
    assert "clients.celery_app.add" in inspect.registered()["test@localhost"]
    stats = tasks.app.control.inspect(timeout=10, limit=1).stats()["test@localhost"]
    assert stats["pool"]["max-concurrency"] == POOL_PROCESSES

    done = tasks.echo.delay("x")
    assert _result(done) == "x"
    with broker.client() as client:
        client.must("SELECT", 1)
        key = f"celery-task-meta-{done.id}"
        assert client.must("EXISTS", key).value == 1 and client.must("TTL", key).value > 0
        done.forget()
        assert client.must("EXISTS", key).value == 0

    assert tasks.app.control.revoke("unwanted", reply=True, timeout=10, limit=1) is not None
    assert tasks.app.control.inspect(timeout=10, limit=1).revoked() == {"test@localhost": ["unwanted"]}
    with pytest.raises(TaskRevokedError):
        _result(tasks.echo.apply_async(("never",), task_id="unwanted"))
    assert _result(tasks.echo.delay("y")) == "y"


def test_tasks_wait_while_no_worker_is_there(broker, tasks):
    for number in range(50):
        tasks.add.apply_async((number, 0), queue="unattended")
    with broker.client() as client, tasks.app.connection_for_write() as connection:
        assert client.must("LLEN", "unattended").value == 50
        queue = connection.SimpleQueue("unattended")
        taken = [queue.get(timeout=10) for _ in range(20)]
        assert [message.payload[0] for message in taken] == [[number, 0] for number in range(20)]
        for message in taken[:10]:
            message.ack()
        assert client.must("HLEN", "unacked").value == 10
        for message in taken[10:]:
            message.requeue()
        assert queue.qsize() == 40 and client.must("EXISTS", "unacked").value == 0
        assert queue.clear() == 40 and client.must("LLEN", "unattended").value == 0
