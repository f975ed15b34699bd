"""What the token endpoints answer with, in the body or in the cookie."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from auth_service.accounts.selectors.people import own_account
from auth_service.tokens import cookies
from auth_service.tokens.rules.devices import device_name
from auth_service.tokens.services.sessions import Grant, Origin
from auth_service.tokens.signing import access_token
from chatire_shared.http.addresses import client_address

_MAX_ADDRESS_CHARS = 45


def granted(grant: Grant, *, in_cookie: bool, with_user: bool, status: int, now: datetime) -> Response:
    """A session's tokens.

    Args:
        grant: The session and its refresh token.
        in_cookie: Put the refresh token in the cookie, and nowhere else.
        with_user: Say whose it is.
        status: HTTP status.
        now: Time of the request.
    Raises: Unavailable: there is no key to sign with.
    """
    body: dict[str, Any] = {"user": own_account(grant.user)} if with_user else {}
    body["access"] = access_token(grant.user, grant.session.id)
    if not in_cookie:
        body["refresh"] = grant.refresh
    response = Response(body, status=status)
    if in_cookie:
        cookies.set_cookie(response, grant.refresh, grant.session, now=now)
    return response


def origin_of(request: Request) -> Origin:
    """The device and the address of a request."""
    address = client_address(request._request)[:_MAX_ADDRESS_CHARS]  # noqa: SLF001 (DRF offers no other way)
    return Origin(device_name(request.headers.get("User-Agent", "")), address)
