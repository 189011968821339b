"""What one server dumps of a list, the other one restores: all forms, both ways, and the forms of old versions."""

import pytest

from harness.list_payload import list_elements, list_payload, old_list_payload, ziplist_payload, ziplists_payload

_INTEGERS = [b"%d" % (sign * (1 << bits) + more) for sign in (1, -1) for bits in (0, 7, 12, 15, 23, 31, 62) for more in (-1, 0, 1)]
_LISTS = {
    "one": [b"a"],
    "empty": [b"", b"", b"x"],
    "integers": _INTEGERS,
    "nearly_integers": [b"01", b"-0", b"+1", b" 1", b"9223372036854775808"],
    "sizes": [bytes([65 + n % 26]) * n for n in (1, 63, 64, 127, 128, 1000, 1024, 1025, 4095, 4096, 8000)],
    "above_a_node": [b"a", b"b" * 8192, b"c" * 9000, b"d" * 100_000, b"e"],
    "many": [b"element:%d" % number for number in range(5000)],
    "compressible": [b"abcabc" * 100] * 50,
}


def _elements(client, key):
    return [element.value for element in client.must("LRANGE", key, 0, -1).value]


@pytest.mark.parametrize("name", _LISTS)
def test_a_dump_is_restored_by_the_other_server(both, name):
    for source, target in (both, both[::-1]):
        for client in both:
            client.must("DEL", "list")
        source.must("RPUSH", "list", *_LISTS[name])
        payload = source.must("DUMP", "list").value
        assert list_elements(payload) == _LISTS[name]
        target.must("RESTORE", "list", 0, payload)
        assert _elements(target, "list") == _LISTS[name]
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")
        # What was restored is as good as what was pushed.
        for client in both:
            client.must("LPUSH", "list", "head", "x" * 3000)
            client.must("LINSERT", "list", "BEFORE", _LISTS[name][-1], "y" * 5000)
            client.must("LPOP", "list", 3)
        assert source.must("DEBUG", "DIGEST") == target.must("DEBUG", "DIGEST")


@pytest.mark.parametrize(
    "payload, elements",
    [
        (old_list_payload([b"a", b"", b"12"]), [b"a", b"", b"12"]),
        (ziplist_payload([b"a", b"12"]), [b"a", b"12"]),
        (ziplists_payload([[b"a"], [], [b"b", b"c"]]), [b"a", b"b", b"c"]),
        (list_payload([[b"a"], b"plain", [b"b"], [], [b"12", b"c" * 200]]), [b"a", b"plain", b"b", b"12", b"c" * 200]),
    ],
)
def test_old_forms_are_read_alike(both, payload, elements):
    for client in both:
        client.must("RESTORE", "list", 0, payload)
        assert _elements(client, "list") == elements
    assert both[0].must("DEBUG", "DIGEST") == both[1].must("DEBUG", "DIGEST")
