"""Finds a short sequence of commands that still makes two servers differ."""

import itertools
import time
from typing import Sequence

from compat.comparison import Judge, Spoken
from compat.differences import command_line
from compat.dataset import compare_datasets
from compat.pair import Pair
from harness import ConnectionClosed, ReplyTimeout
from harness.client import ErrorReply

SHRINK_LIMIT_S = 60.0
REPLY_LIMIT_S = 5.0


def shrink(pair: Pair, history: Sequence[Spoken], protocol: int) -> list[Spoken] | None:
    """Removes ever smaller pieces while the servers still differ, for SHRINK_LIMIT_S. None: they never differ."""
    deadline = time.monotonic() + SHRINK_LIMIT_S
    kept = list(history)
    until = _differ_at(pair, kept, protocol)
    if until is None:
        return None
    kept = kept[:until]
    piece = max(1, len(kept) // 2)
    while time.monotonic() < deadline:
        removed = False
        start = len(kept)
        while start > 0 and time.monotonic() < deadline:
            start = max(0, start - piece)
            attempt = kept[:start] + kept[start + piece :]
            until = _differ_at(pair, attempt, protocol) if attempt else None
            if until is not None:
                kept, removed = attempt[:until], True
                start = min(start, len(kept))
        if piece == 1 and not removed:
            break
        piece = max(1, piece // 2)
    return kept


def _differ_at(pair: Pair, sequence: Sequence[Spoken], protocol: int) -> int | None:
    """How many commands it takes until the servers differ (all of them when only the datasets do), None if never."""
    pair.ensure_running()
    clients = [pair.clients(REPLY_LIMIT_S) for _ in range(2)]
    judges = [Judge() for _ in clients]
    try:
        for client in itertools.chain(*clients):
            client.must("FLUSHALL")
            client.must("HELLO", protocol)
        position = 0
        for connection, run in itertools.groupby(sequence, key=lambda spoken: spoken.connection):
            commands = [spoken.command for spoken in run]
            replies = [client.pipeline(commands) for client in clients[connection]]
            for command, reference, candidate in zip(commands, *replies):
                position += 1
                if not judges[connection].same(command, reference, candidate):
                    return position
        return len(sequence) if _datasets_differ(pair) else None
    except (ConnectionClosed, ReplyTimeout, ErrorReply, OSError):
        return len(sequence)
    finally:
        for client in itertools.chain(*clients):
            client.close()


def _datasets_differ(pair: Pair) -> bool:
    reference, candidate = pair.clients(REPLY_LIMIT_S)
    with reference, candidate:
        return bool(compare_datasets(reference, candidate))


def as_dialogue(sequence: Sequence[Spoken], protocol: int) -> str:
    """The text of a dialogue file."""
    lines = [f"@resp {protocol}"]
    connection = 0
    for spoken in sequence:
        if spoken.connection != connection:
            connection = spoken.connection
            lines.append(f"@conn {'ab'[connection]}")
        lines.append("> " + command_line(spoken.command))
    return "\n".join(lines)
