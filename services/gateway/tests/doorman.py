"""The pure part of every socket's life beside its events: `Session`, `Wheel` and `protocol`, in seconds that a test turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from truth import id_of

from chatire_shared.contracts import close_codes
from chatire_shared.identity.principal import Principal
from gateway_service.realtime import protocol
from gateway_service.realtime.session import (
    AUTH_SECONDS,
    SILENCE_SECONDS,
    WARN_SECONDS,
    Admission,
    Close,
    Phase,
    Session,
)
from gateway_service.realtime.wheel import Wheel

UNIX = 1_790_000_000
"""Unix seconds when the monotonic clock is 0."""
LATE_SECONDS = 1.0
"""The wheel's grain: what is due happens within it."""


@dataclass
class Guest:
    """One socket as the door knows it."""

    session: Session
    warned: list[float] = field(default_factory=list)
    code: int | None = None


class Doorman:
    """Does with sessions what the gateway does, without waiting, and checks each second that nobody stays too long."""

    def __init__(self, on_close: Callable[[str], None]) -> None:
        self.now = 0.0
        self.guests: dict[str, Guest] = {}
        self.ended = 0
        self._wheel: Wheel[str] = Wheel(0.0)
        self._on_close = on_close

    @property
    def unix(self) -> float:
        return UNIX + self.now

    def forget_all(self) -> None:
        """The process died."""
        self.guests.clear()
        self._wheel = Wheel(self.now)

    def knock(self, name: str, *, header: str | None = None) -> None:
        """A socket was accepted."""
        self.guests[name] = Guest(Session(self.now, header_token=header))
        self._look_later(name)

    def first(self, name: str, text: str) -> Admission | None:
        """Its first frame, as text; None when it was closed for it."""
        session = self.guests[name].session
        assert session.heard(self.now) is None
        wanted = session.first_frame(protocol.parse(text))
        if isinstance(wanted, Close):
            self._close(name, wanted.code)
            return None
        session.phase = Phase.ADMITTING
        principal = principal_of(wanted.token or session.header_token or "")
        if principal is None or principal.expires_at <= self.unix:
            self._close(name, close_codes.UNAUTHENTICATED)
            return None
        session.admitted(principal, wanted.token or "")
        return wanted

    def opened(self, name: str) -> None:
        """It was let in."""
        session = self.guests[name].session
        session.phase = Phase.OPEN
        session.heard_at = self.now
        self._look_later(name)

    def says(self, name: str, text: str) -> protocol.ClientFrame | protocol.Refusal:
        """A later frame of an open socket."""
        guest = self.guests[name]
        assert guest.session.heard(self.now) is None
        frame = protocol.parse(text)
        if isinstance(frame, protocol.Auth):
            self._again(name, frame.token)
        return frame

    def _again(self, name: str, token: str) -> None:
        guest, principal = self.guests[name], principal_of(token)
        assert guest.session.principal is not None
        is_good = principal is not None and principal.expires_at > self.unix
        if principal is None or not is_good or principal.user_id != guest.session.principal.user_id:
            self._close(name, close_codes.UNAUTHENTICATED)
            return
        guest.session.admitted(principal, token)
        guest.warned.clear()
        self._look_later(name)

    def revoke(self, session_id: UUID) -> None:
        """Auth ended a session: whoever is here by it now goes; a socket that moved on to another session stays."""
        for name, guest in list(self.guests.items()):
            principal = guest.session.principal
            if principal is not None and principal.session_id == session_id:
                self._close(name, close_codes.SESSION_REVOKED)

    def left(self, name: str) -> None:
        """It is gone."""
        if self.guests.pop(name, None) is not None:
            self._wheel.remove(name)

    def turn(self, seconds: int) -> None:
        """Let seconds pass, looking at the wheel in each."""
        for _ in range(seconds):
            self.now += 1.0
            for name in self._wheel.turn(self.now):
                self._look(name)
            for name, guest in self.guests.items():
                self._assert_is_welcome(name, guest)

    def _look(self, name: str) -> None:
        guest = self.guests[name]
        if guest.session.should_warn(self.unix):
            guest.warned.append(self.unix)
        end = guest.session.overdue(self.now, self.unix)
        if end is None:
            self._look_later(name)
        else:
            self._assert_is_due(guest.session, end)
            self._close(name, end.code)

    def _look_later(self, name: str) -> None:
        self._wheel.put(name, self.guests[name].session.next_look(self.now, self.unix))

    def _close(self, name: str, code: int) -> None:
        guest = self.guests.pop(name)
        guest.code = code
        guest.session.phase = Phase.CLOSED
        self._wheel.remove(name)
        self.ended += 1
        self._on_close(name)

    # The law

    def _assert_is_due(self, session: Session, end: Close) -> None:
        """Nobody is sent away too early, or for the wrong reason."""
        silent, age = self.now - session.heard_at, self.now - session.opened_at
        if end.code == close_codes.UNAUTHENTICATED:
            assert self.unix >= session.expires_at
        elif session.phase is Phase.WAITING:
            assert (end.code, age >= AUTH_SECONDS) == (close_codes.NO_AUTH_IN_TIME, True)
        else:
            assert (end.code, silent >= SILENCE_SECONDS) == (close_codes.NO_AUTH_IN_TIME, True)

    def _assert_is_welcome(self, name: str, guest: Guest) -> None:
        """Nobody stays too long, and whoever is about to be sent away was warned once."""
        session = guest.session
        if session.phase is Phase.WAITING:
            assert self.now - session.opened_at <= AUTH_SECONDS + LATE_SECONDS, f"{name} said nothing and is here"
        elif session.phase is Phase.OPEN:
            assert self.unix <= session.expires_at + LATE_SECONDS, f"{name} outlives its token"
            assert self.now - session.heard_at <= SILENCE_SECONDS + LATE_SECONDS, f"{name} is silent and here"
            left = session.expires_at - self.unix
            assert len(guest.warned) <= 1, f"{name} was warned twice"
            assert guest.warned or left >= WARN_SECONDS - LATE_SECONDS, f"{name} was not warned, with {left} s left"


def token_of(user: str, session: int, expires_at: float) -> str:
    """A token that says what it means; verifying real ones is another test's business."""
    return f"{user}/{session}/{int(expires_at)}"


def principal_of(token: str) -> Principal | None:
    """Whose it is, or None when it is no token."""
    parts = token.split("/")
    if len(parts) != 3:
        return None
    user, session, expires_at = parts
    return Principal(UUID(user), session_id(user, int(session)), user[:8], user[:8], "member", int(expires_at))


def session_id(user: str, number: int) -> UUID:
    """The id of a person's numbered session."""
    return uuid5(UUID(user), str(number))


def auth(token: str, cursors: Mapping[str, int] | None = None, epochs: Mapping[str, str] | None = None) -> str:
    """An `auth` frame."""
    frame = {
        "type": "auth",
        "token": token,
        **({} if cursors is None else {"cursors": cursors, "epochs": epochs or {}}),
    }
    return json.dumps(frame)


def resume(cursors: Mapping[str, int], epochs: Mapping[str, str] | None = None) -> str:
    """A `resume` frame."""
    return json.dumps({"type": "resume", "cursors": cursors, "epochs": epochs or {}})


PING = json.dumps({"type": "ping", "n": 1})
NOBODY = id_of("nobody")
