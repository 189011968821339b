"""Every dialogue, in both protocols, against both servers."""

import pathlib

import pytest

from compat.dialogue import parse_dialogue
from compat.runner import run_dialogue

_ROOT = pathlib.Path(__file__).parent / "dialogues"
_FILES = sorted(_ROOT.rglob("*.dialogue"))


@pytest.mark.parametrize("path", _FILES, ids=lambda path: str(path.relative_to(_ROOT).with_suffix("")))
def test_dialogue(pair, path, skipped_steps):
    outcome = run_dialogue(pair, parse_dialogue(path))
    skipped_steps.update(outcome.skipped)
    assert not outcome.differences, "\n" + "\n".join(outcome.differences)
    if not outcome.played:
        pytest.skip("every step needs " + ", ".join(outcome.skipped))


def test_there_are_dialogues():
    assert {path.parent.name for path in _FILES} >= {"string", "keys", "connection", "transactions", "server"}
