"""How services prove themselves to each other (docs/internal.md, "Service tokens"; security.md R5, R6)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chatire_shared.contracts.errors import TokenExpired, Unauthenticated
from chatire_shared.contracts.strict_json import loads
from chatire_shared.identity.jwks import Keys, parse_jwks
from chatire_shared.identity.jws import ALGORITHM, LEEWAY_SECONDS, is_text, is_time, open_claims, open_header

SERVICE_TYP = "svc+jwt"
LIFE_SECONDS = 60
RENEW_BEFORE_SECONDS = 15
MOST_KNOWN = 1_000
"""Tokens that a verifier remembers; a caller has one at a time, for a minute."""


class ServiceSigner:
    """Makes this service's tokens, one for each callee, reused until 15 s before its end."""

    def __init__(self, caller: str, key: EllipticCurvePrivateKey, clock: Callable[[], float] = time.time) -> None:
        self._caller = caller
        self._key = key
        self._clock = clock
        self._made: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    @classmethod
    def from_file(cls, caller: str, path: str) -> ServiceSigner:
        """A signer with the PEM key in `path`.

        Raises:
            OSError: the file can't be read.
            ValueError: it holds no EC private key.
        """
        key = load_pem_private_key(Path(path).read_bytes(), password=None)
        if not isinstance(key, EllipticCurvePrivateKey):
            message = f"{path} holds no EC private key; delete the secrets folder's service keys and start again."
            raise ValueError(message)  # noqa: TRY004
        return cls(caller, key)

    def token_for(self, callee: str) -> str:
        """A token that `callee` accepts for at least 15 s more."""
        now = self._clock()
        with self._lock:
            token, expires = self._made.get(callee, ("", 0.0))
            # More than a life ahead: made while our clock was wrong, and refused until it catches up.
            if not RENEW_BEFORE_SECONDS <= expires - now <= LIFE_SECONDS:
                token, expires = self._make(callee, int(now)), int(now) + LIFE_SECONDS
                self._made[callee] = (token, expires)
        return token

    def _make(self, callee: str, now: int) -> str:
        claims = {
            "iss": self._caller,
            "sub": self._caller,
            "aud": callee,
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "jti": str(uuid4()),
        }
        headers = {"typ": SERVICE_TYP, "kid": self._caller}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers=headers)


class ServiceVerifier:
    """Says which service is calling; a token that was verified before is known until it ends (140 µs for each call else)."""

    def __init__(self, callee: str, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self._callee = callee
        self._keys = keys
        self._clock = clock
        self._known: dict[str, tuple[str, int, int]] = {}

    @classmethod
    def from_file(cls, callee: str, path: str) -> ServiceVerifier:
        """A verifier with the JWK set in `path`.

        Raises:
            OSError: the file can't be read.
            ValueError: it holds no JWK set.
        """
        return cls(callee, parse_jwks(loads(Path(path).read_bytes())))

    def verify(self, token: str) -> str:
        """The name of the caller.

        Raises:
            Unauthenticated: not a service token for us.
            TokenExpired: its minute is over (8 s of leeway).
        """
        caller, issued, expires = self._known.get(token) or self._check(token)
        now = self._clock()
        if issued > now + LEEWAY_SECONDS:
            raise Unauthenticated
        if now >= expires + LEEWAY_SECONDS:
            self._known.pop(token, None)
            raise TokenExpired
        return caller

    def _check(self, token: str) -> tuple[str, int, int]:
        """Caller, beginning and end of a token that is genuine; remembered from then on."""
        caller = open_header(token, SERVICE_TYP)
        key = self._keys.get(caller)
        if key is None:
            raise Unauthenticated
        claims = open_claims(token, key)
        issued, expires = claims.get("iat"), claims.get("exp")
        ours = claims.get("iss") == claims.get("sub") == caller and claims.get("aud") == self._callee
        if not ours or not is_text(claims.get("jti")) or not is_time(issued) or not is_time(expires):
            raise Unauthenticated
        assert isinstance(issued, int)  # noqa: S101 (for the type checker; is_time said so)
        assert isinstance(expires, int)  # noqa: S101
        if not 0 < expires - issued <= LIFE_SECONDS:
            raise Unauthenticated
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        found = self._known[token] = caller, issued, expires
        return found
