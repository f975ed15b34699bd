"""The refresh token in a browser: in a cookie that no script reads and no other site sends (protocol.md section 3)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from auth_service.tokens.models import RefreshSession
from auth_service.tokens.rules.origins import may_use_cookie
from auth_service.tokens.rules.refresh_tokens import ABSOLUTE_LIFE
from chatire_shared.contracts.errors import Forbidden
from chatire_shared.http.addresses import is_trusted_proxy

_PATH = "/api/auth/"


def uses_cookie(request: HttpRequest) -> bool:
    """Whether the client asks for the cookie transport.

    Raises: Forbidden: it does, but not from a page of ours.
    """
    if request.headers.get("X-Refresh-Transport") != "cookie":
        return False
    if not may_use_cookie(
        request.headers.get("Origin"),
        own_scheme=_scheme(request),
        own_host=request.headers.get("Host", ""),
        allowed={settings.PUBLIC_ORIGIN, *settings.ALLOWED_ORIGINS},
    ):
        message = "Refresh cookies work from this server's own pages only."
        raise Forbidden(message)
    return True


def read_cookie(request: HttpRequest) -> str:
    """The refresh token in the request's cookie, empty without one."""
    return request.COOKIES.get(cookie_name(), "")


def set_cookie(response: HttpResponseBase, refresh: str, session: RefreshSession, *, now: datetime) -> None:
    """Put the refresh token in the answer's cookie, for as long as its session may live."""
    rest = session.created_at + ABSOLUTE_LIFE - now
    response.set_cookie(
        cookie_name(),
        refresh,
        max_age=max(0, int(rest.total_seconds())),
        path=_PATH,
        secure=_is_secure(),
        httponly=True,
        samesite="Strict",
    )


def clear_cookie(response: HttpResponseBase) -> None:
    """Take the cookie back, with the attributes that it was set with: browsers ignore others for `__Secure-`."""
    response.set_cookie(cookie_name(), "", max_age=0, path=_PATH, secure=_is_secure(), httponly=True, samesite="Strict")


def cookie_name() -> str:
    """The cookie's name; the prefix makes browsers insist on HTTPS, so plain-HTTP development hosts go without."""
    return "__Secure-chatire_refresh" if _is_secure() else "chatire_refresh"


def _is_secure() -> bool:
    return bool(settings.PUBLIC_ORIGIN.startswith("https://"))


def _scheme(request: HttpRequest) -> str:
    """The scheme that the browser used: the API gateway says so when it ended TLS."""
    forwarded = request.headers.get("X-Forwarded-Proto")
    return forwarded if forwarded in {"http", "https"} and is_trusted_proxy(request) else str(request.scheme)
