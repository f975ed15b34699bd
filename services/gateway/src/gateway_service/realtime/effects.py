"""What the hub wants done; the gateway does it in the order given. Pure values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from gateway_service.realtime.frames import Frame

Session = Hashable
"""Names one connection; the hub only compares it."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Put `frame` into the queue of each of `sessions`; `at_us` is when an event was committed, 0 when it doesn't matter."""

    sessions: tuple[Session, ...]
    frame: Frame
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class Pump:
    """Call `Hub.pump` for `session` now, and again whenever its queue has drained."""

    session: Session


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get the events after `after` from the messages service and call `Hub.fetched`; ask again until it works."""

    conversation: str
    after: int
    delay_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hold:
    """Call `Hub.hold_expired` after 200 ms: what is missing is most likely under way."""

    conversation: str


@dataclass(frozen=True, slots=True)
class CheckHeads:
    """Ask the messages service for the heads of `conversations` and call `Hub.heads`."""

    conversations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefreshMembers:
    """Fetch what `user` belongs to and call `Hub.members`."""

    user: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe to `conversation`'s group and, once confirmed, check its head: what came before is lost to us."""

    conversation: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Nobody is left: neither in these conversations nor of these people."""

    conversations: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


Effect = Deliver | Pump | Fetch | Hold | CheckHeads | RefreshMembers | Subscribe | Unsubscribe
