"""The newest events of one conversation, ready to be sent. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from chatire_shared.contracts.errors import ChatireError
from chatire_shared.contracts.strict_json import loads
from gateway_service.realtime.frames import Frame

MAX_FRAMES = 128
MAX_BYTES = 262_144
MAX_BYTES_OF_ALL = 33_554_432
"""Of all conversations of a process together. In memory it is about twice that: each event as text and as a WebSocket frame."""
EVERYBODY = "*"
"""`Entry.removes` of `conversation.deleted`."""

REMOVED, DELETED = "member.removed", "conversation.deleted"


class Entry(NamedTuple):
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


class Shelf:
    """What the rings of a process hold together: over the bound, those that have not grown for the longest are emptied.

    Whoever needs what was in one fetches it from the messages service.
    """

    def __init__(self, most_bytes: int = MAX_BYTES_OF_ALL) -> None:
        """Begin empty."""
        self.bytes = 0
        self._most_bytes = most_bytes
        self._rings: OrderedDict[Ring, None] = OrderedDict()

    def grown(self, ring: Ring, change: int) -> None:
        """A ring holds more now; or less, when what it took is smaller than what it let go."""
        self.bytes += change
        self._rings[ring] = None
        self._rings.move_to_end(ring)
        while self.bytes > self._most_bytes and len(self._rings) > 1:
            next(iter(self._rings)).clear()

    def emptied(self, ring: Ring, size: int) -> None:
        """A ring holds nothing any more."""
        self.bytes -= size
        self._rings.pop(ring, None)


class Ring:
    """A run of entries without gaps, bounded in number and bytes; the oldest go first."""

    __slots__ = ("_bytes", "_entries", "_shelf")

    def __init__(self, shelf: Shelf | None = None) -> None:
        """Begin empty, on a shelf of its own when none is given."""
        self._entries: deque[Entry] = deque()
        self._bytes = 0
        self._shelf = shelf or Shelf()

    def append(self, entry: Entry) -> None:
        """Add the next entry."""
        before = self._bytes
        self._entries.append(entry)
        self._bytes += len(entry.frame.payload)
        while len(self._entries) > MAX_FRAMES or self._bytes > MAX_BYTES:
            self._bytes -= len(self._entries.popleft().frame.payload)
        self._shelf.grown(self, self._bytes - before)

    def clear(self) -> None:
        """Forget everything: the log is another one, or there is no room."""
        self._entries.clear()
        size, self._bytes = self._bytes, 0
        self._shelf.emptied(self, size)

    def covers(self, seq: int) -> bool:
        """Whether `seq` is in it."""
        return bool(self._entries) and self._entries[0].seq <= seq <= self._entries[-1].seq

    def since(self, seq: int) -> Iterator[Entry]:
        """The entries from `seq` on, which must be in it."""
        return islice(self._entries, seq - self._entries[0].seq, None)
