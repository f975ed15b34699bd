"""DRF authentication for the two HTTP services: a person by access token, a service by service token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from chatire_shared.contracts.errors import NotFound, Unauthenticated
from chatire_shared.identity.principal import Principal
from chatire_shared.identity.service_tokens import ServiceVerifier
from chatire_shared.identity.verify import Verifier


def bearer(request: Any) -> str | None:
    """The bearer token of a request, or None without one.

    Raises:
        Unauthenticated: the header is there but isn't `Bearer <token>`.
    """
    return bearer_in(request.META)


def bearer_in(meta: Mapping[str, Any]) -> str | None:
    """The same, of a request's WSGI environment.

    Raises:
        Unauthenticated: as `bearer`.
    """
    header = meta.get("HTTP_AUTHORIZATION")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise Unauthenticated
    return str(token)


class AccessTokenAuthentication(BaseAuthentication):
    """Authenticates a person. Subclass and give it the service's verifier."""

    verifier: Verifier

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        """The principal and the token, or None for an anonymous request."""
        token = bearer(request)
        return None if token is None else (self.verifier.verify(token), token)

    def authenticate_header(self, request: Request) -> str:
        """What a 401 asks for."""
        return "Bearer"


class SignedIn(BasePermission):
    """Lets signed-in people through; anybody else gets 401."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether the request has a principal.

        Raises:
            Unauthenticated: it has none.
        """
        if not isinstance(request.user, Principal):
            raise Unauthenticated
        return True


def require_service(request: Any, verifier: ServiceVerifier, callers: frozenset[str]) -> str:
    """The calling service's name, for internal endpoints.

    Raises:
        NotFound: no valid service token of one of `callers`; an internal path doesn't exist for anybody else.
    """
    try:
        token = bearer(request)
    except Unauthenticated:
        token = None
    return require_caller(token, verifier, callers)


def require_caller(token: str | None, verifier: ServiceVerifier, callers: frozenset[str]) -> str:
    """The same, of a token.

    Raises:
        NotFound: as `require_service`.
    """
    try:
        caller = verifier.verify(token) if token is not None else None
    except Unauthenticated:
        caller = None
    if caller is None or caller not in callers:
        raise NotFound
    return caller


def is_direct_call(meta: Mapping[str, Any], verifier: ServiceVerifier, callers: frozenset[str]) -> bool:
    """Whether one of `callers` calls, and not through the API gateway, by a request's WSGI environment."""
    if "HTTP_X_FORWARDED_FOR" in meta:
        return False
    try:
        require_caller(bearer_in(meta), verifier, callers)
    except (NotFound, Unauthenticated):
        return False
    return True
