"""Random commands: HOLDFAST_FUZZ_COMMANDS of them (default 50000) from HOLDFAST_FUZZ_SEED (default 1)."""

import os

from compat.generator import EPOCH_COMMANDS, Generator, report, run
from compat.grammar import FAMILIES, load_rules


def test_random_commands_are_answered_alike(pair):
    seed = int(os.environ.get("HOLDFAST_FUZZ_SEED", "1"))
    commands = int(os.environ.get("HOLDFAST_FUZZ_COMMANDS", "50000"))
    finding = run(pair, seed, commands)
    assert finding is None, "\n" + report(pair, finding)


def test_an_epoch_depends_on_seed_and_number_only():
    def stream(seed, epoch):
        generator = Generator(seed, epoch, load_rules())
        return [generator.batch() for _ in range(5)]

    assert stream(1, 2) == stream(1, 2)
    assert stream(1, 2) != stream(2, 2)
    assert stream(1, 2) != stream(1, 3)


def test_every_rule_is_said():
    said = set()
    for epoch in range(8):
        generator = Generator(1, epoch, load_rules())
        for _ in range(EPOCH_COMMANDS // 100):
            said |= {command[0].upper() for command in generator.batch()}
    assert said >= {rule.name for rule in load_rules(FAMILIES)} | {b"MULTI", b"EXEC", b"DISCARD"}
