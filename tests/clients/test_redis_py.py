"""redis-py, the way programs use it."""

import threading
import time
import uuid

import pytest

redis = pytest.importorskip("redis")

# One of each section of INFO that programs read.
FIELDS = (
    "redis_version uptime_in_seconds tcp_port connected_clients used_memory maxmemory_policy rdb_bgsave_in_progress"
    " aof_enabled total_commands_processed role used_cpu_user"
).split()


@pytest.fixture
def connection(server):
    with redis.Redis(port=server.port, decode_responses=True) as made:
        yield made


def test_strings_and_expiry(connection):
    assert connection.set("k", "ä", ex=100) is True
    assert connection.get("k") == "ä" and 98 <= connection.ttl("k") <= 100
    assert connection.set("k", "x", nx=True) is None and connection.set("k", "y", xx=True, get=True) == "ä"
    assert connection.mset({"a": 1, "b": 2}) is True and connection.mget("a", "b", "none") == ["1", "2", None]
    assert connection.incrbyfloat("f", 1.5) == 1.5 and connection.getdel("f") == "1.5"
    assert connection.getex("a", px=50000) == "1" and 0 < connection.pttl("a") <= 50000
    assert connection.rename("a", "c") and connection.exists("a", "b", "c") == 2
    assert connection.type("c") == "string" and connection.object("encoding", "c") == "int"
    assert connection.delete("b", "c", "none") == 2
    with pytest.raises(redis.ResponseError, match="not an integer"):
        connection.incr("k")


def test_bytes_are_kept(server):
    with redis.Redis(port=server.port) as connection:
        every_byte = bytes(range(256)) * 300
        assert connection.set(b"\x00\r\n\xff", every_byte)
        assert connection.get(b"\x00\r\n\xff") == every_byte
        assert connection.restore("copy", 0, connection.dump(b"\x00\r\n\xff")) and connection.get("copy") == every_byte


def test_pipelines(connection):
    with connection.pipeline(transaction=True) as pipe:
        assert pipe.set("n", 1).incr("n").get("n").execute() == [True, 2, "2"]
    with connection.pipeline(transaction=False) as pipe:
        for _ in range(5000):
            pipe.incr("m")
        assert pipe.execute() == list(range(1, 5001))
    with connection.pipeline() as pipe, pytest.raises(redis.ResponseError, match="not an integer"):
        pipe.set("text", "x").incr("text").incr("n").execute()
    assert connection.get("n") == "3"
    assert connection.pipeline().set("text", "x").incr("text").execute(raise_on_error=False)[1].args


def test_the_watch_helper(connection):
    connection.set("balance", 10)
    tries = []

    def double(pipe):
        value = int(pipe.get("balance"))
        if not tries:
            connection.incr("balance")  # somebody else is quicker the first time
        tries.append(value)
        pipe.multi()
        pipe.set("balance", value * 2)

    assert connection.transaction(double, "balance") == [True]
    assert tries == [10, 11] and connection.get("balance") == "22"
    with connection.pipeline() as pipe:
        pipe.watch("balance")
        connection.set("balance", 0)
        pipe.multi()
        pipe.incr("balance")
        with pytest.raises(redis.WatchError):
            pipe.execute()


def test_a_pool_shared_by_threads(server):
    pool = redis.BlockingConnectionPool(port=server.port, max_connections=8, timeout=20)
    errors = []

    def work(number):
        try:
            connection = redis.Redis(connection_pool=pool)
            for turn in range(100):
                connection.incr("total")
                with connection.pipeline() as pipe:
                    assert pipe.set(f"t{number}", turn).get(f"t{number}").execute() == [True, str(turn).encode()]
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors
    assert redis.Redis(connection_pool=pool).get("total") == b"1600"
    pool.disconnect()


def test_a_lock_excludes(server):
    """SET NX PX, and release only if it is still ours (WATCH, GET, MULTI, DEL)."""

    def acquire(connection, token):
        while not connection.set("lock", token, nx=True, px=20000):
            time.sleep(0.0005)

    def release(connection, token):
        with connection.pipeline() as pipe:
            pipe.watch("lock")
            assert pipe.get("lock") == token
            pipe.multi()
            pipe.delete("lock")
            assert pipe.execute() == [1]

    inside, seen, errors = [], [], []

    def work():
        try:
            with redis.Redis(port=server.port) as connection:
                for _ in range(30):
                    token = uuid.uuid4().bytes
                    acquire(connection, token)
                    inside.append(1)
                    seen.append(len(inside))
                    value = int(connection.get("guarded") or 0)
                    connection.set("guarded", value + 1)
                    inside.pop()
                    release(connection, token)
        except Exception as error:  # noqa: BLE001 - told by the thread that waits
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not errors and set(seen) == {1}
    with redis.Redis(port=server.port) as connection:
        assert connection.get("guarded") == b"180"
        assert connection.set("lock", "other", px=1) and time.sleep(0.01) is None
        assert connection.set("lock", "mine", nx=True, px=1000) is True


def test_waiting_for_elements(server, connection):
    def later(work):
        """Runs `work` on another connection when this one waits."""

        def run():
            with redis.Redis(port=server.port) as other:
                while int(other.info("clients")["blocked_clients"]) == 0:
                    time.sleep(0.002)
                work(other)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    assert connection.blpop(["q", "r"], timeout=0.01) is None and connection.blmove("q", "r", timeout=1e-3) is None
    assert connection.bzpopmin("z", timeout=0.01) is None and connection.xread({"s": "$"}, block=1) == []
    waits = (
        (lambda: connection.blpop(["none", "q"], timeout=0), lambda other: other.rpush("q", "a", "b"), ("q", "a")),
        (lambda: connection.brpop("p", timeout=30), lambda other: other.rpush("p", "a", "b"), ("p", "b")),
        (lambda: connection.blmove("m", "n", 0, "LEFT", "RIGHT"), lambda other: other.rpush("m", "x"), "x"),
        (lambda: connection.brpoplpush("m", "n", 0), lambda other: other.rpush("m", "y"), "y"),
        (lambda: connection.blmpop(0, 2, "none", "l", direction="LEFT", count=2), lambda other: other.rpush("l", 1, 2), ["l", ["1", "2"]]),
        (lambda: connection.bzpopmax("z", timeout=0), lambda other: other.zadd("z", {"a": 1, "b": 2.5}), ("z", "b", 2.5)),
        (lambda: connection.xread({"s": "$"}, block=0), lambda other: other.xadd("s", {"f": "v"}, id="1-1"), [["s", [("1-1", {"f": "v"})]]]),
    )
    for wait, work, answer in waits:
        thread = later(work)
        assert wait() == answer
        thread.join()
    number = connection.client_id()
    thread = later(lambda other: other.client_unblock(number, error=True))
    with pytest.raises(redis.ResponseError, match="UNBLOCKED"):
        connection.blpop("end", timeout=0)
    thread.join()
    assert connection.lrange("n", 0, -1) == ["y", "x"]


def test_iterating_over_keys(connection):
    connection.mset({f"it:{number}": number for number in range(2500)})
    connection.mset({f"no:{number}": number for number in range(500)})
    assert sorted(connection.scan_iter("it:*", count=100)) == sorted(f"it:{number}" for number in range(2500))
    assert set(connection.scan_iter(_type="string")) == set(connection.keys())


def test_what_the_server_says_about_itself(server):
    options = {"decode_responses": True, "client_name": "teller", "single_connection_client": True}
    with redis.Redis(port=server.port, **options) as connection:
        assert connection.client_getname() == "teller"
        assert connection.client_setname("other") and connection.client_getname() == "other"
        (mine,) = [client for client in connection.client_list() if client["id"] == str(connection.client_id())]
        assert mine["name"] == "other" and mine["db"] == "0" and mine["cmd"] == "client|list"
        connection.set("k", "v", ex=1000)
        information = connection.info()
        assert information["db0"]["keys"] == 1 and information["db0"]["expires"] == 1
        for field in FIELDS:
            assert field in information, field
        assert information["tcp_port"] == server.port
        assert set(connection.info("memory")) <= set(information)
        assert connection.config_get("maxmemory*").keys() >= {"maxmemory", "maxmemory-policy"}
        assert connection.config_set("maxmemory-samples", 7)
        assert connection.config_get("maxmemory-samples") == {"maxmemory-samples": "7"}
        assert connection.config_resetstat()
        assert connection.command_count() > 0 and connection.command()["get"]["arity"] == 2
        assert connection.ping() and connection.echo("x") == "x" and abs(connection.time()[0] - time.time()) < 60
        assert connection.dbsize() == 1 and connection.memory_usage("k") > 0
        assert connection.slowlog_get(10) is not None and connection.lastsave() is not None


def test_a_lost_connection_is_made_again(server, connection):
    connection.set("k", "v")
    with redis.Redis(port=server.port) as other:
        other.client_kill_filter(_type="normal", skipme=True)
    assert connection.get("k") == "v"


def test_publish_and_subscribe(connection):
    with connection.pubsub() as listener:
        listener.subscribe("news")
        listener.psubscribe("n?ws", "other*")
        assert [listener.get_message(timeout=5)["data"] for _ in range(3)] == [1, 2, 3]
        assert connection.publish("news", "ä") == 2 and connection.publish("other:1", "x") == 1
        heard = [listener.get_message(timeout=5) for _ in range(3)]
        assert [(message["type"], message["channel"], message["data"]) for message in heard] == [
            ("message", "news", "ä"),
            ("pmessage", "news", "ä"),
            ("pmessage", "other:1", "x"),
        ]
        assert connection.pubsub_channels() == ["news"] and connection.pubsub_numpat() == 2
        assert connection.pubsub_numsub("news", "none") == [("news", 1), ("none", 0)]
        listener.ping()
        assert listener.get_message(timeout=5)["type"] == "pong"
        listener.unsubscribe()
        listener.punsubscribe()
        assert [listener.get_message(timeout=5)["data"] for _ in range(3)][-1] == 0
    assert connection.publish("news", "nobody") == 0


def test_messages_in_a_thread(connection):
    heard = []
    listener = connection.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(**{"jobs": lambda message: heard.append(message["data"])})
    thread = listener.run_in_thread(sleep_time=0.01)
    try:
        deadline = time.monotonic() + 10
        while connection.publish("jobs", "first") == 0:
            assert time.monotonic() < deadline
        for n in range(1000):
            connection.publish("jobs", n)
        while len(heard) < 1001:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert heard == ["first"] + [str(n) for n in range(1000)]
    finally:
        thread.stop()
        thread.join()


def test_keyspace_events(connection):
    connection.config_set("notify-keyspace-events", "KEA")
    with connection.pubsub(ignore_subscribe_messages=True) as listener:
        listener.psubscribe("__keyevent@0__:*")
        listener.get_message(timeout=5)
        connection.set("k", "v")
        connection.delete("k")
        heard = [listener.get_message(timeout=5) for _ in range(2)]
        assert [(message["channel"], message["data"]) for message in heard] == [
            ("__keyevent@0__:set", "k"),
            ("__keyevent@0__:del", "k"),
        ]
    connection.config_set("notify-keyspace-events", "")


def test_monitor(connection):
    with connection.monitor() as monitor:
        connection.set("seen", "v")
        shown = monitor.next_command()
        assert shown["command"] == "SET seen v" and shown["db"] == 0 and shown["client_type"] == "tcp"
