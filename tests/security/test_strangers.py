"""Who has not logged in: what he may hold of memory. And that nobody can know where a key is kept."""

import os

from harness import CheckedServer, ConnectionClosed

_STRANGERS = 200
# Ten arguments of 16 KiB, and the buffers around them.
_STRANGER_BYTES_MAX = 10 * 16384 + 96 * 1024
_KEYS = 2000


def _resident(pid: int) -> int:
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_of_strangers_is_bounded():
    """Each holds back the last byte of the longest request it may send, and answers nothing."""
    argument = b"$16384\r\n" + b"x" * 16384 + b"\r\n"
    request = (b"*10\r\n" + argument * 10)[:-3]
    with CheckedServer(["--requirepass", "sesame", "--save", ""]) as server, server.client() as admin:
        admin.must("AUTH", "sesame")
        before = _resident(server.pid)
        strangers = [server.client() for _ in range(_STRANGERS)]
        for stranger in strangers:
            stranger.send_raw(request)
        assert len(admin.must("CLIENT", "LIST").value.splitlines()) == _STRANGERS + 1
        grown = _resident(server.pid) - before
        for stranger in strangers:
            stranger.close()
    assert grown < _STRANGERS * _STRANGER_BYTES_MAX


def test_strangers_get_no_more_than_that():
    """One argument more, or one byte more, ends the connection before anything is stored."""
    with CheckedServer(["--requirepass", "sesame", "--save", ""]) as server:
        for head in (b"*11\r\n", b"*1\r\n$16385\r\n", b"*2147483647\r\n", b"*1\r\n$536870912\r\n", b"x" * 70_000):
            with server.client() as stranger:
                try:
                    stranger.send_raw(head)
                    assert stranger.read_reply().value.startswith(b"ERR Protocol error")
                    stranger.read_reply()
                except ConnectionClosed:
                    continue
                raise AssertionError(f"{head[:20]!r} is taken")


def _order(server) -> tuple[list[bytes], list[bytes]]:
    with server.client() as client:
        keys = [f"key:{i}" for i in range(_KEYS)]
        client.pipeline([("SET", key, "v") for key in keys])
        client.must("HSET", "fields", *(word for key in keys for word in (key, "v")))
        cursor, names = b"0", []
        while True:
            cursor, page = (reply.value for reply in client.must("SCAN", cursor, "COUNT", 1000).value)
            names += [reply.value for reply in page]
            if cursor == b"0":
                break
        fields = [reply.value for reply in client.must("HKEYS", "fields").value]
    return names, fields


def test_the_order_of_keys_differs_from_run_to_run():
    """Who could know which keys meet in one place could fill it (hash flooding): the hash has a secret of each process."""
    orders = []
    for _ in range(2):
        with CheckedServer(["--save", ""]) as server:
            orders.append(_order(server))
    (keys, fields), (other_keys, other_fields) = orders
    assert sorted(keys) == sorted(other_keys) and keys != other_keys
    assert sorted(fields) == sorted(other_fields) and fields != other_fields
