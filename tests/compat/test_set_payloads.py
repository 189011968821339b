"""What one server dumps of a set, the other one restores: all forms, both ways, and payloads made by hand."""

import pytest

from harness.payload import seal
from harness.set_payload import int_set_payload, set_payload

_EDGES = [b"%d" % (sign * (1 << bits) + more) for sign in (1, -1) for bits in (0, 7, 12, 15, 23, 31, 62) for more in (-1, 0, 1)]
_SETS = {
    "integers": [b"1", b"2", b"-3"],
    "wide_integers": _EDGES,
    "many_integers": [b"%d" % (number * 7) for number in range(512)],
    "too_many_integers": [b"%d" % (number * 7) for number in range(513)],
    "mixed": [b"", b"1", b"01", b"-0", b"a", b"\x00\xff", b"9223372036854775808", b"x" * 64],
    "small_limit": [b"member:%d" % number for number in range(128)],
    "over_the_limit": [b"member:%d" % number for number in range(129)],
    "long_members": [b"x" * 65, b"y" * 1024, b"z" * 1025, b"abc" * 30_000],
    "large": [b"member:%d" % number for number in range(5000)] + _EDGES,
}


def _members(client, key):
    return {member.value for member in client.must("SMEMBERS", key).value}


@pytest.mark.parametrize("name", _SETS)
def test_a_dump_is_restored_by_the_other_server(both, name):
    for source, target in (both, both[::-1]):
        for client in both:
            client.must("DEL", "set")
        source.must("SADD", "set", *_SETS[name])
        target.must("RESTORE", "set", 0, source.must("DUMP", "set").value)
        assert _members(target, "set") == set(_SETS[name])
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")
        # What was restored is as good as what was added.
        for client in both:
            client.must("SADD", "set", "another", "70000", *_SETS[name][:3])
            client.must("SREM", "set", *_SETS[name][:2], "nothing")
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")


@pytest.mark.parametrize(
    "payload, members",
    [
        (set_payload([b"a", b"", b"12"]), {b"a", b"", b"12"}),
        (set_payload([b"3", b"1"]), {b"3", b"1"}),
        (set_payload([b"%d" % number for number in range(600)]), {b"%d" % number for number in range(600)}),
        (int_set_payload([-5, 1, 1 << 40]), {b"-5", b"1", b"1099511627776"}),
        (int_set_payload(list(range(600))), {b"%d" % number for number in range(600)}),
    ],
)
def test_forms_are_read_alike(both, payload, members):
    for client in both:
        client.must("RESTORE", "set", 0, payload)
        assert _members(client, "set") == members
    assert both[0].must("DEBUG", "DIGEST") == both[1].must("DEBUG", "DIGEST")


def test_a_packed_set_of_later_versions_is_read(both):
    listpack = bytes.fromhex("0f000000" "0300" "0101" "816102" "816202") + b"\xff"
    _, candidate = both
    candidate.must("RESTORE", "set", 0, seal(b"\x14" + bytes([len(listpack)]) + listpack))
    assert _members(candidate, "set") == {b"1", b"a", b"b"}
