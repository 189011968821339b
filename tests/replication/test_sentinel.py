"""Redis's sentinels watch a primary with two replicas and replace it when it dies; redis-py's client finds the new one."""

import json
import subprocess
import time

import pytest

from clients.node_packages import install, needs_node
from harness import Client, reference_binary
from harness.server import free_port
from replication.stage import EFFORT, LIMIT_S, until, wait_for_equal
from replication.writers import fill

redis = pytest.importorskip("redis")
from redis.sentinel import Sentinel  # noqa: E402

NAME = "the-primary"
QUORUM = 2
long_run = pytest.mark.skipif(EFFORT < 10, reason="many seconds of waiting for sentinels: in the long run only")
_CONFIGURATION = """port {port}
bind 127.0.0.1
dir {directory}
sentinel monitor {name} 127.0.0.1 {primary} {quorum}
sentinel down-after-milliseconds {name} 1000
sentinel failover-timeout {name} 10000
sentinel parallel-syncs {name} 2
"""


class Watchers:
    """Three sentinels."""

    def __init__(self, directory, primary_port: int) -> None:
        self.ports = [free_port() for _ in range(3)]
        self._processes = []
        for port in self.ports:
            place = directory / str(port)
            place.mkdir()
            file = place / "sentinel.conf"
            file.write_text(_CONFIGURATION.format(port=port, directory=place, name=NAME, primary=primary_port, quorum=QUORUM))
            with open(place / "log", "wb") as log:
                self._processes.append(
                    subprocess.Popen([reference_binary(), file, "--sentinel"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
                )

    def __enter__(self) -> "Watchers":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(LIMIT_S)

    def facts(self, port: int) -> dict[bytes, bytes]:
        """What a sentinel knows of the primary; empty while it does not answer."""
        try:
            with Client(port) as client:
                words = [word.value for word in client.must("SENTINEL", "MASTER", NAME).value]
                return dict(zip(words[::2], words[1::2]))
        except OSError:
            return {}

    def know(self, **expected: object) -> bool:
        """Whether all sentinels have these facts, e.g. num_slaves=2."""
        return all(
            self.facts(port).get(name.replace("_", "-").encode()) == str(value).encode()
            for port in self.ports
            for name, value in expected.items()
        )

    def replicas(self) -> list[dict[bytes, bytes]]:
        with Client(self.ports[0]) as client:
            entries = client.must("SENTINEL", "REPLICAS", NAME).value
        return [dict(zip(*[iter(word.value for word in entry.value)] * 2)) for entry in entries]

    def client(self) -> Sentinel:
        return Sentinel([("127.0.0.1", port) for port in self.ports], socket_timeout=5.0)


@pytest.fixture
def three(stage, kinds):
    primary = stage.server(kinds.primary)
    fill(primary, 300)
    replicas = [stage.replica(kinds.replica, primary), stage.replica(kinds.primary, primary)]
    wait_for_equal(primary, *replicas)
    return primary, replicas


@pytest.fixture
def watchers(three, tmp_path):
    with Watchers(tmp_path, three[0].port) as made:
        until(lambda: made.know(num_slaves=2, num_other_sentinels=2, flags="master"))
        yield made


def write(client, key: str) -> None:
    """Writes through the client of the sentinels, again until it succeeds."""

    def written() -> bool:
        try:
            return client.set(key, "v")
        except redis.RedisError:
            time.sleep(0.05)
            return False

    until(written)


def actor_at(port: int, actors):
    return next(actor for actor in actors if actor.port == port)


def test_the_primary_dies(three, watchers):
    primary, replicas = three
    sentinel = watchers.client()
    assert sentinel.discover_master(NAME) == ("127.0.0.1", primary.port)
    assert {port for _, port in sentinel.discover_slaves(NAME)} == {replica.port for replica in replicas}
    writer = sentinel.master_for(NAME, socket_timeout=5.0)
    reader = sentinel.slave_for(NAME, socket_timeout=5.0)
    write(writer, "before")
    wait_for_equal(primary, *replicas)
    assert reader.get("before") == b"v"
    primary.kill()
    write(writer, "after")
    ports = [replica.port for replica in replicas]
    until(lambda: watchers.know(flags="master", num_slaves=2))
    new = actor_at(sentinel.discover_master(NAME)[1], replicas)
    [other] = [replica for replica in replicas if replica is not new]
    until(lambda: other.link_is_up() and other.info()["master_port"] == str(new.port))
    wait_for_equal(new, other)
    assert new.must("EXISTS", "before", "after") == 2
    assert new.info()["role"] == "master" and new.port in ports
    full, partial = new.sync_counts()
    assert full + partial == 1  # partially, unless the other one has got a last byte that the new one has not
    # The old one comes back, empty, and is made a replica.
    primary.start()
    until(lambda: primary.link_is_up() and primary.info()["master_port"] == str(new.port))
    wait_for_equal(new, primary, other)


@long_run
def test_a_failover_on_demand(three, watchers):
    """SENTINEL FAILOVER, while somebody writes; the old primary follows at once."""
    primary, replicas = three
    writer = watchers.client().master_for(NAME, socket_timeout=5.0)
    with Client(watchers.ports[0]) as client:
        client.must("SENTINEL", "FAILOVER", NAME)
    number = 0
    while primary.info()["role"] == "master":
        write(writer, f"key:{number}")
        number += 1
    new = actor_at(until(lambda: watchers.client().discover_master(NAME)[1] != primary.port and
                         watchers.client().discover_master(NAME)[1]), replicas)  # fmt: skip
    [other] = [replica for replica in replicas if replica is not new]
    for actor in (primary, other):
        until(lambda: actor.link_is_up() and actor.info()["master_port"] == str(new.port))
    write(writer, "last")
    assert new.must("EXISTS", "last") == 1
    wait_for_equal(new, primary, other)


@long_run
def test_priorities(three, watchers):
    """The replica with the lower number is chosen; one with 0 never."""
    primary, replicas = three
    replicas[0].config("replica-priority", 0)
    replicas[1].config("replica-priority", 50)
    expected = {b"%d" % replicas[0].port: b"0", b"%d" % replicas[1].port: b"50"}
    until(lambda: {entry[b"port"]: entry[b"slave-priority"] for entry in watchers.replicas()} == expected)
    primary.kill()
    until(lambda: watchers.client().discover_master(NAME)[1] == replicas[1].port if watchers.know(flags="master") else False)
    until(lambda: replicas[0].link_is_up() and replicas[0].info()["master_port"] == str(replicas[1].port))
    replicas[1].must("SET", "k", "v")
    wait_for_equal(replicas[1], replicas[0])


class TestNode:
    pytestmark = needs_node

    def test_ioredis_follows_a_failover(self, three, watchers, tmp_path):
        """It writes while the primary dies; what was acknowledged by the new one is there."""
        primary, replicas = three
        folder = tmp_path / "node"
        folder.mkdir()
        install(folder)
        command = ["node", "ioredis_sentinel.js", NAME, *map(str, watchers.ports)]
        with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
            try:
                assert program.stdout.readline() == "writing\n"
                primary.kill()
                until(lambda: watchers.know(flags="master", num_slaves=2))
                new = actor_at(watchers.client().discover_master(NAME)[1], replicas)
                [other] = [replica for replica in replicas if replica is not new]
                until(lambda: other.link_is_up() and other.info()["master_port"] == str(new.port))
                until(lambda: new.must("DBSIZE") > 400)
                program.stdin.close()
                told = json.loads(program.stdout.readline())
            finally:
                program.terminate()
        assert told["servers"] == [primary.port, new.port] and told["role"] == "slave"
        last = told["written"][-1]
        assert new.must("GET", f"key:{last}") == str(last).encode()
        wait_for_equal(new, other)
