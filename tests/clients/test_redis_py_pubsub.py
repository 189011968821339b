"""redis-py's PubSub: handlers in a thread, patterns, keyspace events, a connection that is lost and made again."""

import threading
import time

import pytest

redis = pytest.importorskip("redis")

WAIT_LIMIT_S = 30


@pytest.fixture
def connection(server):
    with redis.Redis(port=server.port, decode_responses=True) as made:
        yield made
        made.config_set("notify-keyspace-events", "")


def _wait(condition):
    deadline = time.monotonic() + WAIT_LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class _Listening:
    """A PubSub in a thread, for a with block: handlers by channel and by pattern."""

    def __init__(self, connection, channels=(), patterns=()):
        self.heard = []
        self._listener = connection.pubsub(ignore_subscribe_messages=True)
        self._connection = connection
        handlers = {name: self.heard.append for name in (*channels, *patterns)}
        if channels:
            self._listener.subscribe(**{name: handlers[name] for name in channels})
        if patterns:
            self._listener.psubscribe(**{name: handlers[name] for name in patterns})

    def __enter__(self):
        self._thread = self._listener.run_in_thread(sleep_time=0.01, daemon=True)
        return self

    def __exit__(self, *_):
        self._thread.stop()
        self._thread.join(WAIT_LIMIT_S)
        assert not self._thread.is_alive()

    def of(self, channel):
        return [message["data"] for message in list(self.heard) if message["channel"] == channel]

    def psubscribe(self, **handlers):
        self._listener.psubscribe(**handlers)


def test_patterns_and_channels_in_a_thread(connection):
    with _Listening(connection, ["jobs:1"], ["jobs:*", "j?bs:[12]"]) as listening:
        _wait(lambda: connection.pubsub_numpat() == 2)
        assert [connection.publish(f"jobs:{number}", "x") for number in (1, 3, 2)] == [3, 1, 2]
        _wait(lambda: len(listening.heard) == 6)
        told = [(message["channel"], message["pattern"]) for message in listening.heard]
        assert [channel for channel, _ in told] == ["jobs:1"] * 3 + ["jobs:3"] + ["jobs:2"] * 2
        assert told[0] == ("jobs:1", None)  # first who subscribed to the channel, then the patterns in any order
        assert sorted(told[1:]) == [
            ("jobs:1", "j?bs:[12]"),
            ("jobs:1", "jobs:*"),
            ("jobs:2", "j?bs:[12]"),
            ("jobs:2", "jobs:*"),
            ("jobs:3", "jobs:*"),
        ]
        listening.psubscribe(**{"late*": listening.heard.append})  # while the thread reads
        _wait(lambda: connection.publish("late", "y") == 1)
        _wait(lambda: listening.of("late") == ["y"])
    _wait(lambda: connection.pubsub_numpat() == 0)


def test_many_publishers_are_heard_in_order(server, connection):
    publishers, messages = 5, 400
    with _Listening(connection, patterns=["from:*"]) as listening:
        _wait(lambda: connection.pubsub_numpat() == 1)

        def publish(number):
            with redis.Redis(port=server.port) as publisher, publisher.pipeline(transaction=False) as pipe:
                for turn in range(messages):
                    pipe.publish(f"from:{number}", turn)
                assert pipe.execute() == [1] * messages

        threads = [threading.Thread(target=publish, args=(number,)) for number in range(publishers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_LIMIT_S)
        _wait(lambda: len(listening.heard) == publishers * messages)
        for number in range(publishers):
            assert listening.of(f"from:{number}") == [str(turn) for turn in range(messages)]


def test_keyspace_events_tell_what_has_happened(connection):
    connection.config_set("notify-keyspace-events", "KEAm")
    with _Listening(connection, ["__keyevent@0__:expired"], ["__keyspace@0__:k*"]) as listening:
        _wait(lambda: connection.pubsub_numpat() == 1)
        connection.set("k", 1, ex=1000)
        connection.incr("k")
        connection.rename("k", "k2")
        connection.rpush("kl", "a", "b")
        connection.lpop("kl", 2)
        with connection.pipeline() as pipe:
            pipe.hset("kh", "f", "v").sadd("ks", "m").zadd("kz", {"m": 1}).xadd("kx", {"f": "v"}).execute()
        connection.eval("redis.call('SET', KEYS[1], 'v') redis.call('PEXPIRE', KEYS[1], 1)", 1, "kbrief")
        assert connection.get("knone") is None
        _wait(lambda: listening.of("__keyevent@0__:expired") == ["kbrief"])
        expected = {
            "k": ["set", "expire", "incrby", "rename_from"],
            "k2": ["rename_to"],
            "kl": ["rpush", "lpop", "del"],
            "kh": ["hset"],
            "ks": ["sadd"],
            "kz": ["zadd"],
            "kx": ["xadd"],
            "kbrief": ["set", "expire", "expired"],
            "knone": ["keymiss"],
        }
        _wait(lambda: sum(map(len, expected.values())) + 1 <= len(listening.heard))
        assert {key: listening.of(f"__keyspace@0__:{key}") for key in expected} == expected


def test_a_listener_that_is_cut_off_subscribes_again(connection):
    listener = connection.pubsub(ignore_subscribe_messages=True)
    listener.subscribe("news")
    listener.psubscribe("n*s")
    _wait(lambda: connection.publish("news", "before") == 2)
    assert [_next(listener)["data"] for _ in range(2)] == ["before"] * 2
    assert connection.client_kill_filter(_type="pubsub") == 1
    _wait(lambda: connection.pubsub_numpat() == 0)
    with pytest.raises(redis.ConnectionError):  # told once; then it connects and subscribes by itself
        _next(listener)
    heard = []

    def heard_again():
        connection.publish("news", "after")
        message = listener.get_message(timeout=0.01)
        heard.extend([message["type"]] if message else [])
        return {"message", "pmessage"} <= set(heard)

    _wait(heard_again)
    listener.close()


def _next(listener):
    """The next message that is not about subscribing."""
    deadline = time.monotonic() + WAIT_LIMIT_S
    while True:
        assert time.monotonic() < deadline
        message = listener.get_message(timeout=1)
        if message:
            return message
