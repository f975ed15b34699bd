"""What the hub wants done; the gateway does it in the order given. Pure values."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from gateway_service.realtime.frames import Frame, Run

MAX_RUN_BYTES = 16_384
"""More in one piece would gain nothing, and be more than a socket's way out is meant to hold at once."""

Session = Hashable
"""Names one connection; the hub only compares it."""


@dataclass(frozen=True, slots=True)
class Deliver:
    """Put `frame` into the queue of each of `sessions`; `at_us` is when an event was committed, 0 when it doesn't matter."""

    sessions: tuple[Session, ...]
    frame: Frame
    at_us: int = 0


@dataclass(frozen=True, slots=True)
class DeliverRun:
    """Several `Deliver` to the same sockets, one after the other, as one; `committed_us` has the `at_us` of each."""

    sessions: tuple[Session, ...]
    run: Run
    committed_us: tuple[int, ...]


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


Effect = Deliver | DeliverRun | Pump | Fetch | Hold | CheckHeads | RefreshMembers | Subscribe | Unsubscribe


def in_runs(effects: Sequence[Effect]) -> Sequence[Effect]:
    """The same, with what goes to the same sockets without anything else in between as one."""
    if len(effects) < 2:
        return effects
    found: list[Effect] = []
    run: list[Deliver] = []
    size = 0
    for effect in effects:
        if not isinstance(effect, Deliver) or effect.frame.droppable:
            found += _joined(run)
            found.append(effect)
            run, size = [], 0
            continue
        size += effect.frame.size
        if run and (effect.sessions is not run[0].sessions or size > MAX_RUN_BYTES):
            found += _joined(run)
            run, size = [], effect.frame.size
        run.append(effect)
    return found + _joined(run)


def _joined(run: Sequence[Deliver]) -> list[Effect]:
    if len(run) < 2:
        return list(run)
    whole = Run([effect.frame for effect in run])
    return [DeliverRun(run[0].sessions, whole, tuple(effect.at_us for effect in run))]
