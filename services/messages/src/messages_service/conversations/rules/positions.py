"""Calculations with `seq`: where a member's view begins, and where their read marker may go."""

from __future__ import annotations

from messages_service.conversations.rules.kinds import History


def visible_from(history: str, joined_seq: int) -> int:
    """The first `seq` that somebody sees who became a member by the event `joined_seq`."""
    return 1 if history == History.ALL else joined_seq


def clamp_cursor(after: int, visible_from_seq: int) -> int:
    """The cursor that holds for a member: one below their view counts as just before its beginning."""
    return max(after, visible_from_seq - 1)


def next_read_marker(current: int, wanted: int, last_seq: int) -> int:
    """Where a read marker goes: to `wanted`, but never past the log's end and never back."""
    return max(current, min(wanted, last_seq))


def direct_key(one: object, other: object) -> str:
    """What identifies the conversation of two people, whoever begins it."""
    low, high = sorted((str(one), str(other)))
    return f"{low}:{high}"
