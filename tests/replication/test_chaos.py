"""Three servers, a faulty network, kills, restarts and role changes in random order under load; equal after each round.

Some rounds in `./check`, minutes of them in `./check full`. HOLDFAST_STRESS_SEED repeats the choices of a run (not the
moments at which they fall).
"""

import random

import pytest

from harness.crew import Crew, stress_seed
from replication.proxy import Proxy
from replication.stage import EFFORT, Actor, Pair, Stage, until, wait_for_equal
from replication.writers import LIBRARY, fill, write_everything

ROUNDS = int(3 * EFFORT)
ROUND_LIMIT_S = 300.0


class Troupe:
    """Three actors, each with a proxy of its own to whom it follows."""

    def __init__(self, stage: Stage, kinds: Pair, dice: random.Random, *directives: str) -> None:
        self.dice = dice
        words = ["--repl-backlog-size", 1 << 20, "--repl-timeout", 10, "--repl-ping-replica-period", 1, *directives]
        self.actors = [stage.server(kind, *words) for kind in (kinds.primary, kinds.replica, kinds.primary)]
        self.proxies = {actor: Proxy(0) for actor in self.actors}
        self.primary = self.actors[0]

    def close(self) -> None:
        for proxy in self.proxies.values():
            proxy.close()

    @property
    def others(self) -> list[Actor]:
        return [actor for actor in self.actors if actor is not self.primary]

    def some_replica(self) -> Actor:
        return self.dice.choice(self.others)

    def arrange(self) -> None:
        """Everybody follows the primary, or the last one follows the other replica."""
        first, last = self.dice.sample(self.others, 2)
        self.let_follow(first, self.primary)
        self.let_follow(last, self.dice.choice((self.primary, first)))

    def let_follow(self, actor: Actor, target: Actor) -> None:
        proxy = self.proxies[actor]
        if proxy.target_port != target.port:
            proxy.target_port = target.port
            proxy.cut()
        proxy.delay_s = 0.0
        proxy.release()
        actor.follow(proxy.port)

    # What may happen while somebody writes.

    def cut(self) -> None:
        self.proxies[self.some_replica()].cut(reset=self.dice.random() < 0.5)

    def drop(self) -> None:
        self.proxies[self.some_replica()].drop_after(self.dice.choice((0, 1, 10, 100, 5000, 100_000)))

    def hold(self) -> None:
        proxy = self.proxies[self.some_replica()]
        proxy.hold()
        at = self.primary.offset()
        until(lambda: self.primary.offset() > at + 20_000)
        if self.dice.random() < 0.5:
            proxy.cut()
        proxy.release()

    def delay(self) -> None:
        self.proxies[self.some_replica()].delay_s = self.dice.choice((0.0, 0.001, 0.01))

    def end_links(self) -> None:
        self.dice.choice(self.actors).cut_replicas()

    def kill_replica(self) -> None:
        actor = self.some_replica()
        actor.kill()
        actor.start()
        actor.follow(self.proxies[actor].port)

    def restart_replica(self) -> None:
        actor = self.some_replica()
        actor.shut_down("SAVE", "FORCE")  # also while the first AOF is written
        actor.start()
        actor.follow(self.proxies[actor].port)

    def change_arrangement(self) -> None:
        self.arrange()

    def change_roles(self) -> None:
        """Another becomes the primary at once, wherever it is; what only the old one has is lost."""
        self.primary = self.some_replica()
        self.primary.must("REPLICAOF", "NO", "ONE")
        self.arrange()

    def kill_primary(self) -> None:
        """The replica that has most becomes the primary, the old one comes back as a replica."""
        old = self.primary
        old.kill()
        self.primary = max(self.others, key=lambda actor: int(actor.info().get("slave_repl_offset", 0)))
        self.primary.must("REPLICAOF", "NO", "ONE")
        old.start()
        self.arrange()

    def save(self) -> None:
        self.dice.choice(self.actors).ask("BGSAVE")

    def reconfigure(self) -> None:
        actor = self.dice.choice(self.actors)
        actor.config("repl-diskless-sync", self.dice.choice(("yes", "no")))
        actor.config("repl-diskless-load", self.dice.choice(("disabled", "swapdb", "on-empty-db")))
        actor.config("repl-backlog-size", self.dice.choice((1 << 14, 1 << 17, 1 << 20, 1 << 24)))


GENTLE = (Troupe.cut, Troupe.drop, Troupe.hold, Troupe.delay, Troupe.end_links, Troupe.save, Troupe.reconfigure)
ROUGH = (*GENTLE, Troupe.kill_replica, Troupe.restart_replica, Troupe.change_arrangement)
ENDINGS = (Troupe.change_roles, Troupe.kill_primary, Troupe.change_arrangement)


def has_data(troupe: Troupe) -> bool:
    """All of them have the whole and are up; a primary may only die when somebody else has its data."""
    return all(actor.link_is_up() for actor in troupe.others)


@pytest.fixture
def troupe(stage, kinds, request):
    dice = random.Random(stress_seed())
    made = Troupe(stage, kinds, dice, *request.param)
    try:
        fill(made.primary, 1000)
        made.primary.must("FUNCTION", "LOAD", LIBRARY)
        made.arrange()
        yield made
    finally:
        made.close()


@pytest.mark.parametrize("troupe", ((), ("--appendonly", "yes")), indirect=True, ids=("memory", "aof"))
def test_rounds(troupe):
    dice = troupe.dice
    for turn in range(ROUNDS):
        until(lambda: has_data(troupe))
        crew = Crew(troupe.primary.port, dice.getrandbits(32), ROUND_LIMIT_S)
        crew.add(write_everything, times=2)
        crew.start()
        at = troupe.primary.offset()
        until(lambda: troupe.primary.offset() > at + 20_000)
        for act in [dice.choice(ROUGH) for _ in range(dice.randrange(1, 6))]:
            print(f"round {turn}: {act.__name__}")
            act(troupe)
        if dice.random() < 0.6:
            until(lambda: has_data(troupe))
            act = dice.choice(ENDINGS)
            print(f"round {turn}: {act.__name__}")
            act(troupe)
        crew.end_now()
        crew.results()
        for proxy in troupe.proxies.values():
            proxy.delay_s = 0.0
        until(lambda: has_data(troupe))
        wait_for_equal(troupe.primary, *troupe.others)
