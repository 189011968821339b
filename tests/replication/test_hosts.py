"""Three hosts whose cables are pulled: connections stay half open until somebody's time is over, processes are killed meanwhile,
roles change. Afterwards all are equal, what WAIT has acknowledged is there, and nobody's data was ever gone.

Needs root. Minutes in `./check full`; HOLDFAST_STRESS_SEED repeats the choices of a run, not the moments.
"""

import random
import threading
import time

import pytest

from harness import ConnectionClosed, ReplyTimeout
from harness.crew import stress_seed
from replication.hosts import HostServer, Network
from replication.stage import COMMON, EFFORT, Actor, until, wait_for_equal
from replication.writers import fill

ROUNDS = int(2 * EFFORT)
TIMEOUT_S = 2
BASE_KEYS = 500
DIRECTIVES = [*COMMON, "--threads", "2", "--appendonly", "yes", "--repl-timeout", str(TIMEOUT_S), "--repl-ping-replica-period", "1"]
LEDGER = "acknowledged"


class Writer:
    """Appends 0, 1, 2... to a list of the present primary, waits for a replica each time and remembers what one has."""

    def __init__(self, primary: Actor) -> None:
        self.primary = primary
        self.acknowledged: list[int] = []
        self.failure: BaseException | None = None
        self._sent = 0
        self._ended = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ended = True
        self._thread.join()
        if self.failure:
            raise self.failure

    def wait_for_more(self, count: int = 20) -> None:
        goal = len(self.acknowledged) + count
        until(lambda: self.failure or len(self.acknowledged) >= goal)

    def _work(self) -> None:
        while not self._ended and not self.failure:
            primary = self.primary
            try:
                with primary.client(timeout_s=20) as client:
                    while not self._ended and primary is self.primary:
                        self._append(client)
            except (ConnectionClosed, ReplyTimeout, OSError):
                time.sleep(0.05)
            except BaseException as failure:
                self.failure = failure

    def _append(self, client) -> None:
        number, self._sent = self._sent, self._sent + 1
        # What fills the buffers of a connection that nobody reads any more.
        replies = client.pipeline([("RPUSH", LEDGER, number), ("SET", "bulk", b"x" * 2000), ("WAIT", 1, 200)])
        if replies[0].is_error():
            assert replies[0].value.startswith((b"READONLY", b"LOADING", b"MASTERDOWN")), replies
            time.sleep(0.02)
        elif not replies[2].is_error() and replies[2].value >= 1:
            self.acknowledged.append(number)


class Hosts:
    def __init__(self, network: Network, dice: random.Random) -> None:
        self.dice = dice
        self.actors = []
        for _ in range(3):
            server = HostServer(network.host(), DIRECTIVES)
            self.actors.append(Actor("holdfast", server))
            server.start()
        self.primary = self.actors[0]
        fill(self.primary, BASE_KEYS)
        self.base = self.keys(self.primary)
        self.arrange()
        until(self.synchronized)
        self.writer = Writer(self.primary)

    def close(self) -> None:
        try:
            self.writer.end()
        finally:
            for actor in reversed(self.actors):
                actor.forget_connection()
                actor.server.close()

    @property
    def others(self) -> list[Actor]:
        return [actor for actor in self.actors if actor is not self.primary]

    @staticmethod
    def keys(actor: Actor) -> int:
        actor.must("SELECT", 0)
        return sum(int(value.split(",")[0].split("=")[1]) for name, value in actor.info("keyspace").items() if name.startswith("db"))

    def synchronized(self) -> bool:
        return all(actor.link_is_up() for actor in self.others)

    def let_follow(self, actor: Actor, target: Actor) -> None:
        actor.must("REPLICAOF", target.server.host.address, target.port)

    def arrange(self) -> None:
        """Both follow the primary, or the last one the other replica."""
        first, last = self.dice.sample(self.others, 2)
        self.let_follow(first, self.primary)
        self.let_follow(last, self.dice.choice((self.primary, self.primary, first)))

    def nobody_is_wiped(self) -> None:
        for actor in self.actors:
            assert self.keys(actor) >= self.base, f"{actor.port} has {self.keys(actor)} of {self.base} keys"

    def pause(self) -> None:
        """Shorter than the timeout, or long enough for somebody to notice, or for all."""
        time.sleep(self.dice.choice((0.1, 0.5, TIMEOUT_S + 0.5, 2 * TIMEOUT_S + 1)))

    # What may happen while somebody writes.

    def pull_replica(self) -> None:
        host = self.dice.choice(self.others).server.host
        host.unplug()
        self.pause()
        host.plug()

    def pull_primary(self) -> None:
        self.primary.server.host.unplug()
        self.pause()
        self.primary.server.host.plug()

    def pull_and_kill_replica(self) -> None:
        """Its primary does not learn that the process is another one."""
        actor = self.dice.choice(self.others)
        actor.server.host.unplug()
        followed = [other for other in self.actors if str(other.port) == actor.info()["master_port"]][0]
        actor.kill()
        actor.start()
        self.let_follow(actor, followed)
        self.pause()
        self.nobody_is_wiped()
        actor.server.host.plug()

    def fail_over(self) -> None:
        """Nobody hears the primary any more; the replica that has most takes its place."""
        old = self.primary
        old.server.host.unplug()
        time.sleep(self.dice.choice((0.1, 1.0)))
        if self.dice.random() < 0.4:
            old.kill()
            old.start()
        self.primary = max(self.others, key=lambda actor: int(actor.info()["slave_repl_offset"]))
        self.primary.must("REPLICAOF", "NO", "ONE")
        self.writer.primary = self.primary
        for actor in self.others:
            if actor is not old:
                self.let_follow(actor, self.primary)
        self.nobody_is_wiped()
        self.pause()
        old.server.host.plug()
        self.let_follow(old, self.primary)


ACTS = (Hosts.pull_replica, Hosts.pull_primary, Hosts.pull_and_kill_replica)


@pytest.fixture
def network():
    with Network() as made:
        yield made


@pytest.fixture
def hosts(network):
    made = Hosts(network, random.Random(stress_seed()))
    try:
        yield made
    finally:
        made.close()


def test_rounds(hosts):
    dice = hosts.dice
    for turn in range(ROUNDS):
        hosts.writer.wait_for_more()
        for act in [dice.choice(ACTS) for _ in range(dice.randrange(1, 3))]:
            print(f"round {turn}: {act.__name__}")
            act(hosts)
            hosts.nobody_is_wiped()
        if dice.random() < 0.7:
            # Only what has all may become the primary.
            until(hosts.synchronized)
            hosts.writer.wait_for_more()
            print(f"round {turn}: fail_over")
            hosts.fail_over()
        until(hosts.synchronized)
        hosts.nobody_is_wiped()
    hosts.writer.wait_for_more()
    hosts.writer.end()
    wait_for_equal(hosts.primary, *hosts.others)
    held = {int(word.value) for word in hosts.primary.must("LRANGE", LEDGER, 0, -1)}
    missing = [number for number in hosts.writer.acknowledged if number not in held]
    assert not missing, f"acknowledged by WAIT and not there: {missing[:20]} of {len(hosts.writer.acknowledged)}"


def test_a_pulled_cable_is_noticed_and_the_rest_comes_partially(network):
    """Neither side is told; both find out after repl-timeout, and both keep what they have."""
    servers = [HostServer(network.host(), DIRECTIVES) for _ in range(2)]
    primary, replica = (Actor("holdfast", server.start()) for server in servers)
    try:
        fill(primary, BASE_KEYS)
        replica.must("REPLICAOF", servers[0].host.address, primary.port)
        until(replica.link_is_up)
        full, partial = primary.sync_counts()
        servers[1].host.unplug()
        primary.must("SET", "meanwhile", "v")
        assert primary.online_replicas() == 1 and replica.link_is_up()
        until(lambda: primary.online_replicas() == 0)
        until(lambda: not replica.link_is_up())
        assert Hosts.keys(replica) >= Hosts.keys(primary) - 1
        servers[1].host.plug()
        until(replica.link_is_up)
        wait_for_equal(primary, replica)
        assert primary.sync_counts() == (full, partial + 1)
    finally:
        for actor in (replica, primary):
            actor.forget_connection()
            actor.server.close()
