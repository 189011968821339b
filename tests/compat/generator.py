#!/usr/bin/env python3
"""Random commands to both servers, every reply compared, the dataset compared again and again.

    python3 tests/compat/generator.py --seed 1 --commands 1000000

The stream is cut into epochs. An epoch starts on empty servers with connections of its own and depends on nothing but
the seed and its number, so a difference is met again with `--seed S --only EPOCH`. It is then shrunk to the fewest
commands that still show it, printed as a dialogue.
"""

import argparse
import itertools
import pathlib
import sys
import time
from bisect import bisect
from dataclasses import dataclass
from typing import Iterator, Sequence

if __package__ in (None, ""):
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from compat.comparison import Spoken, first_difference
from compat.dataset import compare_datasets
from compat.grammar import FAMILIES, load_rules
from compat.grammar.rule import Rule
from compat.grammar.source import Source
from compat.pair import Pair
from compat.shrink import as_dialogue, shrink
from harness import ConnectionClosed, ReplyTimeout
from harness.client import ErrorReply
from harness.resp import encode_command

EPOCH_COMMANDS = 10_000
BATCH_COMMANDS_MIN = 50
BATCH_COMMANDS_MAX = 200
OPTION_BYTES_MAX = 16
REPLY_LIMIT_S = 20.0
_MUTATION = 0.05
_ODD_CASE = 0.06
_MULTI_BLOCK = 0.02
_MULTI_COMMANDS_MAX = 8
# Safe anywhere: an error, or an effect that does not depend on when it happens.
_WORDS = (
    b"", b"0", b"-1", b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"1.5", b"abc", b" 1",
    b"+1", b"01", b"nx", b"XX", b"GET", b"\xff\x00", b"KEEPTTL", b"EX", b"k1",
)  # fmt: skip


class Generator:
    """The endless stream of one epoch."""

    def __init__(self, seed: int, epoch: int, rules: Sequence[Rule]) -> None:
        self._source = Source(f"{seed}/{epoch}")
        self._rules = rules
        self._bounds = list(itertools.accumulate(rule.weight for rule in rules))

    def batch(self) -> list[list[bytes]]:
        """Whole commands for one connection; never leaves a MULTI open."""
        size = BATCH_COMMANDS_MIN + self._source.below(BATCH_COMMANDS_MAX - BATCH_COMMANDS_MIN)
        commands: list[list[bytes]] = []
        while len(commands) < size:
            if self._source.chance(_MULTI_BLOCK):
                self._multi_block(commands)
            else:
                self._command(commands)
        return commands

    def _command(self, commands: list[list[bytes]], in_multi: bool = False) -> None:
        source = self._source
        rule = self._rules[bisect(self._bounds, source.random() * self._bounds[-1])]
        name, arguments = rule.name, rule.make(source)
        if rule.mutable and source.random() < _MUTATION:
            self._mutate(arguments)
        if name.startswith(b"X"):  # not in ids (D98)
            arguments = [b"1 " if argument == b"1\x00" else argument for argument in arguments]
        if source.random() < _ODD_CASE:
            name = source.any_case(name)
            # Short words of capitals: options (and the key K1, which thereby meets k1).
            arguments = [source.any_case(a) if a.isupper() and len(a) <= OPTION_BYTES_MAX else a for a in arguments]
        command = [name] + arguments
        commands += [command] if in_multi or not rule.waits else [[b"MULTI"], command, [b"EXEC"]]
        if source.said_past:
            # Whether a key that is born expired is counted until somebody touches it is nobody's promise.
            source.said_past = False
            commands.append([b"EXISTS"] + arguments[:1])

    def _mutate(self, arguments: list[bytes]) -> None:
        source = self._source
        dice = source.random()
        if dice < 0.3 and arguments:
            del arguments[source.below(len(arguments))]
        elif dice < 0.6:
            arguments.append(source.pick(_WORDS))
        elif dice < 0.7 and arguments:
            arguments.append(arguments[-1])
        elif arguments:
            arguments[source.below(len(arguments))] = source.pick(_WORDS)

    def _multi_block(self, commands: list[list[bytes]]) -> None:
        source = self._source
        commands.append([b"MULTI"])
        for _ in range(source.below(_MULTI_COMMANDS_MAX)):
            self._command(commands, in_multi=True)
            if commands[-1][0].upper() in (b"EXEC", b"DISCARD"):
                commands.pop()
        if source.chance(0.03):
            commands.append([b"MULTI"])
        commands.append([b"DISCARD" if source.chance(0.1) else b"EXEC"])


@dataclass
class Finding:
    """A difference: where it was met and how to meet it again."""

    seed: int
    epoch: int
    index: int
    text: str
    history: list[Spoken]
    protocol: int


class Epoch:
    """The connections of one epoch to both servers: two to each, used in turn, so that WATCH has somebody to fear."""

    def __init__(self, pair: Pair, protocol: int) -> None:
        self._pair = pair
        self._clients = [pair.clients(REPLY_LIMIT_S) for _ in range(2)]
        for client in itertools.chain(*self._clients):
            client.must("FLUSHALL")
            client.must("HELLO", protocol)

    def close(self) -> None:
        for client in itertools.chain(*self._clients):
            client.close()

    def send(self, connection: int, commands: list[list[bytes]], end: bytes) -> None:
        data = b"".join(map(encode_command, commands)) + encode_command((b"ECHO", end))
        for client in self._clients[connection]:
            client.send_raw(data)

    def receive(self, connection: int, end: bytes) -> tuple[bytes, bytes]:
        suffix = b"$%d\r\n%b\r\n" % (len(end), end)
        reference, candidate = (client.read_raw_until(suffix) for client in self._clients[connection])
        return reference, candidate

    def dataset_difference(self) -> str:
        with self._pair.reference.client(timeout_s=REPLY_LIMIT_S) as reference:
            with self._pair.candidate.client(timeout_s=REPLY_LIMIT_S) as candidate:
                return "\n".join(compare_datasets(reference, candidate))


def run_epoch(pair: Pair, seed: int, epoch: int, rules: Sequence[Rule], size: int) -> Finding | None:
    """Says `size` commands or a few more; the first difference, or None."""
    protocol = 2 + epoch % 2
    generator = Generator(seed, epoch, rules)
    history: list[Spoken] = []
    connections = Epoch(pair, protocol)
    try:
        for number, (connection, commands, replies) in enumerate(_batches(connections, generator, size)):
            before = len(history)
            history += [Spoken(connection, command) for command in commands]
            found = first_difference(commands, *replies)
            if found is not None:
                index = before + found[0]
                return Finding(seed, epoch, index, found[1], history[: index + 1], protocol)
        text = connections.dataset_difference()
        return Finding(seed, epoch, len(history), "dataset: " + text, history, protocol) if text else None
    except (ConnectionClosed, ReplyTimeout, ErrorReply) as error:
        text = f"{type(error).__name__}: {error}\n{pair.crashed()}"
        return Finding(seed, epoch, len(history), text, history, protocol)
    finally:
        connections.close()


def _batches(
    connections: Epoch, generator: Generator, size: int
) -> Iterator[tuple[int, list[list[bytes]], tuple[bytes, bytes]]]:
    """Batches with their replies; the next one is made up while the servers work on the last."""
    said = 0
    sent: tuple[int, list[list[bytes]], bytes] | None = None
    for number in itertools.count():
        commands = generator.batch() if said < size else []
        if sent is not None:
            yield sent[0], sent[1], connections.receive(sent[0], sent[2])
        if not commands:
            return
        sent = (number % 2, commands, b"#end-of-batch-%d#" % number)
        connections.send(*sent)
        said += len(commands)


def run(
    pair: Pair, seed: int, commands: int, families: tuple[str, ...] = FAMILIES, only: int | None = None
) -> Finding | None:
    """`commands` commands in epochs, or epoch `only` alone; the first difference, or None."""
    rules = load_rules(families)
    size = min(EPOCH_COMMANDS, commands)
    epochs = range(-(-commands // size)) if only is None else [only]
    for epoch in epochs:
        finding = run_epoch(pair, seed, epoch, rules, size)
        if finding is not None:
            return finding
    return None


def report(pair: Pair, finding: Finding, shrinking: bool = True) -> str:
    """Everything about a finding, with the shortest dialogue that shows it."""
    lines = [
        f"seed {finding.seed}, epoch {finding.epoch}, command {finding.index}, RESP{finding.protocol}",
        finding.text,
        f"again: python3 tests/compat/generator.py --seed {finding.seed} --only {finding.epoch}",
    ]
    if shrinking:
        pair.ensure_running()
        shortest = shrink(pair, finding.history, finding.protocol)
        if shortest is None:
            lines.append("it did not happen again when replayed")
        else:
            lines.append(f"shrunk from {len(finding.history)} to {len(shortest)} commands:")
            lines.append(as_dialogue(shortest, finding.protocol))
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--only", type=int, metavar="EPOCH", help="run this epoch alone")
    parser.add_argument("--families", default=",".join(FAMILIES), help="comma separated, default all")
    parser.add_argument("--no-shrink", action="store_true", help="report the difference as it was met")
    arguments = parser.parse_args()
    with Pair() as pair:
        started = time.monotonic()
        families = tuple(arguments.families.split(","))
        finding = run(pair, arguments.seed, arguments.commands, families, arguments.only)
        elapsed_s = time.monotonic() - started
        if finding is not None:
            print(report(pair, finding, not arguments.no_shrink))
            return 1
    said = EPOCH_COMMANDS if arguments.only is not None else arguments.commands
    print(f"no difference in {said} commands, seed {arguments.seed}, {said / elapsed_s:.0f} commands/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
