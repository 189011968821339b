"""Times of streams are near, and nothing else is."""

import pytest

from compat.stream_replies import with_times_of, without_times
from harness.resp import Kind, Reply

_NOW_MS = 1_700_000_000_000
_NEAR_MS = 5000


def _reply(value) -> Reply:
    if isinstance(value, list):
        return Reply(Kind.ARRAY, tuple(map(_reply, value)))
    return Reply(Kind.INTEGER, value) if isinstance(value, int) else Reply(Kind.BULK, value)


@pytest.mark.parametrize(
    "reference, candidate, same",
    [
        ([_NOW_MS, 3], [_NOW_MS + 7, 3], True),
        ([_NOW_MS, 3], [_NOW_MS + 7, 4], False),
        ([_NOW_MS], [_NOW_MS + _NEAR_MS + 1], False),
        ([b"idle", 3], [b"idle", 40], True),
        ([b"lag", 3], [b"lag", 4], False),
        ([[b"1-1", b"c", 3, 1]], [[b"1-1", b"c", 40, 1]], True),
        ([[b"1-1", b"c", 3, 1]], [[b"1-1", b"c", 3, 2]], False),
        ([[b"1-1", b"c", 3, 1]], [[b"1-1", b"d", 3, 1]], False),
    ],
)
def test_times_may_be_near(reference, candidate, same):
    expected, found = _reply(reference), _reply(candidate)
    assert (with_times_of(expected, found, _NEAR_MS) == expected) is same


def test_what_one_server_says_is_comparable_without_its_clock():
    said = [b"radix-tree-nodes", 3, b"seen-time", 1, b"active-time", _NOW_MS, b"pending", [[b"1-1", _NOW_MS, 2]]]
    later = [b"radix-tree-nodes", 9, b"seen-time", _NOW_MS, b"pending", [[b"1-1", _NOW_MS + 10**6, 2]]]
    other = [b"radix-tree-nodes", 9, b"seen-time", _NOW_MS, b"pending", [[b"1-1", _NOW_MS, 3]]]
    assert without_times(_reply(said)) == without_times(_reply(later)) != without_times(_reply(other))
