"""Each test runs for every pair of kinds that the run has; the servers end with the test."""

import pytest

from replication.stage import Stage, chosen_kinds, chosen_pairs


def pytest_configure(config):
    config.addinivalue_line("markers", "holdfast(*roles): only for pairs in which Holdfast plays these roles")


def pytest_generate_tests(metafunc):
    marker = metafunc.definition.get_closest_marker("holdfast")
    roles = marker.args if marker else ()
    if "kinds" in metafunc.fixturenames:
        pairs = [pair for pair in chosen_pairs() if all(getattr(pair, role) == "holdfast" for role in roles)]
        metafunc.parametrize("kinds", pairs, ids=lambda pair: pair.name)
    if "kind" in metafunc.fixturenames:
        metafunc.parametrize("kind", chosen_kinds())


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure is shown with what the servers have said."""
    report = (yield).get_result()
    stage = getattr(item, "funcargs", {}).get("stage")
    if report.when == "call" and report.failed and stage:
        report.sections += stage.logs()


@pytest.fixture
def stage():
    with Stage() as made:
        yield made
