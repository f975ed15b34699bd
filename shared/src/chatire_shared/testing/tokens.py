"""Access and service tokens for tests, made with keys of the test's own."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID, uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatire_shared.contracts.errors import Unauthenticated


class TokenMint:
    """Issues what auth would issue; also a key source for a `Verifier`."""

    def __init__(self, kid: str = "test-key", issuer: str = "chatire", audience: str = "chatire") -> None:
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.kid = kid
        self.issuer = issuer
        self.audience = audience

    def get(self, kid: str) -> ec.EllipticCurvePublicKey:
        """The public key, for a `Verifier`."""
        if kid != self.kid:
            raise Unauthenticated
        return self.private_key.public_key()

    def is_at_hand(self, kid: str) -> bool:
        """Whether it is ours."""
        return kid == self.kid

    def claims(self, user_id: UUID | None = None, username: str = "ada", **changes: Any) -> dict[str, Any]:
        """Valid claims; `changes` replaces some, and None leaves one out."""
        now = int(time.time())
        claims = {
            "sub": str(user_id or uuid4()),
            "sid": str(uuid4()),
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + 600,
            "iss": self.issuer,
            "aud": self.audience,
            "token_type": "access",
            "name": username,
            "display_name": username.title(),
            "role": "member",
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def access(self, user_id: UUID | None = None, username: str = "ada", **changes: Any) -> str:
        """A signed access token."""
        return self.sign(self.claims(user_id, username, **changes))

    def sign(self, claims: dict[str, Any], **headers: Any) -> str:
        """Any claims under a valid signature."""
        return jwt.encode(
            claims, self.private_key, algorithm="ES256", headers={"typ": "at+jwt", "kid": self.kid} | headers
        )

    def jwks(self) -> dict[str, Any]:
        """The JWK set that auth would publish."""
        return {"keys": [public_jwk(self.private_key.public_key(), self.kid)]}

    def pem(self) -> bytes:
        """The private key as a PEM file holds it."""
        return self.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def public_jwk(key: ec.EllipticCurvePublicKey, kid: str) -> dict[str, Any]:
    """A public key as a JWK (RFC 7517)."""
    jwk = json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(key))
    return {**jwk, "kid": kid, "use": "sig", "alg": "ES256"}
