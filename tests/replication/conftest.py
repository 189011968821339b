"""Each test runs for every pair of kinds that the run has; the servers end with the test."""

import pytest

from replication.stage import Stage, chosen_kinds, chosen_pairs


def pytest_generate_tests(metafunc):
    if "kinds" in metafunc.fixturenames:
        metafunc.parametrize("kinds", chosen_pairs(), ids=lambda pair: pair.name)
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", chosen_kinds())


@pytest.fixture
def stage():
    with Stage() as made:
        yield made
