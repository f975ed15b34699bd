"""`sessions/`, `logout/` and `password/change/`: what a signed-in person does about being signed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auth_service.tokens import cookies, limits, selectors
from auth_service.tokens.api.answers import origin_of
from auth_service.tokens.api.bodies import LogoutBody, PasswordChangeBody, require_good_password
from auth_service.tokens.authentication import caller_of
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services.passwords import change_password
from auth_service.tokens.services.sessions import revoke_other_sessions, revoke_session
from chatire_shared.contracts.times import rfc3339


class SessionsView(APIView):
    """All of one's sessions."""

    def get(self, request: Request) -> Response:
        """The live ones, newest first."""
        caller = caller_of(request)
        sessions = selectors.list_live_sessions(user_id=caller.user.id, now=datetime.now(UTC))
        return Response({"sessions": [_session(session, caller.session.id) for session in sessions]})

    def delete(self, request: Request) -> Response:
        """End all but this one."""
        caller = caller_of(request)
        revoke_other_sessions(user_id=caller.user.id, keep_id=caller.session.id, now=datetime.now(UTC))
        return Response(status=204)


class SessionView(APIView):
    """One of one's sessions."""

    def delete(self, request: Request, session_id: UUID) -> Response:
        """End it."""
        revoke_session(session_id=session_id, user_id=caller_of(request).user.id, now=datetime.now(UTC))
        return Response(status=204)


class LogoutView(APIView):
    """End this session."""

    def post(self, request: Request) -> Response:
        """End it, and take the cookie back."""
        in_cookie = cookies.uses_cookie(request._request)  # noqa: SLF001
        LogoutBody(data=request.data).is_valid(raise_exception=True)
        caller = caller_of(request)
        revoke_session(session_id=caller.session.id, user_id=caller.user.id, now=datetime.now(UTC))
        response = Response(status=204)
        if in_cookie:
            cookies.clear_cookie(response)
        return response


class PasswordChangeView(APIView):
    """Change one's password."""

    def post(self, request: Request) -> Response:
        """Change it; all other sessions end."""
        caller = caller_of(request)
        body = PasswordChangeBody(data=request.data)
        body.is_valid(raise_exception=True)
        old, new = body.validated_data["old"], body.validated_data["new"]
        require_good_password(new, caller.user.username, caller.user.email, field="new")
        # A stolen access token must not be a way to guess the password faster than by signing in.
        limits.require_sign_in(caller.user.username, origin_of(request).address)
        change_password(user=caller.user, session_id=caller.session.id, old=old, new=new, now=datetime.now(UTC))
        return Response(status=204)


def _session(session: RefreshSession, current_id: UUID) -> dict[str, Any]:
    return {
        "id": str(session.id),
        "device": session.device,
        "address": session.address,
        "created_at": rfc3339(session.created_at),
        "seen_at": rfc3339(session.seen_at),
        "current": session.id == current_id,
    }
