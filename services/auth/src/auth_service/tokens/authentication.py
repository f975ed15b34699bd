"""Who is calling auth's own API: the access token, and then the session's row, so that revocation holds at once (R18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from auth_service.accounts.models import User
from auth_service.tokens.keys import KeyRing, key_ring
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services import sessions
from chatire_shared.contracts.errors import TokenRevoked
from chatire_shared.identity.drf import bearer
from chatire_shared.identity.principal import Principal
from chatire_shared.identity.verify import Verifier


@dataclass(frozen=True, slots=True)
class Caller:
    """`request.auth`: the rows behind a verified token."""

    session: RefreshSession
    user: User


class SessionAuthentication(BaseAuthentication):
    """Verifies the access token as every service does, then looks the session up."""

    def authenticate(self, request: Request) -> tuple[Principal, Caller] | None:
        """The principal and the rows, or None for an anonymous request.

        Raises:
            Unauthenticated, TokenExpired: not a usable token.
            TokenRevoked: the session was ended or the account disabled.
        """
        token = bearer(request)
        if token is None:
            return None
        ring = key_ring()
        ring.keys()  # Notices a rotation, after which remembered verifications are void.
        principal = _verifier_of(ring).verify(token)
        return principal, _caller_of(principal)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


def caller_of(request: Request) -> Caller:
    """The rows behind a request that `SignedIn` let through."""
    assert isinstance(request.auth, Caller)  # noqa: S101 (for the type checker; the permission said so)
    return request.auth


def _caller_of(principal: Principal) -> Caller:
    session = RefreshSession.objects.select_related("user").filter(id=principal.session_id).first()
    if session is None or session.user_id != principal.user_id:
        raise TokenRevoked
    if session.revoked_at is not None or not session.user.is_active:
        raise TokenRevoked
    sessions.mark_seen(session_id=session.id, seen_at=session.seen_at, now=datetime.now(UTC))
    return Caller(session, session.user)


@cache
def _verifier_of(ring: KeyRing) -> Verifier:
    verifier = Verifier(ring, issuer=settings.TOKEN_ISSUER, audience=settings.TOKEN_AUDIENCE)
    ring.on_change(verifier.forget)
    return verifier
