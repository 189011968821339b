"""What may differ in replies about streams: the clock, fields that Redis 7.2 has added, the shape of Redis's own tree."""

from compat.replies import within
from harness.resp import Kind, Reply
from harness.stream_payload import is_stream_payload, read_stream

_PAIRED = (Kind.ARRAY, Kind.MAP)
# Above this an integer is taken for a Unix time, or an idle time that is counted from the distant past; ms.
_TIME_MIN = 10**11
_TIME_NAMES = (b"idle", b"seen-time")
_ADDED_NAMES = (b"inactive", b"active-time")


def without_consumer_times(reference: Reply, candidate: Reply) -> tuple[Reply, Reply]:
    """D27: what consumers tell in the candidate only, and that it saw them later."""
    return reference, _seen_no_later(reference, _without_added_fields(candidate))


def _seen_no_later(reference: Reply, candidate: Reply) -> Reply:
    if not all(reply.kind in _PAIRED for reply in (reference, candidate)) or len(reference.value) != len(candidate.value):
        return candidate
    values = list(map(_seen_no_later, reference.value, candidate.value))
    for at in range(1, len(values)):
        left, right, name = reference.value[at], values[at], reference.value[at - 1].value
        if left.kind is right.kind is Kind.INTEGER and (
            name == b"idle" and right.value < left.value or name == b"seen-time" and right.value > left.value
        ):
            values[at] = left
    return Reply(candidate.kind, tuple(values))


def _without_added_fields(reply: Reply) -> Reply:
    if reply.kind not in _PAIRED:
        return reply
    values = list(reply.value)
    for at in reversed(range(0, len(values) - 1)):
        if values[at].kind is Kind.BULK and values[at].value in _ADDED_NAMES and values[at + 1].kind is Kind.INTEGER:
            del values[at : at + 2]
    return Reply(reply.kind, tuple(map(_without_added_fields, values)))


def without_tree_shape(reference: Reply, candidate: Reply) -> tuple[Reply, Reply]:
    """D28: the number of inner nodes of the tree, and nodes without entries that the reference keeps."""
    reference, candidate = _without_tree_shape(reference), _without_tree_shape(candidate)
    if not all(reply.kind in _PAIRED for reply in (reference, candidate)) or len(reference.value) != len(candidate.value):
        return reference, candidate
    values = list(candidate.value)
    for at in range(1, len(values)):
        left, right = reference.value[at], values[at]
        if reference.value[at - 1] == Reply(Kind.BULK, b"radix-tree-keys") and left.kind is right.kind is Kind.INTEGER:
            values[at] = left if right.value < left.value else right
    return reference, Reply(candidate.kind, tuple(values))


def _without_tree_shape(reply: Reply, names: tuple[bytes, ...] = (b"radix-tree-nodes",)) -> Reply:
    if reply.kind not in _PAIRED:
        return reply
    values = list(reply.value)
    for at in range(len(values) - 1):
        if values[at].kind is Kind.BULK and values[at].value in names:
            values[at + 1] = Reply(values[at + 1].kind, 0)
    return Reply(reply.kind, tuple(values))


def payloads_by_content(reference: Reply, candidate: Reply) -> tuple[Reply, Reply]:
    """D29: payloads of streams that hold the same entries and groups are the same, whatever the deleted ones and the clock."""
    if all(reply.kind is Kind.BULK and is_stream_payload(reply.value) for reply in (reference, candidate)):
        if _content(reference.value) == _content(candidate.value):
            return reference, reference
    return reference, candidate


def _content(payload: bytes) -> tuple:
    stream = read_stream(payload)
    groups = [
        (group.name, group.last_id, group.entries_read, group.consumers, [(p[0], p[2], p[3]) for p in group.pending])
        for group in stream.groups
    ]
    return stream.entries(), stream.last_id, stream.max_deleted_id, stream.entries_added, groups


def with_times_of(reference: Reply, candidate: Reply, tolerance_ms: float) -> Reply:
    """`candidate` with each time that is near the reference's replaced by it; other numbers stay."""
    if reference.kind is not candidate.kind or reference == candidate:
        return candidate
    if reference.kind is Kind.INTEGER:
        both_are_times = min(reference.value, candidate.value) >= _TIME_MIN
        return within(reference, candidate, tolerance_ms) if both_are_times else candidate
    if reference.kind not in _PAIRED or len(reference.value) != len(candidate.value):
        return candidate
    values = []
    for at, (left, right) in enumerate(zip(reference.value, candidate.value)):
        if at > 0 and reference.value[at - 1].value in _TIME_NAMES or at == 2 and _is_pending_row(reference):
            values.append(within(left, right, tolerance_ms))
        else:
            values.append(with_times_of(left, right, tolerance_ms))
    return Reply(candidate.kind, tuple(values))


def _is_pending_row(reply: Reply) -> bool:
    """id, consumer, idle time or time of delivery, deliveries"""
    kinds = [element.kind for element in reply.value]
    return kinds == [Kind.BULK, Kind.BULK, Kind.INTEGER, Kind.INTEGER]


def without_times(reply: Reply) -> Reply:
    """XINFO STREAM FULL of one server without what depends on its clock (or is D27, D28)."""
    shapeless = _without_tree_shape(reply, (b"radix-tree-nodes", b"radix-tree-keys"))
    return _with_blank_times(_without_added_fields(shapeless))


def _with_blank_times(reply: Reply) -> Reply:
    if reply.kind is Kind.INTEGER and reply.value >= _TIME_MIN:
        return Reply(reply.kind, _TIME_MIN)
    if reply.kind not in _PAIRED:
        return reply
    values = list(map(_with_blank_times, reply.value))
    for at in range(1, len(values)):
        if reply.value[at - 1] == Reply(Kind.BULK, b"seen-time"):
            values[at] = Reply(values[at].kind, _TIME_MIN)
    return Reply(reply.kind, tuple(values))
