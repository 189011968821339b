"""`later_commands.py` names exactly what the reference has and Holdfast has not."""

import pytest

from compat.command_tables import ADDED_NAMES
from compat.later_commands import LATER, NAMES, is_later


@pytest.fixture(scope="module")
def listed(pair):
    """The names of COMMAND LIST of the reference and of the candidate."""

    def names(server):
        with server.client() as client:
            return {element.value.decode() for element in client.must("COMMAND", "LIST").value}

    reference, candidate = pair.both(names)
    if reference == candidate:
        pytest.skip("the candidate has every command of the reference and no other: it is a reference server itself")
    return reference, candidate


def test_every_missing_command_is_listed_as_later(listed):
    reference, candidate = listed
    assert not {name for name in reference - candidate if not is_later(name)}


def test_every_later_command_is_still_missing(listed):
    reference, candidate = listed
    assert not NAMES & candidate, "these exist now: take them off the list"
    assert NAMES <= reference, "these are no commands of the reference"


def test_every_other_command_is_a_wanted_addition(listed):
    reference, candidate = listed
    assert candidate - reference == ADDED_NAMES


def test_no_name_stands_twice():
    assert len(NAMES) == sum(len(names.split()) for names in LATER.values())


def test_a_container_stands_for_its_subcommands():
    assert is_later("MODULE|unload") and is_later("module|load") and is_later("Migrate")
    assert not is_later("client|info") and not is_later("client") and not is_later("get")
