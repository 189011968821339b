"""Plays a dialogue to both servers and lists what they answered differently.

`python3 tests/compat/runner.py FILE...` does so by hand; with `--record` it writes the replies of the reference
into the files as `<` lines.
"""

import argparse
import collections
import pathlib
import re
import sys
import time
from dataclasses import dataclass, field

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from compat import dialogue as files
from compat.dataset import compare_datasets
from compat.differences import command_line, without_wanted_differences
from compat.dialogue import Dialogue, Step, parse_dialogue
from compat.later_commands import is_later
from compat.pair import Pair
from compat.replies import apply_rules, unordered
from harness import Client, ConnectionClosed, Kind, Reply, ReplyTimeout, format_reply
from harness.client import ErrorReply
from harness.resp import Incomplete, ProtocolViolation, parse_all, quote

REPLY_LIMIT_S = 5.0
RAW_LIMIT_S = 3.0
WAIT_LIMIT_S = 10.0
RAW_QUIET_S = 0.06
SHOWN_DIFFERENCES_MAX = 30
SHOWN_REPLY_MAX = 600
RECORDED_REPLY_MAX = 160
_FAILURES = (ConnectionClosed, ReplyTimeout, ProtocolViolation, OSError)


class Lost(Exception):
    """A connection gave no reply; the text says how."""


@dataclass
class Side:
    """One server as the dialogue sees it: its named connections and saved variables."""

    name: str
    port: int
    protocol: int
    clients: dict[str, Client] = field(default_factory=dict)
    variables: dict[str, bytes] = field(default_factory=dict)

    def client(self, name: str) -> Client:
        if name not in self.clients:
            self.clients[name] = Client(self.port, timeout_s=REPLY_LIMIT_S)
            if self.protocol == 3:
                # Refused on purpose where a dialogue has set a password: it logs in by itself.
                self.clients[name].command("HELLO", 3)
        return self.clients[name]

    def close(self) -> None:
        for client in self.clients.values():
            client.close()


class Play:
    """One run of one dialogue in one protocol."""

    def __init__(self, pair: Pair, dialogue: Dialogue, protocol: int) -> None:
        self.dialogue = dialogue
        self.differences: list[str] = []
        self.replies: dict[int, Reply] = {}
        # How many steps were skipped for want of which commands.
        self.skipped: collections.Counter[str] = collections.Counter()
        self._missing: frozenset[str] = frozenset()
        self._protocol = protocol
        self._pair = pair
        self._connection = "a"
        self._sides = (
            Side("reference", pair.reference.port, protocol),
            Side("candidate", pair.candidate.port, protocol),
        )
        self._admins = pair.clients(REPLY_LIMIT_S)
        self._configs: list[dict[bytes, bytes]] = []

    def run(self) -> list[str]:
        """The differences, one text each."""
        try:
            self._prepare()
            for step in self.dialogue.steps:
                missing = step.needs & self._missing
                # Which connection goes on must not depend on what is skipped.
                if missing and step.action != "conn":
                    self.skipped[" ".join(sorted(missing)).upper()] += 1
                else:
                    self._step(step)
            self._compare_leftovers()
        except _FAILURES as error:
            self._report(None, f"{type(error).__name__}: {error}")
        finally:
            self._clean_up()
        return self.differences

    def _prepare(self) -> None:
        for admin in self._admins:
            admin.must("FLUSHALL")
            self._configs.append(_read_config(admin))
        needed = sorted(frozenset[str]().union(*(step.needs for step in self.dialogue.steps)))
        unknown = [_unknown_commands(admin, needed) for admin in self._admins]
        for name in sorted(unknown[0]):
            self._report(None, f"@needs {name}: the reference does not know it either")
        # Any other command Holdfast has lost: its steps are played, and differ.
        self._missing = frozenset(name for name in unknown[1] if is_later(name))

    def _clean_up(self) -> None:
        for side in self._sides:
            side.close()
        for admin, before in zip(self._admins, self._configs):
            try:
                after = _read_config(admin)
                for name, value in before.items():
                    if after.get(name) != value:
                        admin.must("CONFIG", "SET", name, value)
            except (*_FAILURES, ErrorReply) as error:
                self._report(None, f"the configuration could not be put back: {error}")
        for admin in self._admins:
            admin.close()
        crash = self._pair.crashed()
        if crash:
            self._report(None, crash)

    def _report(self, step: Step | None, text: str) -> None:
        place = f"{self.dialogue.path}:{step.line}: {step.source}" if step else str(self.dialogue.path)
        self.differences.append(f"{place}   [RESP{self._protocol}]\n    {text}")

    def _step(self, step: Step) -> None:
        now_s = files.clock()
        expanded = [[files.expand(a, side.variables, now_s) for a in step.arguments] for side in self._sides]
        if step.action == "conn":
            self._connection = step.arguments[0].decode()
        elif step.action == "sleep":
            time.sleep(int(step.arguments[0]) / 1000)
        elif step.action == "config":
            for admin in self._admins:
                admin.must("CONFIG", "SET", *expanded[0])
        elif step.action == "raw":
            self._raw(step, expanded)
        elif step.action == "wait":
            self._wait(step, expanded)
        elif step.action == "close":
            self._close(step)
        elif step.action == "send":
            for side, arguments in zip(self._sides, expanded):
                side.client(self._connection).send(*arguments)
        elif step.action == "block":
            self._block(step, expanded)
        else:
            self._converse(step, expanded)

    def _converse(self, step: Step, expanded: list[list[bytes]]) -> None:
        """Steps that send something (or nothing) and then read one reply."""
        outcomes = []
        for side, arguments in zip(self._sides, expanded):
            try:
                outcomes.append(self._reply_of(side.client(self._connection), step, arguments))
            except _FAILURES as error:
                side.clients.pop(self._connection).close()
                outcomes.append(Lost(f"{type(error).__name__}: {error}"))
        if any(isinstance(outcome, Lost) for outcome in outcomes):
            self._report(step, " against ".join(_show(outcome) for outcome in outcomes))
            return
        reference, candidate = outcomes
        self.replies[step.line] = reference
        if "save" in step.rules:
            for side, reply in zip(self._sides, outcomes):
                side.variables[step.rules["save"]] = _as_argument(reply)
        self._compare(step, command_line(expanded[0]), reference, candidate)
        self._check_expected(step, _documented(step, reference))

    def _check_expected(self, step: Step, shown: str) -> None:
        """Expected replies are written for the first protocol of the file."""
        if step.expected not in (None, shown.strip()) and self._protocol == self.dialogue.protocols[0]:
            self._report(step, f"the reference answers {shown}, the file says {step.expected}")

    @staticmethod
    def _reply_of(client: Client, step: Step, arguments: list[bytes]) -> Reply:
        if step.action == "receive":
            return client.read_reply()
        if step.action == "push":
            return client.read_push()
        if step.action == "scan":
            return _scan_all(client, arguments)
        return client.command(*arguments)

    def _compare(self, step: Step, command: str, reference: Reply, candidate: Reply) -> None:
        if reference == candidate:
            return
        left, right = without_wanted_differences(command, reference, candidate)
        # An allowance may depend on field values, so the directives of the step come last.
        left, right = apply_rules(step.rules, left, right)
        if left != right:
            self._report(step, f"reference {_show(left)}\n    candidate {_show(right)}")

    def _raw(self, step: Step, expanded: list[list[bytes]]) -> None:
        """Sends unframed bytes; compares the bytes that come back and whether the connection ends."""
        received = [b"", b""]
        closed = [False, False]
        clients = [side.client(self._connection) for side in self._sides]
        for client, arguments in zip(clients, expanded):
            try:
                client.send_raw(b"".join(arguments))
            except ConnectionClosed:
                pass
        deadline = time.monotonic() + RAW_LIMIT_S
        while time.monotonic() < deadline:
            quiet = True
            for index, client in enumerate(clients):
                if not closed[index]:
                    # The candidate has had the reference's time already.
                    data, closed[index] = client.poll_raw(RAW_QUIET_S if index == 0 else RAW_QUIET_S / 10)
                    received[index] += data
                    quiet = quiet and not data
            alike = received[0] == received[1] and closed[0] == closed[1]
            if alike and (quiet or closed[0]) and self._has_come(step, _show_raw(received[0], closed[0])):
                break
        for side, ended in zip(self._sides, closed):
            if ended:
                side.clients.pop(self._connection).close()
        outcomes = [_show_raw(data, ended) for data, ended in zip(received, closed)]
        if (received[0], closed[0]) != (received[1], closed[1]) and not self._same_raw(step, received, closed):
            self._report(step, f"reference {outcomes[0]}\n    candidate {outcomes[1]}")
        self._check_expected(step, outcomes[0])
        self.replies[step.line] = Reply(Kind.STATUS, outcomes[0].encode())

    def _has_come(self, step: Step, shown: str) -> bool:
        """Whether the bytes the file tells of are there: on a busy machine silence alone means nothing."""
        if self._protocol == self.dialogue.protocols[0]:
            return step.expected in (None, shown)
        # In another protocol they may be other bytes, but not none.
        nothing = _show_raw(b"", False)
        return step.expected in (None, nothing) or shown != nothing

    @staticmethod
    def _same_raw(step: Step, received: list[bytes], closed: list[bool]) -> bool:
        if closed[0] != closed[1]:
            return False
        try:
            reference, candidate = (Reply(Kind.ARRAY, tuple(parse_all(data))) for data in received)
        except (Incomplete, ProtocolViolation):
            return False
        left, right = without_wanted_differences("@raw", reference, candidate)
        left, right = apply_rules(step.rules, left, right)
        return left == right

    def _wait(self, step: Step, expanded: list[list[bytes]]) -> None:
        """Repeats a command on each server until its reply holds the text."""
        for side, (text, *command) in zip(self._sides, expanded):
            deadline = time.monotonic() + WAIT_LIMIT_S
            while text not in format_reply(side.client(self._connection).command(*command)).encode():
                if time.monotonic() > deadline:
                    self._report(step, f"the {side.name} does not get there within {WAIT_LIMIT_S} s")
                    break
                time.sleep(0.01)

    def _block(self, step: Step, expanded: list[list[bytes]]) -> None:
        """Sends a command without reading, and goes on when it waits: when one more client is blocked than before."""
        for side, admin, arguments in zip(self._sides, self._admins, expanded):
            before = _blocked_clients(admin)
            side.client(self._connection).send(*arguments)
            deadline = time.monotonic() + WAIT_LIMIT_S
            while _blocked_clients(admin) <= before:
                if time.monotonic() > deadline:
                    self._report(step, f"the {side.name} does not wait")
                    break
                time.sleep(0.002)

    def _close(self, step: Step) -> None:
        """Both servers must hang up by themselves."""
        for side in self._sides:
            client = side.clients.pop(self._connection, None)
            if client is None or not client.wait_closed():
                self._report(step, f"the {side.name} did not close the connection")
            if client is not None:
                client.close()

    def _compare_leftovers(self) -> None:
        for name in self._sides[0].clients.keys() & self._sides[1].clients.keys():
            left, right = (list(side.clients[name].pushes) for side in self._sides)
            if left != right:
                self._report(None, f"pushes on connection {name}: {left} against {right}")
        for line in compare_datasets(*self._admins):
            self._report(None, "at the end: " + line)


def _blocked_clients(admin: Client) -> int:
    return int(re.search(rb"blocked_clients:(\d+)", admin.must("INFO", "clients").value).group(1))


def _read_config(admin: Client) -> dict[bytes, bytes]:
    flat = [element.value for element in admin.must("CONFIG", "GET", "*").value]
    return dict(zip(flat[::2], flat[1::2]))


def _unknown_commands(admin: Client, names: list[str]) -> set[str]:
    if not names:
        return set()
    return {name for name, known in zip(names, admin.must("COMMAND", "INFO", *names).value) if known.is_null()}


def _scan_all(client: Client, arguments: list[bytes]) -> Reply:
    """Follows the cursor to the end: the set of everything returned, sorted, duplicates removed."""
    cursor_at = 1 if arguments[0].upper() == b"SCAN" else 2
    found: set[Reply] = set()
    while True:
        reply = client.command(*arguments)
        if reply.is_error():
            return reply
        cursor, elements = reply.value
        found.update(elements.value)
        if cursor.value == b"0":
            return unordered(Reply(Kind.ARRAY, tuple(found)))
        arguments = arguments[:cursor_at] + [cursor.value] + arguments[cursor_at + 1 :]


def _as_argument(reply: Reply) -> bytes:
    return reply.value if isinstance(reply.value, bytes) else str(reply.value).encode()


def _documented(step: Step, reply: Reply) -> str:
    """What a `<` line says of this reply."""
    return format_reply(unordered(reply) if "unordered" in step.rules else reply)


def _show(outcome: Reply | Lost) -> str:
    text = str(outcome) if isinstance(outcome, Lost) else format_reply(outcome)
    return text if len(text) <= SHOWN_REPLY_MAX else f"{text[:SHOWN_REPLY_MAX]}... ({len(text)} characters)"


def _show_raw(data: bytes, closed: bool) -> str:
    return quote(data) + (" closed" if closed else "")


@dataclass
class Outcome:
    """What came of a dialogue, all its protocols together."""

    differences: list[str] = field(default_factory=list)
    played: int = 0
    skipped: collections.Counter[str] = field(default_factory=collections.Counter)


def run_dialogue(pair: Pair, dialogue: Dialogue) -> Outcome:
    """Plays `dialogue` in each of its protocols; keeps the first SHOWN_DIFFERENCES_MAX differences."""
    outcome = Outcome()
    for protocol in dialogue.protocols:
        pair.ensure_running()
        play = Play(pair, dialogue, protocol)
        outcome.differences += play.run()
        outcome.skipped += play.skipped
    steps = sum(step.action != "conn" for step in dialogue.steps) * len(dialogue.protocols)
    outcome.played = steps - outcome.skipped.total()
    hidden = len(outcome.differences) - SHOWN_DIFFERENCES_MAX
    if hidden > 0:
        outcome.differences[SHOWN_DIFFERENCES_MAX:] = [f"... and {hidden} more differences"]
    return outcome


def record(pair: Pair, path: pathlib.Path) -> None:
    """Writes the reference's replies into the file. Replies that are compared loosely or are long are left out."""
    lines = [line for line in path.read_text().splitlines() if not line.strip().startswith("<")]
    parsed = parse_dialogue(path, "\n".join(lines))
    play = Play(pair, parsed, parsed.protocols[0])
    play.run()
    for step in reversed(parsed.steps):
        reply = play.replies.get(step.line)
        if reply is None or step.rules.keys() - {"unordered"} or b"${" in b"".join(step.arguments):
            continue
        text = reply.value.decode() if step.action == "raw" else _documented(step, reply)
        if len(text) <= RECORDED_REPLY_MAX:
            lines.insert(step.line, f"< {text}")
    path.write_text("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--record", action="store_true", help="write the reference's replies into the files")
    arguments = parser.parse_args()
    paths = sorted(p for f in arguments.files for p in (f.rglob("*.dialogue") if f.is_dir() else [f]))
    failed = 0
    with Pair() as pair:
        for path in paths:
            if arguments.record:
                record(pair, path)
            outcome = run_dialogue(pair, parse_dialogue(path))
            failed += bool(outcome.differences)
            skipped = f", {outcome.skipped.total()} steps skipped" if outcome.skipped else ""
            print(f"{'DIFFERS' if outcome.differences else 'same   '} {path}{skipped}")
            for text in outcome.differences:
                print("  " + text.replace("\n", "\n  "))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
