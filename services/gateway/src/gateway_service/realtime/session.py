"""One socket's standing: who it belongs to, what it may do now, when it must have spoken. Pure; time comes in.

WAITING ── auth ──> ADMITTING ── let in ──> OPEN ──> CLOSED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from uuid import UUID

from chatire_shared.contracts import close_codes
from chatire_shared.identity.principal import Principal
from gateway_service.realtime import protocol

HEARTBEAT_SECONDS = 25
SILENCE_SECONDS = 2 * HEARTBEAT_SECONDS
AUTH_SECONDS = 10
WARN_SECONDS = 60
TYPING_SECONDS = 1.0
TYPING_FRAMES = 2
MAX_TYPING_PLACES = 256
FLOOD_RATE = 100
FLOOD_BURST = 1_000
"""Over 100 frames a second for 10 s: a bucket of 1,000 that refills by 100 a second."""


class Phase(Enum):
    """How far a socket has come."""

    WAITING = "waiting"
    ADMITTING = "admitting"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Admission:
    """What the first frame asks for; `token` is None when the handshake carried it."""

    token: str | None
    cursors: Mapping[str, int]
    epochs: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Close:
    """The socket must be closed with this code."""

    code: int
    reason: str


@dataclass(slots=True)
class Session:
    """The state of one socket.

    Attributes:
        header_token: Token of the handshake's `Authorization` header, if it had one.
        opened_at: Monotonic seconds of the handshake.
        heard_at: Monotonic seconds of the latest frame.
        warned: Whether the client was told that its token ends soon.
        session_ids: Sessions of all tokens it was opened with; ending the newest ends the socket.
        limits: Whether floods are refused.
    """

    opened_at: float
    header_token: str | None = None
    limits: bool = True
    phase: Phase = Phase.WAITING
    principal: Principal | None = None
    token: str | None = None
    heard_at: float = 0.0
    warned: bool = False
    session_ids: tuple[UUID, ...] = ()
    _flood_full_at: float = 0.0
    _typed: dict[str, tuple[float, int]] | None = None

    def __post_init__(self) -> None:
        self.heard_at = self.opened_at

    @property
    def expires_at(self) -> float:
        """Unix seconds of the token's end; 0 while there is none."""
        return 0.0 if self.principal is None else self.principal.expires_at

    def heard(self, now: float) -> Close | None:
        """Note a frame; says when there are too many of them."""
        self.heard_at = now
        if not self.limits:
            return None
        self._flood_full_at = max(self._flood_full_at, now) + 1 / FLOOD_RATE
        if self._flood_full_at - now > FLOOD_BURST / FLOOD_RATE:
            return Close(close_codes.RATE_LIMITED, "too many frames")
        return None

    def first_frame(self, frame: protocol.ClientFrame | protocol.Refusal) -> Admission | Close:
        """What a frame before `ready` means: only `auth`, or `resume` after an authorised handshake, is one."""
        if self.phase is Phase.WAITING and isinstance(frame, protocol.Auth):
            return Admission(frame.token, frame.cursors or {}, frame.epochs)
        if self.phase is Phase.WAITING and isinstance(frame, protocol.Resume) and self.header_token:
            return Admission(None, frame.cursors, frame.epochs)
        return Close(close_codes.UNAUTHENTICATED, "auth comes first")

    def admitted(self, principal: Principal, token: str) -> None:
        """The token was verified, at first or again."""
        self.principal = principal
        self.token = token
        if principal.session_id not in self.session_ids:
            self.session_ids += (principal.session_id,)
        self.warned = False

    def may_type(self, conversation: str, now: float) -> bool:
        """Whether a `typing` frame is passed on: two a second for each conversation, so that "stopped" follows "started"."""
        if self._typed is None:
            self._typed = {}
        since, count = self._typed.get(conversation, (-TYPING_SECONDS, 0))
        if now - since >= TYPING_SECONDS:
            since, count = now, 0
        if count >= TYPING_FRAMES:
            return False
        if conversation not in self._typed and len(self._typed) >= MAX_TYPING_PLACES:
            del self._typed[next(iter(self._typed))]
        self._typed[conversation] = since, count + 1
        return True

    def overdue(self, now: float, unix_now: float) -> Close | None:
        """Why the socket must end at this moment, if it must."""
        if self.phase in {Phase.WAITING, Phase.ADMITTING}:
            late = self.phase is Phase.WAITING and now - self.opened_at >= AUTH_SECONDS
            return Close(close_codes.NO_AUTH_IN_TIME, "no auth in time") if late else None
        if unix_now >= self.expires_at:
            return Close(close_codes.UNAUTHENTICATED, "token expired")
        if now - self.heard_at >= SILENCE_SECONDS:
            return Close(close_codes.NO_AUTH_IN_TIME, "silent for too long")
        return None

    def should_warn(self, unix_now: float) -> bool:
        """Whether the client must now be told that its token ends within a minute; true once for each token."""
        if self.phase is Phase.OPEN and not self.warned and unix_now >= self.expires_at - WARN_SECONDS:
            self.warned = True
            return True
        return False

    def next_look(self, now: float, unix_now: float) -> float:
        """Monotonic seconds at which `overdue` or `should_warn` can change at the earliest."""
        if self.phase is not Phase.OPEN:
            return max(self.opened_at + AUTH_SECONDS, now + 1)
        ends = self.expires_at if self.warned else self.expires_at - WARN_SECONDS
        return min(self.heard_at + SILENCE_SECONDS, now + ends - unix_now)
