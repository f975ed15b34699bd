"""What a client does after each close code (protocol.md section 5, last table)."""

from __future__ import annotations

from enum import Enum

MALFORMED = 4400
UNAUTHENTICATED = 4401
FORBIDDEN_ORIGIN = 4403
NO_AUTH_IN_TIME = 4408
SESSION_REVOKED = 4409
FRAME_TOO_LARGE = 4413
RATE_LIMITED = 4429
TOO_SLOW = 4430
TOO_MANY_CONNECTIONS = 4431
ABNORMAL = 1006


class Then(Enum):
    """The answer to a close."""

    STOP = "stop"
    REFRESH = "refresh, then reconnect"
    SIGN_OUT = "sign out"
    LATER = "reconnect later"
    RECONNECT = "reconnect"


_THEN = {
    MALFORMED: Then.STOP,
    FORBIDDEN_ORIGIN: Then.STOP,
    FRAME_TOO_LARGE: Then.STOP,
    UNAUTHENTICATED: Then.REFRESH,
    SESSION_REVOKED: Then.SIGN_OUT,
    NO_AUTH_IN_TIME: Then.LATER,
    RATE_LIMITED: Then.LATER,
    TOO_SLOW: Then.LATER,
    TOO_MANY_CONNECTIONS: Then.LATER,
}


def after(code: int) -> Then:
    """What to do after `code`; one nobody knows is a reason to reconnect."""
    return _THEN.get(code, Then.RECONNECT)
