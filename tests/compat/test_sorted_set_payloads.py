"""What one server dumps of a sorted set, the other one restores: both forms, both ways, and the forms of old versions."""

import pytest

from harness.sorted_set_payload import binary_payload, packed_payload, sorted_set_pairs, text_payload, ziplist_payload

_SCORES = (0, 1, -1, 0.1, 1 / 3, 1e17, 1e-300, -9.3e18, 2.0**62, 4611686018427388928.0, float("inf"), float("-inf"))
_SETS = {
    "one": [(b"a", 1.0)],
    "scores": [(b"m%d" % number, float(score)) for number, score in enumerate(_SCORES)],
    "members": [(member, 7.0) for member in (b"", b"12", b"-5", b"012", b"\x00\xff", b"x" * 63, b"y" * 64)],
    "long": [(b"a", 1.5), (b"x" * 65, 0.1), (b"y" * 5000, -2.5)],
    "many": [(b"member:%d" % number, number / 7) for number in range(5000)],
    "compressible": [(b"abc" * 20 + b"%d" % number, 1.0) for number in range(100)],
}


def _pairs(client):
    reply = client.must("ZRANGE", "z", 0, -1, "WITHSCORES").value
    return [(member.value, float(score.value)) for member, score in zip(reply[::2], reply[1::2])]


def _in_order(pairs):
    return sorted(pairs, key=lambda pair: (pair[1], pair[0]))


@pytest.mark.parametrize("name", _SETS)
def test_a_dump_is_restored_by_the_other_server(both, name):
    for source, target in (both, both[::-1]):
        for client in both:
            client.must("DEL", "z")
        source.must("ZADD", "z", *(word for member, score in _SETS[name] for word in (repr(score), member)))
        payload = source.must("DUMP", "z").value
        assert sorted_set_pairs(payload) == _in_order(_SETS[name])
        target.must("RESTORE", "z", 0, payload)
        assert _pairs(target) == _in_order(_SETS[name])
        assert source.must("OBJECT", "ENCODING", "z") == target.must("OBJECT", "ENCODING", "z")
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")
        # What was restored is as good as what was added.
        for client in both:
            client.must("ZINCRBY", "z", "0.3", _SETS[name][-1][0])
            client.must("ZADD", "z", 2.5, "new", 2.5, "newer")
            client.must("ZPOPMIN", "z")
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")


@pytest.mark.parametrize(
    "payload, pairs",
    [
        (text_payload([(b"a", b"1.5"), (b"b", b"inf"), (b"c", b"-inf")]), [(b"a", 1.5), (b"b", _SCORES[-2]), (b"c", _SCORES[-1])]),
        (binary_payload([(b"b", 0.1), (b"a", 0.1)]), [(b"a", 0.1), (b"b", 0.1)]),
        (ziplist_payload([(b"a", b"1"), (b"12", b"2.5")]), [(b"a", 1.0), (b"12", 2.5)]),
        (packed_payload([(b"a", b"1.50"), (b"b", b"2")]), [(b"a", 1.5), (b"b", 2.0)]),
    ],
)
def test_all_forms_are_read(both, payload, pairs):
    for client in both:
        client.must("RESTORE", "z", 0, payload)
        assert _pairs(client) == _in_order(pairs)
        assert client.must("OBJECT", "ENCODING", "z").value == b"listpack"
    assert both[0].must("DEBUG", "DIGEST") == both[1].must("DEBUG", "DIGEST")
