"""Publishers and subscribers on all workers: nothing is lost, everybody sees one order, slow ones are closed."""

import contextlib
import socket
import threading
import time

from concurrency.asking import ask, exchange, transaction
from harness import ConnectionClosed, Kind

_CHANNELS = 4
_PUBLISHERS = 3
_END = b"end"


def _subscribe(client, *names):
    command = "PSUBSCRIBE" if b"*" in names[0] else "SUBSCRIBE"
    client.send(command, *names)
    for _ in names:
        client.read_any()


def _publish(shift):
    """Publishes numbers to all channels in turn; returns how many to each. Every reply must count all listeners."""
    with shift.client() as client:
        last = f"c{_CHANNELS - 1}"
        deadline = time.monotonic() + 30
        while ask(client, "PUBSUB", "NUMPAT") != 1 or ask(client, "PUBSUB", "NUMSUB", last)[1] != 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        count = 0
        for turn in shift.turns(at_least=5):
            batch = [
                ("PUBLISH", f"c{channel}", f"{shift.number}:{turn * 20 + n}:{'x' * shift.random.choice((1, 1, 100, 100, 100, 20000))}")
                for n in range(20)
                for channel in range(_CHANNELS)
            ]
            receivers = exchange([client], [batch])[0]
            # Two subscribers of each channel, one of a pattern for all, while none has left.
            assert set(receivers) == {3}
            count += 20
        for channel in range(_CHANNELS):
            ask(client, "PUBLISH", f"c{channel}", _END)
        return count


def _listen(shift, *names):
    """All messages by channel, in the order in which they came: "publisher:number"."""
    with shift.client() as client:
        if shift.number % 2:
            client.must("HELLO", 3)
        _subscribe(client, *names)
        heard = {b"c%d" % channel: [] for channel in range(_CHANNELS)}
        ends = 0
        while ends < _CHANNELS * _PUBLISHERS:
            parts = [part.value for part in client.read_any().value]
            channel, payload = parts[-2:]
            if payload == _END:
                ends += 1
            else:
                heard[channel].append(payload.rpartition(b":")[0])
        return heard


def test_all_subscribers_see_everything_in_one_order(server, crew):
    every = [b"c%d" % channel for channel in range(_CHANNELS)]
    crew.add(_listen, *every, times=2)
    crew.add(_listen, b"c*", times=1)
    crew.add(_publish, times=_PUBLISHERS)
    with server.client() as control:
        # Python reads more slowly than the server sends.
        before = control.must("CONFIG", "GET", "client-output-buffer-limit").value[1].value
        control.must("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0")
        results = crew.run()
        control.must("CONFIG", "SET", "client-output-buffer-limit", before)
    listeners, counts = results[:3], results[3:]
    for heard in listeners:
        assert heard == listeners[0]
        for messages in heard.values():
            for publisher, count in zip(range(3, 3 + _PUBLISHERS), counts):
                own = [message for message in messages if message.startswith(b"%d:" % publisher)]
                assert own == [b"%d:%d" % (publisher, n) for n in range(count)]


def _come_and_go(shift):
    """After the confirmation of an UNSUBSCRIBE no message of that channel may come."""
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            channel = b"c%d" % (turn % _CHANNELS)
            client.send("SUBSCRIBE", channel)
            client.send("UNSUBSCRIBE", channel)
            client.send("PING")
            words = []
            while not words or words[-1] not in (b"PONG", b"pong"):
                reply = client.read_any()
                words.append(reply.value if reply.kind is Kind.STATUS else reply.value[0].value)
            assert words[0] == b"subscribe" and words[-2:] == [b"unsubscribe", b"PONG"]
            assert set(words[1:-2]) <= {b"message"}
            if turn % 7 == 0:
                with shift.client() as leaver:
                    _subscribe(leaver, channel, b"other")
                    _subscribe(leaver, b"*")


def _publish_steadily(shift):
    with shift.client() as client:
        for turn in shift.turns(at_least=20):
            exchange([client], [[("PUBLISH", f"c{n % _CHANNELS}", "x") for n in range(50)]])


def test_subscribers_that_come_and_go(server, crew):
    crew.add(_come_and_go, times=3)
    crew.add(_publish_steadily, times=2)
    crew.run()
    with server.client() as client:
        deadline = time.monotonic() + 30
        while ask(client, "PUBSUB", "CHANNELS") or ask(client, "PUBSUB", "NUMPAT"):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def _publish_to_the_deaf(shift):
    """Publishes until nobody listens to `loud`; each batch has a message of `quiet`. Returns the number of batches."""
    with shift.client() as client:
        for turn in range(20000):
            batch = [("PUBLISH", "loud", b"x" * 10000)] * 20 + [("PUBLISH", "quiet", f"{shift.number}:{turn}")]
            receivers = exchange([client], [batch])[0]
            assert receivers[-1] == 1
            if receivers[-2] == 0:
                return turn + 1
    raise AssertionError("the one who does not read was not closed")


def test_who_does_not_read_is_closed_and_holds_nobody_up(server, crew):
    with server.client() as control, server.client() as deaf, server.client() as hearing:
        before = control.must("CONFIG", "GET", "client-output-buffer-limit").value[1].value
        control.must("CONFIG", "SET", "client-output-buffer-limit", "pubsub 4mb 0 0")
        _subscribe(deaf, b"loud")
        _subscribe(hearing, b"quiet")
        crew.add(_publish_to_the_deaf, times=2)
        counts = crew.run()
        heard = [hearing.read_any().value[2].value for _ in range(sum(counts))]
        for publisher, count in enumerate(counts):
            own = [message for message in heard if message.startswith(b"%d:" % publisher)]
            assert own == [b"%d:%d" % (publisher, n) for n in range(count)]
        assert _messages_until_closed(deaf) * 10000 < 64 << 20
        control.must("CONFIG", "SET", "client-output-buffer-limit", before)


def _messages_until_closed(client):
    count = 0
    try:
        while True:
            client.read_any()
            count += 1
    except ConnectionClosed:
        return count


def _cache(shift, keys):
    """Reads through a cache that is kept by invalidation messages; at the end what is cached must be what is stored."""
    with shift.client() as client:
        client.must("HELLO", 3)
        client.must("CLIENT", "TRACKING", "ON", *(["BCAST"] if shift.number % 2 else []))
        cache = {}

        def hear():
            while client.pushes:
                _, changed = client.pushes.popleft().value
                for key in [element.value for element in changed.value] if changed.value else list(cache):
                    cache.pop(key, None)

        while shift.goes_on() or not cache:
            key = shift.random.choice(keys)
            hear()
            if key not in cache:
                value = ask(client, "GET", key)
                # A message that has come with the reply may be of a change that this value has seen or has not.
                if not client.pushes:
                    cache[key] = value
        # The writers end with their shift; their last changes have been sent once they say so.
        deadline = time.monotonic() + 30
        while ask(client, "GET", "writers-done") != b"2":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        client.must("PING")
        hear()
        cache.pop(b"writers-done", None)
        for key, value in cache.items():
            assert ask(client, "GET", key) == value
        return len(cache)


def _write(shift, keys):
    with shift.client() as client:
        for _ in shift.turns(at_least=50):
            transaction(client, [("INCR", shift.random.choice(keys)) for _ in range(3)])
            ask(client, "MSET", shift.random.choice(keys), shift.random.randrange(1000), shift.random.choice(keys), 5)
        ask(client, "INCR", "writers-done")


def test_caches_that_are_told_of_changes_are_never_stale(server, crew):
    keys = [b"cached:%d" % n for n in range(20)]
    with server.client() as client:
        for key in keys:
            client.must("SET", key, 0)
    crew.add(_cache, keys, times=4)
    crew.add(_write, keys, times=2)
    crew.run()


def _watch_increments(shift):
    """MONITOR shows the increments of each key in the order in which they were done."""
    with shift.client() as client:
        client.must("MONITOR")
        with shift.client() as control:
            control.must("INCR", "monitors")
        shown = {}
        while True:
            words = client.read_any().value.split(b"] ", 1)[1].split()
            if words[0] == b'"SET"':
                shown.setdefault(words[1], []).append(int(words[2].strip(b'"')))
            elif words[:2] == [b'"INCR"', b'"ended"']:
                break
        for numbers in shown.values():
            assert numbers == sorted(numbers)
        return sum(map(len, shown.values()))


def _set_growing_numbers(shift):
    with shift.client() as client:
        deadline = time.monotonic() + 30
        while ask(client, "GET", "monitors") != b"2":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for turn in range(100):
            exchange([client], [[("SET", f"grows:{shift.number}", turn * 10 + n) for n in range(10)]])
        # Whoever is the last says so.
        if ask(client, "INCR", "finished") == 2:
            ask(client, "INCR", "ended")


def test_a_monitor_sees_every_command_in_order(server, crew):
    crew.add(_watch_increments, times=2)
    crew.add(_set_growing_numbers, times=2)
    counts = crew.run()
    assert counts[:2] == [2000, 2000]


def _talk(port, silence):
    """Sends without waiting for replies, which are read by somebody else: the server always has input of this client."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        reader = threading.Thread(target=_read_to_the_end, args=(connection,))
        reader.start()
        while not silence.is_set():
            connection.sendall(b"PING\r\n" * 20000)
        connection.shutdown(socket.SHUT_WR)
        reader.join()


def _read_to_the_end(connection):
    while connection.recv(1 << 20):
        pass


def test_many_receivers_hear_while_others_talk(server):
    silence = threading.Event()
    talkers = [threading.Thread(target=_talk, args=(server.port, silence)) for _ in range(6)]
    with contextlib.ExitStack() as clients, server.client() as publisher:
        hearing = [clients.enter_context(server.client()) for _ in range(100)]
        for client in hearing:
            _subscribe(client, b"news")
        for talker in talkers:
            talker.start()
        try:
            for number in range(20):
                message = b"%d" % number
                assert ask(publisher, "PUBLISH", "news", message) == len(hearing)
                for client in hearing:
                    assert client.read_any().value[2].value == message
        finally:
            silence.set()
            for talker in talkers:
                talker.join()
