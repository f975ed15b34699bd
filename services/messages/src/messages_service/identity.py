"""Who is calling this service: people by access token, the gateway by service token. Made on first use, once a process."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from rest_framework.request import Request

from chatire_shared.clients.service import ServiceClient
from chatire_shared.identity.changes import Revocations
from chatire_shared.identity.drf import AccessTokenAuthentication
from chatire_shared.identity.jwks import JwksCache
from chatire_shared.identity.principal import Principal
from chatire_shared.identity.service_tokens import ServiceSigner, ServiceVerifier
from chatire_shared.identity.verify import Verifier
from messages_service.people.services.directory import ensure_caller

REVOCATIONS = Revocations()
"""Sessions and accounts that ended lately; filled by the follower of auth's changes (`following.py`)."""


@cache
def keys() -> JwksCache:
    """The public keys of access tokens."""
    return JwksCache.of_auth(settings.AUTH_URL)


@cache
def verifier() -> Verifier:
    """Verifies access tokens, revocations included."""
    return Verifier(
        keys(),
        issuer=settings.TOKEN_ISSUER,
        audience=settings.TOKEN_AUDIENCE,
        is_revoked=REVOCATIONS.covers,
    )


@cache
def service_verifier() -> ServiceVerifier:
    """Verifies the tokens of other services."""
    return ServiceVerifier.from_file("messages", settings.SERVICE_KEYS_FILE)


@cache
def auth_client() -> ServiceClient:
    """Calls auth's internal endpoints."""
    signer = ServiceSigner.from_file("messages", settings.SERVICE_KEY_FILE)
    return ServiceClient(settings.AUTH_URL, "auth", signer)


class PersonAuthentication(AccessTokenAuthentication):
    """Authenticates a person over HTTP."""

    @property
    def verifier(self) -> Verifier:  # type: ignore[override]
        """The process's own verifier; read late, so that importing this module needs no keys."""
        return verifier()

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        """The principal and the token; whoever calls is known to this service from then on."""
        found = super().authenticate(request)
        if found is not None:
            ensure_caller(principal=found[0])
        return found
