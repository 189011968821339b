"""redis-py's Lock: scripts that release and extend it only for its owner, on Redis keys that expire."""

import threading

import pytest

redis = pytest.importorskip("redis")
from redis.exceptions import LockError, LockNotOwnedError  # noqa: E402

WAIT_LIMIT_S = 60
LONG_S = 600  # no test takes that long
BRIEF_S = 0.02


@pytest.fixture
def connection(server):
    with redis.Redis(port=server.port) as made:
        yield made


def test_a_lock_is_taken_and_given_back(connection):
    lock, other = connection.lock("l", timeout=LONG_S), connection.lock("l", timeout=LONG_S)
    assert lock.acquire(blocking=False) and lock.locked() and lock.owned()
    assert not other.acquire(blocking=False) and other.locked() and not other.owned()
    assert not other.acquire(blocking_timeout=BRIEF_S)
    assert connection.get("l") == lock.local.token and LONG_S * 1000 - 60000 < connection.pttl("l") <= LONG_S * 1000
    with pytest.raises(LockError, match="unlocked"):
        other.release()
    lock.release()
    assert connection.exists("l") == 0 and not lock.locked()
    with other:
        assert other.owned()
        with pytest.raises(LockError), connection.lock("l", blocking_timeout=BRIEF_S):
            pytest.fail("two are inside")
    assert connection.exists("l") == 0
    assert connection.lock("l").acquire() and connection.ttl("l") == -1  # without a timeout it does not expire


def test_scripts_that_the_server_has_forgotten_are_sent_again(connection):
    lock = connection.lock("l", timeout=LONG_S)
    for _ in range(3):
        assert lock.acquire(blocking=False)
        connection.script_flush()
        assert lock.extend(1)
        connection.script_flush()
        assert lock.reacquire()
        connection.script_flush()
        lock.release()
        assert connection.exists("l") == 0


def test_a_lock_is_extended_and_taken_anew(connection):
    lock = connection.lock("l", timeout=LONG_S)
    assert lock.acquire() and lock.extend(LONG_S)
    assert LONG_S < connection.ttl("l") <= 2 * LONG_S
    assert lock.extend(LONG_S / 2, replace_ttl=True) and connection.ttl("l") <= LONG_S / 2
    assert lock.reacquire() and connection.ttl("l") > LONG_S / 2
    with pytest.raises(LockError, match="no timeout"):
        without = connection.lock("without")
        without.acquire()
        without.extend(1)


@pytest.mark.parametrize("change", ["release", "reacquire", "extend"])
def test_the_lock_of_another_is_left_alone(connection, change):
    lock = connection.lock("l", timeout=LONG_S)
    assert lock.acquire() and connection.set("l", "of another", keepttl=True)
    assert lock.locked() and not lock.owned()
    with pytest.raises(LockNotOwnedError):
        getattr(lock, change)(*[1] * (change == "extend"))
    assert connection.get("l") == b"of another" and 0 < connection.ttl("l") <= LONG_S


def test_a_lock_that_has_expired_belongs_to_the_next(connection):
    late, next_one = connection.lock("l", timeout=BRIEF_S), connection.lock("l", timeout=LONG_S)
    assert late.acquire(blocking=False)
    assert next_one.acquire(blocking_timeout=WAIT_LIMIT_S)  # waits until it has expired
    assert not late.owned() and next_one.owned()
    with pytest.raises(LockNotOwnedError):
        late.release()
    assert next_one.owned() and next_one.extend(1)
    next_one.release()


def test_one_at_a_time_is_inside(server):
    """Threads with a connection each; inside they read and write, which only adds up when nobody else is there."""
    threads, turns = 6, 30
    inside, seen, errors = [], [], []

    def work():
        try:
            with redis.Redis(port=server.port) as connection:
                for turn in range(turns):
                    with connection.lock("l", timeout=LONG_S, sleep=0.0005) as lock:
                        inside.append(1)
                        seen.append(len(inside))
                        value = int(connection.get("guarded") or 0)
                        if turn % 5 == 0:
                            assert lock.extend(1)
                        connection.set("guarded", value + 1)
                        inside.pop()
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(WAIT_LIMIT_S)
    assert not errors and set(seen) == {1}
    with redis.Redis(port=server.port) as connection:
        assert connection.get("guarded") == b"%d" % (threads * turns) and connection.exists("l") == 0
