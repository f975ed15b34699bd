"""WebSocket close codes of chatire.v1 (protocol.md section 5). The web client's copy is checked against this one."""

from __future__ import annotations

GOING_AWAY = 1001
INTERNAL_ERROR = 1011
RESTARTING = 1012
MALFORMED = 4400
UNAUTHENTICATED = 4401
FORBIDDEN_ORIGIN = 4403
NO_AUTH_IN_TIME = 4408
SESSION_REVOKED = 4409
FRAME_TOO_LARGE = 4413
RATE_LIMITED = 4429
TOO_SLOW = 4430
TOO_MANY_CONNECTIONS = 4431

STOP = frozenset({MALFORMED, FORBIDDEN_ORIGIN, FRAME_TOO_LARGE})
"""A bug or an attack: a client stops."""
REFRESH_FIRST = frozenset({UNAUTHENTICATED})
"""A client refreshes its token, then reconnects."""
SIGN_OUT = frozenset({SESSION_REVOKED})
"""The session is over: a client signs out."""
