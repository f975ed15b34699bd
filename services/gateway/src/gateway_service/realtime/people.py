"""What a gateway process knows of one person: their sockets, and how new its knowledge of their memberships is. Pure state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from gateway_service.realtime.effects import Session

MAX_EARLY_NOTES = 200
_NONE: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Membership:
    """One conversation of a person, as the messages service tells it."""

    conversation: str
    kind: str
    epoch: str
    visible_from_seq: int
    last_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class Memberships:
    """All that a person belongs to, read at one moment; `version` goes up whenever it changes."""

    user: str
    version: int
    by_conversation: Mapping[str, Membership]


@dataclass(frozen=True, slots=True)
class Note:
    """`joined` or `left` as it came over the person's own group; `visible_from_seq` and `epoch` are of `joined` only."""

    joined: bool
    user: str
    conversation: str
    seq: int
    version: int
    visible_from_seq: int = 1
    epoch: str = ""


class Person:
    """A person with sockets here; most have one, and nothing else to remember: so nothing is made before it is needed.

    Attributes:
        sessions: Their open sockets.
        arriving: How many more are being let in.
        version: Of the newest memberships that all their sockets were told of; None before the first.
        early: Notes that came before those.
        ended: By conversation, the seq of the removal that was delivered last.
        idle_since: When the last socket was seen gone.
    """

    __slots__ = ("arriving", "early", "ended", "id", "idle_since", "sessions", "version")

    def __init__(self, id: str) -> None:  # noqa: A002 (the field's name)
        self.id = id
        self.sessions: tuple[Session, ...] = ()
        self.arriving = 0
        self.version: int | None = None
        self.early: Sequence[Note] = ()
        self.ended: Mapping[str, int] = _NONE
        self.idle_since: float | None = None

    @property
    def is_gone(self) -> bool:
        """Whether nobody here needs to know about them."""
        return not self.sessions and not self.arriving

    def came(self, session: Session) -> None:
        """One more socket of theirs is open."""
        self.sessions = (*self.sessions, session)

    def went(self, session: Session) -> None:
        """One is closed."""
        self.sessions = tuple(each for each in self.sessions if each != session)

    def left(self, conversation: str, seq: int) -> None:
        """The removal at `seq` was delivered."""
        self.ended = {**self.ended, conversation: seq}

    def keep_for_later(self, note: Note) -> None:
        """Remember a note until the memberships that it may already be part of are here."""
        if len(self.early) < MAX_EARLY_NOTES:
            self.early = (*self.early, note)


def memberships_from_answer(user: str, answer: Mapping[str, Any]) -> Memberships:
    """The memberships in the answer of `GET /internal/users/{id}/memberships/`.

    Raises:
        KeyError, TypeError, ValueError: it isn't such an answer.
    """
    listed = [_membership(item) for item in answer["conversations"]]
    return Memberships(user, int(answer["membership_version"]), {item.conversation: item for item in listed})


def _membership(item: Mapping[str, Any]) -> Membership:
    return Membership(
        conversation=str(item["id"]),
        kind=str(item["kind"]),
        epoch=str(item["epoch"]),
        visible_from_seq=int(item["visible_from_seq"]),
        last_seq=int(item["last_seq"]),
        read_seq=int(item["read_seq"]),
    )
