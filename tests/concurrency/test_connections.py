"""Connections that come, go, stall, are killed or paused: commands are executed in order, once, up to some point."""

import socket
import struct
import time

import pytest

from concurrency.asking import ask, exchange, statistic, transaction
from harness import ConnectionClosed, Kind, encode_command


def _reset(client):
    """Closes with RST, so that the server's next write fails."""
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _settled(client, key):
    """The value of a counter once it does not grow any more: commands of a lost connection may still be under way."""
    value, seen = ask(client, "GET", key), 0
    while seen < 3:
        time.sleep(0.01)
        before, value = value, ask(client, "GET", key)
        seen = seen + 1 if value == before else 0
    return int(value or 0)


def _wait_for_clients(client, expected):
    """Until the server has noticed who is gone. Fails after 30 s."""
    deadline = time.monotonic() + 30
    while statistic(client, "clients", "connected_clients") != expected:
        assert time.monotonic() < deadline, ask(client, "CLIENT", "LIST").decode()[:2000]
        time.sleep(0.02)
    assert len(ask(client, "CLIENT", "LIST").splitlines()) == expected


def _leave_in_the_middle(shift):
    """Disconnects after a random part of a pipeline, and after a random part of its replies."""
    with shift.client() as observer:
        for turn in shift.turns(at_least=5):
            key = f"left:{shift.number}:{turn}"
            commands = [encode_command(("INCR", key))] * 300
            if turn % 4 == 0:
                commands[150] = encode_command(("SET", key + ":large", b"x" * 300000))
            sent = shift.random.randrange(sum(map(len, commands)))
            leaver = shift.client()
            leaver.send_raw(b"".join(commands)[:sent])
            whole = 0
            while whole < len(commands) and sum(map(len, commands[: whole + 1])) <= sent:
                whole += 1
            increments = whole - (turn % 4 == 0 and whole > 150)
            answers = [leaver.read_reply() for _ in range(shift.random.randrange(whole + 1))]
            acknowledged = max([reply.value for reply in answers if reply.kind is Kind.INTEGER], default=0)
            _reset(leaver) if turn % 2 else leaver.close()
            value = _settled(observer, key)
            assert acknowledged <= value <= increments


def _work_steadily(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            values = exchange([client], [[("INCR", f"steady:{shift.number}")] * 30])[0]
            assert values == list(range(turn * 30 + 1, turn * 30 + 31))


def test_a_pipeline_whose_client_leaves_is_executed_up_to_some_point(server, crew):
    crew.add(_leave_in_the_middle, times=4)
    crew.add(_work_steadily, times=2)
    crew.run()
    with server.client() as client:
        _wait_for_clients(client, 1)


def _close_half(shift):
    """Sends everything, then shuts its sending side down: all must be executed and answered, then the server closes."""
    for turn in shift.turns(at_least=5):
        client = shift.client()
        key = f"half:{shift.number}:{turn}"
        count = shift.random.randrange(1, 3000)
        large = b"%d" % turn * 100000
        commands = [("INCR", key)] * count + [("SET", key + ":large", large), ("GET", key + ":large"), ("PING",)]
        unfinished = b"*2\r\n$3\r\nGET\r\n$5\r\nhal"[: shift.random.randrange(20)]
        client.send_raw(b"".join(map(encode_command, commands)) + unfinished)
        client._socket.shutdown(socket.SHUT_WR)
        if turn % 3 == 0:
            time.sleep(0.02)
        values = [client.read_reply().value for _ in commands]
        assert values == [*range(1, count + 1), b"OK", large, b"PONG"]
        assert client.wait_closed()
        client.close()


def test_a_half_closed_connection_gets_all_its_replies(server, crew):
    crew.add(_close_half, times=3)
    crew.add(_work_steadily, times=2)
    crew.run()
    with server.client() as client:
        _wait_for_clients(client, 1)


@pytest.mark.parametrize("words", [("WAIT", 1, 0), ("BLPOP", "none", 0), ("XREAD", "BLOCK", 0, "STREAMS", "none", "$")])
def test_who_hangs_up_while_it_waits_is_gone(server, words):
    """Nothing of it is unread, so the end of its connection is all that can be noticed."""
    with server.client() as admin:
        _wait_for_clients(admin, 1)
        waiting = server.client()
        waiting.send(*words)
        deadline = time.monotonic() + 10
        while b"flags=b" not in ask(admin, "CLIENT", "LIST"):
            assert time.monotonic() < deadline
        waiting.close()
        _wait_for_clients(admin, 1)


def _count_until_killed(shift):
    """Increments through connections that others kill. What was acknowledged is there, what was not sent is not."""
    key = f"survivor:{shift.number}"
    kills = 0
    value = 0
    while shift.goes_on():
        with shift.client() as client:
            sent = 0
            try:
                # The commands of the connection before may not all be executed yet.
                value = _settled(client, key)
                while shift.goes_on():
                    client.send_raw(encode_command(("INCR", key)) * 20)
                    sent += 20
                    for _ in range(20):
                        reply = client.read_reply()
                        assert reply.value == value + 1, (reply, value)
                        value = reply.value
                    sent -= 20
            except ConnectionClosed:
                kills += 1
        with shift.client() as observer:
            while True:
                try:
                    settled = _settled(observer, key)
                    assert value <= settled <= value + sent
                    value = settled  # the next connection may be killed before it has looked
                    break
                except ConnectionClosed:
                    observer.close()
                    observer = shift.client()
    return kills


def _kill_others(shift):
    kills = 0
    with shift.client() as client:
        ask(client, "CLIENT", "SETNAME", "killer")
        for turn in shift.turns(at_least=5):
            listed = ask(client, "CLIENT", "LIST").splitlines()
            lines = [dict(field.split(b"=", 1) for field in line.split()) for line in listed]
            others = [line for line in lines if line[b"name"] != b"killer"]
            assert len({line[b"id"] for line in lines}) == len(lines)
            if others:
                victim = shift.random.choice(others)
                way = turn % 4
                if way == 0:
                    kills += ask(client, "CLIENT", "KILL", "ID", victim[b"id"])
                elif way == 1:
                    kills += ask(client, "CLIENT", "KILL", "ADDR", victim[b"addr"])
                elif way == 2:
                    kills += client.command("CLIENT", "KILL", victim[b"addr"]).value == b"OK"
                elif turn % 20 == 3:
                    kills += ask(client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            time.sleep(0.002)
    return kills


def test_killed_clients_lose_nothing_that_was_acknowledged(server, crew):
    crew.add(_count_until_killed, times=4)
    crew.add(_kill_others)
    *survived, kills = crew.run()
    assert sum(survived) > 0 and kills > 0
    with server.client() as client:
        _wait_for_clients(client, 1)


PAUSED = [f"paused:{number}" for number in range(6)]


def _increment_all(shift):
    increments = 0
    with shift.client() as client:
        for _ in shift.turns(at_least=5):
            batch = [("INCR", shift.random.choice(PAUSED)) for _ in range(20)]
            batch += [("MULTI",), *[("INCR", key) for key in PAUSED], ("EXEC",)]
            exchange([client], [batch])
            increments += 20 + len(PAUSED)
    return increments


def _pause(shift, mode):
    """Once PAUSE is answered nothing changes until UNPAUSE; the one who has paused reads meanwhile."""
    with shift.client() as client:
        for _ in shift.turns(at_least=5):
            if mode == "ALL":
                # It also holds back the one who asked for it, even UNPAUSE, so it has to end by itself.
                exchange([client], [[("CLIENT", "PAUSE", 20, "ALL"), ("PING",)]])
            # The first look is right behind the reply, when a write may still be under way on another thread.
            pause = [("CLIENT", "PAUSE", 20000, "WRITE"), ("MGET", *PAUSED)]
            before = exchange([client], [pause])[0][1]
            for _ in range(5):
                assert ask(client, "MGET", *PAUSED) == before, "something was written although writes are paused"
            ask(client, "CLIENT", "UNPAUSE")
            time.sleep(shift.random.choice((0.0001, 0.002)))


@pytest.mark.parametrize("mode", ["WRITE", "ALL"])
def test_paused_writes_wait_and_none_is_lost(server, crew, mode):
    crew.add(_increment_all, times=4)
    crew.add(_pause, mode)
    *increments, _ = crew.run()
    with server.client() as client:
        ask(client, "CLIENT", "UNPAUSE")
        assert sum(int(value) for value in ask(client, "MGET", *PAUSED)) == sum(increments)


def test_a_pause_ends_by_itself_and_leaves_nothing_behind(server):
    with server.client() as pauser, server.client() as writer:
        ask(pauser, "CLIENT", "PAUSE", 300, "ALL")
        assert ask(writer, "SET", "k", "v") == b"OK"
        # A later pause of writes only is no pause of reads.
        ask(pauser, "CLIENT", "PAUSE", 20000, "WRITE")
        assert ask(writer, "GET", "k") == b"v"
        ask(pauser, "CLIENT", "UNPAUSE")


SIZES = (1 << 20, 40000, 32768, 32767, 300, 20, 1)
LARGE = [f"large:{number}" for number in range(8)]


def _write_sizes(shift):
    """Values of one letter, of very different sizes, in every way that changes a string."""
    with shift.client() as client:
        for _ in shift.turns(at_least=10):
            key, size, letter = shift.random.choice(LARGE), shift.random.choice(SIZES), shift.random.choice(b"abcdefgh")
            value = bytes([letter]) * size
            way = shift.random.randrange(4)
            if way == 0:
                ask(client, "SET", key, value)
            elif way == 1:
                transaction(client, [("DEL", key), ("APPEND", key, value), ("APPEND", key, value)])
            elif way == 2:
                transaction(client, [("SET", key, value), ("SETRANGE", key, size, value)])
            else:
                ask(client, "MSET", key, value, LARGE[0], value)


def _read_sizes(shift):
    with shift.client() as first, shift.client() as second:
        for _ in shift.turns(at_least=10):
            keys = shift.random.sample(LARGE, 4)
            batches = [("GET", key) for key in keys], [("GETRANGE", key, 0, -1) for key in keys] + [("PING",)]
            for values in exchange((first, second), batches):
                for value in values:
                    assert value in (None, b"PONG") or len(set(value)) <= 1, "two values in one"


def test_large_and_small_values_are_never_mixed(server, crew):
    crew.add(_write_sizes, times=3)
    crew.add(_read_sizes, times=2)
    crew.add(_work_steadily)
    crew.run()


def _do_not_read(shift):
    """Asks for 40 MB and reads nothing until the shift is over; then gets all of it, in order."""
    key = f"slow:{shift.number}"
    with shift.client(timeout_s=60) as client:
        ask(client, "SET", key, b"%d" % shift.number * (1 << 20))
        commands = [command for number in range(40) for command in (("GET", key), ("INCR", key + ":count"))]
        client.send_raw(b"".join(map(encode_command, commands)))
        while shift.goes_on():
            time.sleep(0.01)
        for number in range(40):
            assert client.read_reply().value == b"%d" % shift.number * (1 << 20)
            assert client.read_reply().value == number + 1


def test_slow_readers_hold_nobody_up_and_get_everything(server, crew):
    crew.add(_do_not_read, times=4)
    crew.add(_work_steadily, times=2)
    crew.start()
    with server.client() as client:
        # They ask for 160 MB; what waits for them is a small part of it.
        for _ in range(20):
            used = statistic(client, "memory", "used_memory")
            assert used < 60 << 20, f"{used >> 20} MiB are kept for readers that do not read"
            time.sleep(0.02)
    crew.results()


def test_thousands_of_connections_come_and_go(server):
    with server.client() as observer:
        for opened in (2000, 500):
            clients = [server.client() for _ in range(opened)]
            for number, client in enumerate(clients):
                client.send("INCRBY", "visits", number)
                client.send("GET", "visits")
            expected = 0
            answers = [(client.read_reply().value, client.read_reply().value) for client in clients]
            assert all(int(second) >= first for first, second in answers)
            expected = sum(range(opened))
            assert int(ask(observer, "GETDEL", "visits")) == expected
            assert statistic(observer, "clients", "connected_clients") == opened + 1
            for number, client in enumerate(clients):
                _reset(client) if number % 2 else client.close()
            _wait_for_clients(observer, 1)
