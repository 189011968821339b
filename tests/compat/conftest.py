"""The pair of servers every test of this folder talks to."""

import pytest

from compat.pair import Pair


@pytest.fixture(scope="session")
def pair():
    """The reference and Holdfast (or what HOLDFAST_SERVER names), started once; dead ones are started again."""
    with Pair() as started:
        yield started


@pytest.fixture(autouse=True)
def _alive(request):
    if "pair" in request.fixturenames:
        request.getfixturevalue("pair").ensure_running()
