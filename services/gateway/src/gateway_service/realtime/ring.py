"""The newest events of one conversation, ready to be sent. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chatire_shared.contracts.errors import ChatireError
from chatire_shared.contracts.strict_json import loads
from gateway_service.realtime.frames import Frame

MAX_FRAMES = 128
MAX_BYTES = 262_144
EVERYBODY = "*"
"""`Entry.removes` of `conversation.deleted`."""

REMOVED, DELETED = "member.removed", "conversation.deleted"


@dataclass(frozen=True, slots=True)
class Entry:
    """One event.

    Attributes:
        seq: Its place in the conversation's log.
        frame: The `event` frame.
        removes: The user who is no member after it, EVERYBODY, or None.
        at_us: When it was committed, Unix microseconds; 0 when it was fetched and so says nothing about latency.
    """

    seq: int
    frame: Frame
    removes: str | None = None
    at_us: int = 0


def entry_from_envelope(*, kind: str, seq: int, body: bytes, at_us: int) -> Entry | None:
    """An event as the relay published it, or None when the body of a removal can't be read."""
    if kind == DELETED:
        return Entry(seq, Frame(body), EVERYBODY, at_us)
    if kind != REMOVED:
        return Entry(seq, Frame(body), None, at_us)
    removed = _removed_user(_object(body))
    return None if removed is None else Entry(seq, Frame(body), removed, at_us)


def entry_from_body(body: str) -> Entry | None:
    """An event as the messages service hands it out in a range, or None when it is none."""
    value = _object(body)
    seq, kind = value.get("seq"), value.get("kind")
    if not isinstance(seq, int) or isinstance(seq, bool) or not isinstance(kind, str):
        return None
    removes = EVERYBODY if kind == DELETED else _removed_user(value) if kind == REMOVED else None
    return Entry(seq, Frame(body.encode()), removes)


def _object(body: str | bytes) -> dict[str, Any]:
    try:
        value = loads(body)
    except ChatireError:
        return {}
    return value if isinstance(value, dict) else {}


def _removed_user(event: dict[str, Any]) -> str | None:
    data = event.get("data")
    user = data.get("user_id") if isinstance(data, dict) else None
    return user if isinstance(user, str) else None


class Ring:
    """A run of entries without gaps, bounded in number and bytes; the oldest go first."""

    __slots__ = ("_bytes", "_entries")

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def append(self, entry: Entry) -> None:
        """Add the next entry."""
        self._entries.append(entry)
        self._bytes += len(entry.frame.payload)
        while len(self._entries) > MAX_FRAMES or self._bytes > MAX_BYTES:
            self._bytes -= len(self._entries.popleft().frame.payload)

    def clear(self) -> None:
        """Forget everything: the log is another one."""
        self._entries.clear()
        self._bytes = 0

    def covers(self, seq: int) -> bool:
        """Whether `seq` is in it."""
        return bool(self._entries) and self._entries[0].seq <= seq <= self._entries[-1].seq

    def since(self, seq: int) -> Iterator[Entry]:
        """The entries from `seq` on, which must be in it."""
        return islice(self._entries, seq - self._entries[0].seq, None)
