"""Servers in the roles of primary and replica, each Holdfast or redis-server, and what every test asks of them.

HOLDFAST_REPLICATION_PAIRS names the pairs of the run, primary first, e.g. `redis-redis,holdfast-redis`; with
`redis-redis` the suite tries itself against the reference.
"""

import contextlib
import os
import signal
import time
from typing import Iterator, NamedTuple

from harness import CheckedServer, Client, ConnectionClosed, Reply, ReplyTimeout, Server, reference_binary

EFFORT = float(os.environ.get("HOLDFAST_EFFORT", "1"))
_PAIRS = "holdfast-holdfast,holdfast-redis,redis-holdfast"
_LOG_LINES = 80  # of each server, shown with a failure
COMMON = ["--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "1"]
# A ping at the wrong moment would make one server know a byte more than another.
COMMON += ["--repl-ping-replica-period", "3600"]
# How long anything may take that happens by itself: a synchronization, a reconnection, an expiry.
LIMIT_S = 60.0
REPLY_LIMIT_S = 120.0
_PAUSE_S = 0.02


class Pair(NamedTuple):
    primary: str
    replica: str

    @property
    def name(self) -> str:
        return f"{self.primary}-{self.replica}"


def chosen_pairs() -> list[Pair]:
    return [Pair(*name.split("-")) for name in os.environ.get("HOLDFAST_REPLICATION_PAIRS", _PAIRS).split(",") if name]


def chosen_kinds() -> list[str]:
    """Every kind that a pair of this run has, for tests with one server."""
    return sorted({kind for pair in chosen_pairs() for kind in pair})


def until(condition, limit_s: float = LIMIT_S):
    """The first true value of `condition()`. Raises AssertionError with the name of the condition when there is none."""
    end = time.monotonic() + limit_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"it did not happen: {getattr(condition, '__qualname__', condition)}"
        time.sleep(_PAUSE_S)


def until_equal(ask, expected, limit_s: float = LIMIT_S) -> None:
    """Waits until `ask()` is `expected`; the error shows what it was at last."""
    end = time.monotonic() + limit_s
    while (found := ask()) != expected:
        assert time.monotonic() < end, f"it is still {found!r}, not {expected!r}"
        time.sleep(_PAUSE_S)


class Actor:
    """A server with one connection for the test's own questions, which comes back after a restart."""

    def __init__(self, kind: str, server: Server) -> None:
        self.kind = kind
        self.server = server
        self._client: Client | None = None

    @property
    def port(self) -> int:
        return self.server.port

    def client(self, timeout_s: float = REPLY_LIMIT_S) -> Client:
        """A connection of its own, to be closed by the caller."""
        return self.server.client(timeout_s=timeout_s)

    def ask(self, *words: object) -> Reply:
        """The reply, also an error. A connection that was cut is made again, once."""
        for last_try in (False, True):
            try:
                if self._client is None:
                    self._client = self.client()
                return self._client.command(*words)
            except (ConnectionClosed, ReplyTimeout, OSError):
                self.forget_connection()
                if last_try:
                    raise
        raise AssertionError("unreachable")

    def must(self, *words: object) -> object:
        """The value of a reply that is no error."""
        reply = self.ask(*words)
        assert not reply.is_error(), f"{self.kind} at {self.port}: {words[:6]}: {reply.value}"
        return reply.value

    def error(self, *words: object) -> bytes:
        """The text of a reply that is an error."""
        reply = self.ask(*words)
        assert reply.is_error(), f"{self.kind} at {self.port}: {words[:6]} is no error: {reply}"
        return reply.value

    def forget_connection(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def info(self, section: str = "replication") -> dict[str, str]:
        """The fields of a section of INFO, in their order."""
        lines = self.must("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def stat(self, name: str) -> int:
        return int(self.info("stats")[name])

    def offset(self) -> int:
        return int(self.info()["master_repl_offset"])

    def link_is_up(self) -> bool:
        info = self.info()
        return info["role"] == "slave" and info["master_link_status"] == "up"

    def online_replicas(self) -> int:
        return sum(name.startswith("slave") and "state=online" in value for name, value in self.info().items())

    def follow(self, port: int) -> None:
        self.must("REPLICAOF", "127.0.0.1", port)

    def config(self, *pairs: object) -> None:
        self.must("CONFIG", "SET", *pairs)

    def sync_counts(self) -> tuple[int, int]:
        """Full and partial synchronizations it has given."""
        return self.stat("sync_full"), self.stat("sync_partial_ok")

    @contextlib.contextmanager
    def standing_still(self):
        """Within the block the process does nothing at all, and its connections stay."""
        os.kill(self.server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server.pid, signal.SIGCONT)

    def cut_replicas(self) -> int:
        """Closes the connections of all replicas; how many there were."""
        return self.must("CLIENT", "KILL", "TYPE", "replica")

    def restart(self) -> None:
        self.forget_connection()
        self.server.restart()

    def kill(self) -> None:
        self.forget_connection()
        self.server.kill()

    def start(self) -> None:
        self.forget_connection()
        self.server.start()

    def shut_down(self, *words: str) -> None:
        """SHUTDOWN, and waits for the end of the process."""
        try:
            reply = self.ask_once("SHUTDOWN", *words)
        except ConnectionClosed:
            reply = None
        assert reply is None, f"{self.kind}: SHUTDOWN says {reply}"
        self.forget_connection()
        until(lambda: not self.server.running())
        self.server.killed_on_purpose = True  # its end was asked for; only its log is judged

    def ask_once(self, *words: object) -> Reply:
        with self.client() as client:
            return client.command(*words)


class Stage:
    """Starts servers, ends them in the reverse order (a primary waits for replicas that lag), judges Holdfast's end."""

    def __init__(self) -> None:
        self._actors: list[Actor] = []

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        failure = None
        for actor in reversed(self._actors):
            actor.forget_connection()
            try:
                actor.server.close()
            except AssertionError as unsound:
                failure = failure or unsound
        if failure:
            raise failure

    def logs(self) -> list[tuple[str, str]]:
        """For each server a title and the end of its log."""
        return [(f"log of {actor.kind} on port {actor.port}", actor.server.log_tail(_LOG_LINES)) for actor in self._actors]

    def server(self, kind: str, *directives: object) -> Actor:
        """`kind`: holdfast or redis."""
        words = [*COMMON, *map(str, directives)]
        if kind == "holdfast":
            server = CheckedServer(["--threads", "2", *words])
        else:
            assert kind == "redis", kind
            server = Server(reference_binary(), words)
        actor = Actor(kind, server)
        self._actors.append(actor)
        actor.start()
        return actor

    def replica(self, kind: str, of: int | Actor, *directives: object) -> Actor:
        """A server that follows a port from its start; returns when the link is up."""
        actor = self.unsynchronized_replica(kind, of, *directives)
        until(actor.link_is_up)
        return actor

    def unsynchronized_replica(self, kind: str, of: int | Actor, *directives: object) -> Actor:
        """A replica that may still be loading, or have no primary to find."""
        actor = self.server(kind, *directives)
        actor.follow(of if isinstance(of, int) else of.port)
        return actor

    def pair(self, kinds: Pair, *directives: object) -> tuple[Actor, Actor]:
        """A primary and its replica, both with `directives`, synchronized."""
        primary = self.server(kinds.primary, *directives)
        return primary, self.replica(kinds.replica, primary, *directives)


# Digests.


def digest(actor: Actor) -> bytes:
    return actor.must("DEBUG", "DIGEST")


def functions(actor: Actor) -> list:
    """Names and code of all libraries."""
    libraries = actor.must("FUNCTION", "LIST", "WITHCODE")
    return sorted((library.value[1].value, library.value[-1].value) for library in libraries)


def wait_for_offset(primary: Actor, replica: Actor) -> int:
    """Waits until the replica has applied all the primary has written. Nobody may write meanwhile."""
    seen = {}

    def agree():
        if not replica.link_is_up():
            return False
        seen["replica"] = int(replica.info()["slave_repl_offset"])
        seen["primary"] = primary.offset()
        return seen["replica"] == seen["primary"]

    try:
        until(agree)
        return seen["primary"]
    except AssertionError:
        raise AssertionError(f"the replica does not follow: {seen}, {replica.info()}\n{replica.server.log_tail()}") from None


def wait_for_equal(primary: Actor, *replicas: Actor, patience_s: float = 15.0) -> None:
    """Waits until each replica stands where the primary stands; then their data is the same.

    A ping may fall between the digests; and a key whose time is over, but which the primary has not deleted yet, need not
    count on both sides. So a difference must last, and is asked for again.
    """
    for replica in replicas:
        end = time.monotonic() + patience_s
        while True:
            wait_for_offset(primary, replica)
            if digest(primary) == digest(replica):
                break
            if time.monotonic() >= end:
                names = "; ".join(differing_keys(primary, replica)) or "but no single key does"
                raise AssertionError(f"the replica differs: {names}")
            time.sleep(_PAUSE_S)
        assert functions(primary) == functions(replica)


def differing_keys(first: Actor, second: Actor, limit: int = 20) -> list[str]:
    """Names of keys with their digests that are not the same on both."""
    found = []
    for database in range(16):
        keys = set()
        for actor in (first, second):
            actor.must("SELECT", database)
            keys |= set(_keys(actor))
        for key in sorted(keys):
            values = [(a.must("DEBUG", "DIGEST-VALUE", key)[0].value, a.must("PEXPIRETIME", key)) for a in (first, second)]
            if values[0] != values[1]:
                types = [actor.must("TYPE", key).decode() for actor in (first, second)]
                found.append(f"db {database}, {types[0]}/{types[1]} {key!r}: {values[0]} and {values[1]}")
                if len(found) == limit:
                    return found
    for actor in (first, second):
        actor.must("SELECT", 0)
    return found


def _keys(actor: Actor) -> Iterator[bytes]:
    cursor = b"0"
    while True:
        cursor, keys = (part.value for part in actor.must("SCAN", cursor, "COUNT", 1000))
        yield from (key.value for key in keys)
        if cursor == b"0":
            return
