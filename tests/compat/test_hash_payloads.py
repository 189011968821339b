"""Hashes of every form, carried between the servers by DUMP and RESTORE."""

import pytest

from harness import Kind, Reply

_HASHES = {
    "packed": ["f", "v", "n", "-5", "big", "70000", "", "empty", "text", "x" * 64],
    "compressed": [word for i in range(40) for word in (f"field{i}", "repeated " * 5)],
    "table": [word for i in range(600) for word in (f"field{i}", str(i * 1000))],
    "long": ["f", "y" * 100_000, "g" * 5000, "12", "\xff\x00", "z" * 65],
}


@pytest.mark.parametrize("name", _HASHES)
@pytest.mark.parametrize("first", (0, 1), ids=("to holdfast", "from holdfast"))
def test_a_hash_goes_from_one_server_to_the_other(both, name, first):
    source, target = both[first], both[1 - first]
    source.must("HSET", "h", *_HASHES[name])
    payload = source.must("DUMP", "h").value
    assert target.command("RESTORE", "h", 0, payload) == Reply(Kind.STATUS, b"OK")
    for question in (("DEBUG", "DIGEST-VALUE", "h"), ("OBJECT", "ENCODING", "h"), ("HLEN", "h")):
        assert source.must(*question) == target.must(*question), question
    if name == "packed":
        assert target.must("DUMP", "h").value == payload
