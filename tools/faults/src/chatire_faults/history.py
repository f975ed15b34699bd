"""What everybody remembers of a campaign: what was sent, what each device was shown, what is stored. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

CREATED, EDITED, DELETED = "message.created", "message.edited", "message.deleted"


@dataclass(slots=True)
class Sent:
    """One message somebody wanted to have stored, however often it went out.

    Attributes:
        acks: The `seq` of every acknowledgement, over whatever way it came.
        refused: Why the server will not have it, if it said so.
        message_id: Its id, known from the acknowledgement.
    """

    client_id: str
    conversation: str
    sender: str
    body: str
    at: float
    acks: list[int] = field(default_factory=list)
    acked_at: float | None = None
    refused: str | None = None
    message_id: str | None = None


@dataclass(slots=True)
class Change:
    """An edit or a deletion of a message that was acknowledged; `answered`: the server said that it is done."""

    kind: str
    conversation: str
    message_id: str
    body: str | None
    answered: bool = False


class What(Enum):
    """What a device noted."""

    PLACED = "placed"  # It goes on after `seq`: first `ready`, `joined`, a raised `visible_from_seq`.
    SHOWN = "shown"  # An event came over the socket.
    RESYNCED = "resynced"  # It goes on after `seq`, and owes itself what lies between.
    FETCHED = "fetched"  # An event was fetched by HTTP, as `resync` asks for.
    LEFT = "left"  # It is no member any more.


@dataclass(frozen=True, slots=True)
class Note:
    """A line of a device's log, noted at `at`, on a connection that was ready at `since`."""

    what: What
    conversation: str
    seq: int
    at: float = 0.0
    kind: str = ""
    body: str | None = None
    since: float = 0.0


@dataclass(slots=True)
class Device:
    """A device's log, in the order in which things happened to it; `offline`: seconds, each time it lost its line."""

    name: str
    user: str
    direct: bool = True  # False: its line went through a fault proxy.
    log: list[Note] = field(default_factory=list)
    connections: int = 0
    resyncs: int = 0
    offline: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event as HTTP tells it after quiescence."""

    seq: int
    kind: str
    at: float
    data: dict[str, Any]


@dataclass(slots=True)
class Stored:
    """One conversation as it is after quiescence; `hides_past`: who joins sees nothing from before."""

    conversation: str
    last_seq: int
    events: list[StoredEvent]
    hides_past: bool = False

    def spans(self, user: str) -> list[tuple[int, int | None]]:
        """When somebody was a member: (seq of the joining, seq of the removal or None)."""
        spans: list[tuple[int, int | None]] = []
        for event in self.events:
            if event.data.get("user_id") != user:
                continue
            if event.kind == "member.added":
                spans.append((event.seq, None))
            elif event.kind == "member.removed" and spans:
                spans[-1] = (spans[-1][0], event.seq)
        return spans


@dataclass(slots=True)
class History:
    """All of it."""

    sent: list[Sent]
    devices: list[Device]
    stored: list[Stored]
    changes: list[Change] = field(default_factory=list)
