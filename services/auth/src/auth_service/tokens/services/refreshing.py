"""Continuing a session: one refresh token for the next, claimed atomically (security.md F3, R14 to R17)."""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction

from auth_service.tokens.models import RefreshSession
from auth_service.tokens.rules import refresh_tokens
from auth_service.tokens.rules.refresh_tokens import RefreshToken, Verdict
from auth_service.tokens.services.sessions import Grant, end_sessions
from chatire_shared.contracts.errors import (
    ChatireError,
    TokenExpired,
    TokenReused,
    TokenRevoked,
    Unauthenticated,
)
from chatire_shared.crash_points import hit

logger = logging.getLogger("chatire.auth.tokens")

_REFUSALS: dict[Verdict, type[ChatireError]] = {
    Verdict.REUSED: TokenReused,
    Verdict.REVOKED: TokenRevoked,
    Verdict.EXPIRED: TokenExpired,
    Verdict.UNKNOWN: Unauthenticated,
}
_EXPIRED_DETAIL = "This session is over; sign in again."


def rotate_refresh_token(*, text: str, now: datetime) -> Grant:
    """Spend a refresh token and get its successor.

    Args:
        text: The token as the client sent it.
        now: Aware UTC time of the request.
    Returns: the session and the successor; the same one again when the token just spent comes back within 10 s.

    Raises:
        Unauthenticated: not a token of a session.
        TokenReused: it was spent before; the whole session is ended now.
        TokenRevoked: the session was ended.
        TokenExpired: the session is over 30 days old or was idle for 7.
    Guarantees: of any number of uses at once exactly one rotates. Locks: the session's row.
    """
    keys = refresh_tokens.derive_keys(settings.SECRET_KEY)
    token = refresh_tokens.parse(text, keys)
    if token is None:
        raise Unauthenticated
    successor = refresh_tokens.successor_of(token, keys)
    verdict = Verdict.REPEAT if _claim(token, successor, now) else _judge(token, successor, now)
    if verdict is Verdict.REUSED:
        _end_for_reuse(token, now)
    if verdict in _REFUSALS:
        raise _REFUSALS[verdict](_EXPIRED_DETAIL if verdict is Verdict.EXPIRED else None)
    hit("auth.after_rotation")
    session = RefreshSession.objects.select_related("user").get(id=token.session_id)
    return Grant(session, session.user, successor.text)


def _claim(token: RefreshToken, successor: RefreshToken, now: datetime) -> bool:
    """Rotate if `token` is the live, current one: a single conditional UPDATE, so of many at once one wins.

    Every condition is on the row itself. A join would be decided before the row lock is got, and two could win. A
    disabled account needs no condition: disabling ends its sessions in the same transaction.
    """
    live = RefreshSession.objects.filter(
        id=token.session_id,
        generation=token.generation,
        token_hash=token.stored_hash,
        revoked_at=None,
        created_at__gt=now - refresh_tokens.ABSOLUTE_LIFE,
        seen_at__gt=now - refresh_tokens.IDLE_LIFE,
    )
    claimed = live.update(
        generation=successor.generation,
        token_hash=successor.stored_hash,
        rotated_at=now,
        seen_at=now,
    )
    return claimed == 1


def _judge(token: RefreshToken, successor: RefreshToken, now: datetime) -> Verdict:
    session = RefreshSession.objects.filter(id=token.session_id).first()
    state = (
        None
        if session is None
        else refresh_tokens.SessionState(
            generation=session.generation,
            token_hash=bytes(session.token_hash),
            created_at=session.created_at,
            seen_at=session.seen_at,
            rotated_at=session.rotated_at,
            revoked=session.revoked_at is not None,
        )
    )
    return refresh_tokens.judge(token, successor, state, now=now)


def _end_for_reuse(token: RefreshToken, now: datetime) -> None:
    """End the family: either its holder or a thief has an old token, and nobody can tell which."""
    logger.warning("a spent refresh token came back; its session is ended", extra={"session": str(token.session_id)})
    with transaction.atomic():
        end_sessions(RefreshSession.objects.filter(id=token.session_id), now=now)
