"""Reads `*.dialogue` files: a conversation with a server, as data.

The grammar is in README.md. A file becomes a list of steps; what they mean is in `runner.py`.
"""

import pathlib
import re
import time
from dataclasses import dataclass, field
from typing import Optional

_EXPANSION = re.compile(rb"%\{([^{}*]*)\*(\d+)\}|%\{(now|nowms)([+-]\d+)?\}|\$\{(\w+)\}")
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"a": b"\a", b"b": b"\b"}
_STEP_DIRECTIVES = {"conn", "raw", "send", "block", "receive", "push", "close", "sleep", "config", "scan", "wait"}
_REPLY_DIRECTIVES = {"unordered", "pairs", "numeric-tolerance", "ignore", "shape", "fields", "lines", "mask", "save"}


class DialogueError(Exception):
    """The file is not a dialogue."""


@dataclass
class Step:
    """One thing to do. `action` is `command` or the name of a step directive; `arguments` are unexpanded.

    needs  commands (in small letters) without which the step is skipped
    """

    action: str
    arguments: list[bytes]
    line: int
    source: str
    expected: Optional[str] = None
    rules: dict[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()


@dataclass
class Dialogue:
    path: pathlib.Path
    protocols: tuple[int, ...]
    steps: list[Step]


def split_arguments(text: str) -> list[bytes]:
    """Cuts a line as the inline protocol does: words, "..." with escapes, '...' with only \\'. Raises ValueError."""
    data = text.encode()
    arguments: list[bytes] = []
    position = 0
    while True:
        while position < len(data) and data[position : position + 1].isspace():
            position += 1
        if position == len(data):
            return arguments
        argument = b""
        while position < len(data) and not data[position : position + 1].isspace():
            byte = data[position : position + 1]
            if byte in (b'"', b"'"):
                quoted, position = _quoted(data, position + 1, byte)
                argument += quoted
                if position < len(data) and not data[position : position + 1].isspace():
                    raise ValueError("a closing quote must be followed by a space")
            else:
                argument += byte
                position += 1
        arguments.append(argument)


def _quoted(data: bytes, position: int, quote: bytes) -> tuple[bytes, int]:
    text = b""
    while position < len(data):
        byte = data[position : position + 1]
        if byte == quote:
            return text, position + 1
        if byte == b"\\" and quote == b'"':
            if re.match(rb"\\x[0-9a-fA-F]{2}", data[position : position + 4]):
                text += bytes([int(data[position + 2 : position + 4], 16)])
                position += 4
                continue
            position += 1
            byte = data[position : position + 1]
            byte = _ESCAPES.get(byte, byte)
        elif byte == b"\\" and data[position + 1 : position + 2] == b"'":
            position += 1
            byte = b"'"
        text += byte
        position += 1
    raise ValueError("unbalanced quotes")


def expand(argument: bytes, variables: dict[str, bytes], now_s: float) -> bytes:
    """Replaces %{text*count}, %{now+seconds}, %{nowms+milliseconds} and ${variable}."""

    def replacement(match: re.Match) -> bytes:
        text, count, clock, offset, name = match.groups()
        if count is not None:
            return text * int(count)
        if clock is not None:
            base = int(now_s) if clock == b"now" else int(now_s * 1000)
            return b"%d" % (base + int(offset or 0))
        if name.decode() not in variables:
            raise DialogueError(f"${{{name.decode()}}} was never saved")
        return variables[name.decode()]

    return _EXPANSION.sub(replacement, argument)


def parse_dialogue(path: pathlib.Path, text: Optional[str] = None) -> Dialogue:
    """`text` replaces the content of the file (then `path` is only a name). Raises DialogueError with file and line."""
    protocols: tuple[int, ...] = (2, 3)
    steps: list[Step] = []
    rules: dict[str, str] = {}
    needs: list[frozenset[str]] = [frozenset()]
    for number, line in enumerate((path.read_text() if text is None else text).splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            if stripped.startswith("<"):
                if not steps or steps[-1].expected is not None:
                    raise ValueError("an expected reply without a step")
                steps[-1].expected = stripped[1:].strip()
            elif stripped.startswith(">"):
                arguments = split_arguments(stripped[1:])
                steps.append(Step("command", arguments, number, stripped, rules=rules, needs=needs[-1]))
                rules = {}
            elif stripped.startswith("@"):
                name, _, rest = stripped[1:].partition(" ")
                if name == "resp":
                    protocols = (int(rest),)
                elif name in ("needs", "end-needs"):
                    _nest_needs(needs, name, rest.lower().split())
                elif name in _REPLY_DIRECTIVES:
                    rules[name] = rest.strip()
                elif name in _STEP_DIRECTIVES:
                    steps.append(Step(name, split_arguments(rest), number, stripped, rules=rules, needs=needs[-1]))
                    rules = {}
                else:
                    raise ValueError(f"unknown directive @{name}")
            else:
                raise ValueError("a line starts with >, <, @ or #")
        except ValueError as error:
            raise DialogueError(f"{path}:{number}: {error}") from None
    if rules:
        raise DialogueError(f"{path}: {', '.join(rules)} at the end belongs to no step")
    return Dialogue(path, protocols, steps)


def _nest_needs(needs: list[frozenset[str]], directive: str, names: list[str]) -> None:
    """Enters (`needs NAME...`) or leaves (`end-needs`) a part. One that is never left ends with the file."""
    if directive == "needs":
        if not names:
            raise ValueError("@needs names no command")
        needs.append(needs[-1] | set(names))
    elif names:
        raise ValueError("@end-needs takes no names: it ends the innermost @needs")
    elif len(needs) == 1:
        raise ValueError("an @end-needs without @needs")
    else:
        needs.pop()


def clock() -> float:
    """Unix seconds; read once per step, so both servers are sent the same bytes."""
    return time.time()
