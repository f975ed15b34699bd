"""Access tokens: simplejwt's, signed by the current key of the key ring (protocol.md section 3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.tokens import AccessToken

from auth_service.accounts.models import User
from auth_service.tokens.keys import key_ring
from chatire_shared.identity.jws import ALGORITHM, open_header
from chatire_shared.identity.verify import ACCESS_TYP


class KeyRingBackend(TokenBackend):
    """simplejwt's backend with what it lacks: a `kid`, a header type, and keys that may turn while it runs."""

    def encode(self, payload: dict[str, Any]) -> str:
        """Sign `payload` with the current key.

        Raises:
            Unavailable: there is none.
        """
        kid, key = key_ring().signing_key()
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        return jwt.encode(claims, key, algorithm=self.algorithm, headers={"typ": ACCESS_TYP, "kid": kid})

    def get_verifying_key(self, token: Any) -> Any:
        """The published key that the token's header names.

        Raises:
            Unauthenticated: there is no such key.
        """
        return key_ring().get(open_header(str(token), ACCESS_TYP))


class SessionAccessToken(AccessToken):
    """An access token of one session."""

    @property
    def token_backend(self) -> TokenBackend:
        """The key ring's backend instead of simplejwt's global one, which has no key."""
        return KeyRingBackend(ALGORITHM, audience=settings.TOKEN_AUDIENCE, issuer=settings.TOKEN_ISSUER)


def access_token(user: User, session_id: UUID) -> str:
    """A fresh access token for `user` in a session.

    Raises:
        Unavailable: there are no keys to sign with.
    """
    token = SessionAccessToken()
    token["sub"] = str(user.id)
    token["sid"] = str(session_id)
    token["name"] = user.username
    token["display_name"] = user.display_name
    token["role"] = user.role
    return str(token)
