"""What the reply directives of a dialogue do to a reply before two of them are compared."""

import re
from typing import Callable

from harness.resp import Kind, Reply

_SEQUENCES = (Kind.ARRAY, Kind.SET, Kind.PUSH)
_TEXTS = (Kind.STATUS, Kind.ERROR, Kind.BULK, Kind.VERBATIM, Kind.BULK_ERROR)


def map_leaves(reply: Reply, change: Callable[[Reply], Reply]) -> Reply:
    """The same tree with every reply that is no aggregate replaced by `change(reply)`."""
    if reply.kind in _SEQUENCES or reply.kind is Kind.MAP:
        return Reply(reply.kind, tuple(map_leaves(element, change) for element in reply.value))
    if reply.kind is Kind.ATTRIBUTE:
        attributes, decorated = reply.value
        changed = tuple(map_leaves(element, change) for element in attributes)
        return Reply(reply.kind, (changed, map_leaves(decorated, change)))
    return change(reply)


def map_texts(reply: Reply, change: Callable[[bytes], bytes]) -> Reply:
    """The same tree with every text changed (the `txt:` of a verbatim text is no part of it)."""

    def changed(leaf: Reply) -> Reply:
        if leaf.kind is Kind.VERBATIM:
            return Reply(leaf.kind, leaf.value[:4] + change(leaf.value[4:]))
        return Reply(leaf.kind, change(leaf.value)) if leaf.kind in _TEXTS else leaf

    return map_leaves(reply, changed)


def unordered(reply: Reply) -> Reply:
    """Every array, set and map sorted, at all depths."""
    if reply.kind in _SEQUENCES:
        return Reply(reply.kind, tuple(sorted((unordered(element) for element in reply.value), key=repr)))
    if reply.kind is Kind.MAP:
        return _sorted_pairs(Reply(reply.kind, tuple(unordered(element) for element in reply.value)))
    return reply


def pairs(reply: Reply) -> Reply:
    """A flat list of keys and values (a map in RESP2) sorted by key."""
    return _sorted_pairs(reply) if reply.kind in (Kind.ARRAY, Kind.MAP) else reply


def _sorted_pairs(reply: Reply) -> Reply:
    both = sorted(zip(reply.value[::2], reply.value[1::2]), key=repr)
    return Reply(reply.kind, tuple(element for pair in both for element in pair))


_BLANKS = {Kind.INTEGER: 0, Kind.BOOLEAN: False}


def shape(reply: Reply) -> Reply:
    """Only the kinds; the texts of map keys and of errors stay."""
    if reply.kind is Kind.MAP:
        return Reply(reply.kind, tuple(e if i % 2 == 0 else shape(e) for i, e in enumerate(reply.value)))
    if reply.kind in _SEQUENCES:
        return Reply(reply.kind, tuple(shape(element) for element in reply.value))
    if reply.is_error() or reply.is_null():
        return reply
    return Reply(reply.kind, _BLANKS.get(reply.kind, b"..."))


def fields(reply: Reply) -> Reply:
    """Texts of `name=value` words or `name:value` lines reduced to the names, in order."""

    def names(text: bytes) -> bytes:
        text = re.sub(rb"(?m)^([\w.|-]+):[^\r\n]*", rb"\1:", text)
        return re.sub(rb"(^|[ \n])([\w-]+)=[^ \r\n]*", rb"\1\2=", text)

    return map_texts(reply, names)


def lines(reply: Reply) -> Reply:
    """The lines of every text sorted."""
    return map_texts(reply, lambda text: b"\n".join(sorted(text.split(b"\n"))))


def masked(reply: Reply, pattern: str) -> Reply:
    """What matches `pattern` in any text becomes `#`."""
    return map_texts(reply, lambda text: re.sub(pattern.encode(), b"#", text))


def within(reference: Reply, candidate: Reply, tolerance: float) -> Reply:
    """`candidate` with each number that is near the reference's replaced by it."""
    if reference.kind is not candidate.kind:
        return candidate
    if reference.kind in _SEQUENCES or reference.kind is Kind.MAP:
        if len(reference.value) != len(candidate.value):
            return candidate
        return Reply(candidate.kind, tuple(within(r, c, tolerance) for r, c in zip(reference.value, candidate.value)))
    expected, found = _as_number(reference), _as_number(candidate)
    if expected is None or found is None or abs(expected - found) > tolerance:
        return candidate
    # -1 and -2 say "no expiry" and "no key": they are near nothing.
    return candidate if min(expected, found) < 0 and expected != found else reference


def _as_number(reply: Reply) -> float | None:
    if reply.kind is Kind.INTEGER:
        return reply.value
    if reply.kind in (Kind.BULK, Kind.DOUBLE) and re.fullmatch(rb"-?\d+(\.\d+)?", reply.value):
        return float(reply.value)
    return None


def apply_rules(rules: dict[str, str], reference: Reply, candidate: Reply) -> tuple[Reply, Reply]:
    """Both replies as the directives of the step want them compared."""
    if "ignore" in rules and reference.is_error() == candidate.is_error():
        return reference, reference
    both = [reference, candidate]
    if "mask" in rules:
        both = [masked(reply, rules["mask"]) for reply in both]
    if "fields" in rules:
        both = [fields(reply) for reply in both]
    if "lines" in rules:
        both = [lines(reply) for reply in both]
    if "unordered" in rules:
        both = [unordered(reply) for reply in both]
    if "pairs" in rules:
        both = [pairs(reply) for reply in both]
    if "shape" in rules:
        both = [shape(reply) for reply in both]
    if "numeric-tolerance" in rules:
        both[1] = within(both[0], both[1], float(rules["numeric-tolerance"]))
    return both[0], both[1]
