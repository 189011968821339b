"""`kill -9` at random moments under load, many times: HOLDFAST_CRASH_ROUNDS, else 10 times HOLDFAST_EFFORT.

In each round writers load the server, something else may go on (a rewrite, a save, switching the AOF), the process is
killed, and what the files hold is compared with what was acknowledged. The next round goes on with the same directory,
sometimes with redis-server on it.
"""

import os
import pathlib
import random
import threading
import time

import pytest

from crash.ledger import check, now
from crash.reference import NO_SAVE, digest, reference_on_copy
from crash.writers import check_transfers, everything, open_accounts, transfer, write_by_plan
from harness import CheckedServer, Client, ConnectionClosed, ReplyTimeout, Server, reference_binary
from harness.crew import Crew, stress_seed

ROUNDS = int(os.environ.get("HOLDFAST_CRASH_ROUNDS") or 10 * int(os.environ.get("HOLDFAST_EFFORT", "1")))
WRITERS = 3
SWITCHED_ON = (b"aof_enabled:1", b"aof_rewrite_in_progress:0", b"aof_rewrite_scheduled:0")
# How long a round loads before the kill. With everysec some rounds see fsyncs.
LOAD_S = {"always": (0.15, 0.9), "everysec": (0.15, 2.5), "no": (0.15, 0.9)}


class Disturber(threading.Thread):
    """Keeps asking for what disturbs files, until the server dies. Knows when the AOF was surely on."""

    def __init__(self, port: int, kind: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._port, self._kind, self._random = port, kind, random.Random(seed)
        # Acknowledged before this moment counts; nothing later does until the AOF is on again.
        self.promises_end = float("inf")

    def run(self) -> None:
        try:
            with Client(self._port, timeout_s=30) as client:
                while True:
                    client.must("PING")
                    self._disturb(client)
                    time.sleep(self._random.uniform(0, 0.05))
        except (OSError, ConnectionClosed, ReplyTimeout):
            pass

    def _disturb(self, client: Client) -> None:
        if self._kind == "rewrite":
            client.command("BGREWRITEAOF")
        elif self._kind == "save":
            client.command("BGSAVE")
        elif self._kind == "both":
            client.command(self._random.choice(("BGSAVE", "BGREWRITEAOF")))
        elif self._kind == "switch":
            self.promises_end = now()
            client.must("CONFIG", "SET", "appendonly", "no")
            client.must("CONFIG", "SET", "appendonly", "yes")
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                info = client.must("INFO", "persistence").value
                if all(field in info for field in SWITCHED_ON):
                    self.promises_end = float("inf")
                    return
                time.sleep(0.002)


class Scene:
    """A data directory and what it must hold from round to round."""

    def __init__(self, directory: pathlib.Path, seed: int, policy: str, threads: int) -> None:
        self.directory, self.seed, self.policy = directory, seed, policy
        self.random = random.Random(seed)
        self.common = NO_SAVE + ["--appendonly", "yes", "--appendfsync", policy]
        self.holdfast = self.common + ["--threads", str(threads)]
        self.settled: dict[bytes, bytes] = {}
        self.steps = self.transfers = 0

    def round(self, number: int) -> None:
        by_reference = number % 5 == 4
        disturbance = ("none", "rewrite", "save", "switch", "both")[number % 5] if not by_reference else "none"
        if by_reference:
            server = Server(reference_binary(), self.common, directory=self.directory)
        else:
            server = CheckedServer(self.holdfast, directory=self.directory)
        with server:
            with server.client() as client:
                open_accounts(client)
            ledgers, killed_at, promises_end = self._load_and_kill(server, number, disturbance)
        if number % 3 == 2:
            self._kill_while_loading()
        self._verify(ledgers, min(killed_at, promises_end), compare=number % 2 == 0)

    def _load_and_kill(self, server: Server, number: int, disturbance: str):
        crew = Crew(server.port, self.seed + number, seconds=30)
        for writer in range(WRITERS):
            crew.add(write_by_plan, f"w{number}:{writer}", self.seed)
        crew.add(transfer, f"{number}:a")
        crew.add(transfer, f"{number}:b")
        crew.start()
        disturber = Disturber(server.port, disturbance, self.seed + number)
        disturber.start()
        time.sleep(self.random.uniform(*LOAD_S[self.policy]))
        if isinstance(server, CheckedServer):
            server.check_alive()
        server.kill()
        killed_at = now()
        disturber.join()
        return crew.results()[:WRITERS], killed_at, disturber.promises_end

    def _kill_while_loading(self) -> None:
        """Twice, at random moments of the start."""
        for _ in range(2):
            server = CheckedServer(self.holdfast, directory=self.directory)
            starter = threading.Thread(target=self._start_to_be_killed, args=(server,))
            starter.start()
            time.sleep(self.random.uniform(0, 0.08))
            server.kill()
            starter.join()
            server.kill()

    @staticmethod
    def _start_to_be_killed(server: Server) -> None:
        try:
            server.start()
        except Exception:  # noqa: BLE001 - it was killed at whatever point of its start
            pass

    def _verify(self, ledgers, moment: float, compare: bool) -> None:
        reference_state = None
        if compare:
            with reference_on_copy(self.directory, appendonly=True) as reference, reference.client() as client:
                reference_state = digest(reference), everything(client)
        with CheckedServer(self.holdfast, directory=self.directory) as server, server.client() as client:
            held = everything(client)
            for ledger in ledgers:
                self.steps += check(ledger, self.seed, held, ledger.acknowledged_by(moment))
            self.transfers = max(self.transfers, check_transfers(held))
            kept = {key: value for key, value in held.items() if key in self.settled}
            assert kept == self.settled, "a key of an earlier round has changed"
            if reference_state is not None:
                assert reference_state[1] == held
                assert reference_state[0] == digest(server)
            # What this round's writers have left stays as it is; the accounts go on changing.
            self.settled = {key: value for key, value in held.items() if key.startswith(b"w")}


@pytest.mark.parametrize("policy, threads", [("always", 2), ("everysec", 2), ("always", 4), ("no", 4)])
def test_acknowledged_writes_survive(tmp_path, policy, threads):
    scene = Scene(tmp_path, stress_seed(), policy, threads)
    for number in range((ROUNDS + 2) // 3 if threads == 4 else (ROUNDS + 1) // 2):
        scene.round(number)
        print(f"{policy}: round {number}, {scene.steps} steps and {scene.transfers} transfers held")
    assert scene.steps > 0 and scene.transfers > 0
