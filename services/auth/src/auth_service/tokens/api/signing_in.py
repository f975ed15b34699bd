"""`register/`, `token/` and `token/refresh/`: the ways to an access token."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auth_service.accounts.services.creating import NewAccount
from auth_service.accounts.services.credentials import check_credentials
from auth_service.tokens import cookies, limits
from auth_service.tokens.api.answers import granted, origin_of
from auth_service.tokens.api.bodies import EmptyBody, RefreshBody, RegisterBody, SignInBody
from auth_service.tokens.keys import key_ring
from auth_service.tokens.services.refreshing import rotate_refresh_token
from auth_service.tokens.services.registering import register
from auth_service.tokens.services.sessions import open_session
from chatire_shared.contracts.errors import InvalidCredentials

logger = logging.getLogger("chatire.auth.tokens")


class PublicView(APIView):
    """For everybody; an `Authorization` header that came along is not looked at."""

    authentication_classes = ()
    permission_classes = ()


class RegisterView(PublicView):
    """Make an account and sign it in."""

    def post(self, request: Request) -> Response:
        """201 with the account and its tokens."""
        in_cookie = cookies.uses_cookie(request._request)  # noqa: SLF001
        body = RegisterBody(data=request.data)
        body.is_valid(raise_exception=True)
        origin, now = origin_of(request), datetime.now(UTC)
        limits.require_registration(origin.address)
        key_ring().keys()  # Without keys there would be an account, but no answer.
        data = body.validated_data
        account = NewAccount(data["username"], data["email"], data.get("display_name", ""), password_hash="")
        grant = register(account=account, password=data["password"], origin=origin, now=now)
        return granted(grant, in_cookie=in_cookie, with_user=True, status=201, now=now)


class TokenView(PublicView):
    """Sign in."""

    def post(self, request: Request) -> Response:
        """200 with the account and its tokens."""
        in_cookie = cookies.uses_cookie(request._request)  # noqa: SLF001
        body = SignInBody(data=request.data)
        body.is_valid(raise_exception=True)
        origin, now = origin_of(request), datetime.now(UTC)
        name = body.validated_data["username"]
        limits.require_sign_in(name, origin.address)
        try:
            user = check_credentials(name=name, password=body.validated_data["password"])
            grant = open_session(user=user, origin=origin, now=now)
        except InvalidCredentials:
            # Never the name: people type passwords into the wrong field.
            logger.info("sign-in failed", extra={"address": origin.address})
            raise
        return granted(grant, in_cookie=in_cookie, with_user=True, status=200, now=now)


class RefreshView(PublicView):
    """Continue a session."""

    def post(self, request: Request) -> Response:
        """200 with the next tokens."""
        in_cookie = cookies.uses_cookie(request._request)  # noqa: SLF001
        body = EmptyBody(data=request.data) if in_cookie else RefreshBody(data=request.data)
        body.is_valid(raise_exception=True)
        text = cookies.read_cookie(request._request) if in_cookie else body.validated_data["refresh"]  # noqa: SLF001
        key_ring().keys()  # Without keys the token would be spent for nothing.
        now = datetime.now(UTC)
        grant = rotate_refresh_token(text=text, now=now)
        return granted(grant, in_cookie=in_cookie, with_user=False, status=200, now=now)
