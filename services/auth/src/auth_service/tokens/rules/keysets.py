"""The set of signing keys and how it turns: next becomes current, current becomes previous (security.md R7)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

RETIRED_STAY = timedelta(seconds=660)
"""How long a retired key still verifies: the longest life of an access token, its leeway, and some.

So even two rotations in a row fail nobody. The newest retired key stays until the next rotation.
"""

_es256 = jwt.get_algorithm_by_name("ES256")


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its name."""

    kid: str
    private: EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """The public half of a key that signs no more."""

    kid: str
    public: EllipticCurvePublicKey
    retired_at: datetime


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys at one time; `previous` newest first."""

    current: SigningKey
    next: SigningKey
    previous: tuple[RetiredKey, ...] = ()

    def public_keys(self) -> dict[str, EllipticCurvePublicKey]:
        """What verifiers may accept, by `kid`; the next key too, so that a rotation surprises nobody."""
        retired = {key.kid: key.public for key in self.previous}
        return retired | {key.kid: key.private.public_key() for key in (self.current, self.next)}


def new_key_set() -> KeySet:
    """Fresh keys for a new installation."""
    return KeySet(current=_new_key(), next=_new_key())


def rotate(keys: KeySet, *, now: datetime, forget_old: bool = False) -> KeySet:
    """The set after a rotation at `now`; with `forget_old` every token signed so far is void at once."""
    retired = RetiredKey(keys.current.kid, keys.current.private.public_key(), now)
    kept = tuple(key for key in keys.previous if now - key.retired_at < RETIRED_STAY)
    return KeySet(current=keys.next, next=_new_key(), previous=() if forget_old else (retired, *kept))


def to_document(keys: KeySet) -> dict[str, Any]:
    """The set as its file holds it. Secret."""
    return {
        "v": 1,
        "current": {"kid": keys.current.kid, **_jwk(keys.current.private)},
        "next": {"kid": keys.next.kid, **_jwk(keys.next.private)},
        "previous": [
            {"kid": key.kid, "retired_at": key.retired_at.timestamp(), **_jwk(key.public)} for key in keys.previous
        ],
    }


def from_document(document: dict[str, Any]) -> KeySet:
    """The set in a file's content.

    Raises:
        ValueError: it isn't one.
    """
    try:
        return KeySet(
            current=_signing_key(document["current"]),
            next=_signing_key(document["next"]),
            previous=tuple(_retired_key(entry) for entry in document["previous"]),
        )
    except (KeyError, TypeError, jwt.InvalidKeyError):
        # Without the cause: its text could hold parts of a key.
        raise ValueError("not a key file of ours") from None


def public_jwk(kid: str, key: EllipticCurvePublicKey) -> dict[str, Any]:
    """A public key as the JWKS shows it (RFC 7517)."""
    return {**_jwk(key), "kid": kid, "use": "sig", "alg": "ES256"}


def _new_key() -> SigningKey:
    private = ec.generate_private_key(ec.SECP256R1())
    return SigningKey(_thumbprint(private.public_key()), private)


def _thumbprint(key: EllipticCurvePublicKey) -> str:
    """The key's name: its own digest (RFC 7638), so two keys never share one."""
    jwk = _jwk(key)
    canonical = json.dumps({name: jwk[name] for name in ("crv", "kty", "x", "y")}, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()


def _jwk(key: EllipticCurvePrivateKey | EllipticCurvePublicKey) -> dict[str, Any]:
    jwk = json.loads(_es256.to_jwk(key))
    return {name: jwk[name] for name in ("kty", "crv", "x", "y", "d") if name in jwk}


def _signing_key(entry: dict[str, Any]) -> SigningKey:
    private = _es256.from_jwk(entry)
    if not isinstance(private, EllipticCurvePrivateKey):
        message = "a signing key without its private half"
        raise ValueError(message)  # noqa: TRY004 (the file is wrong, not the call)
    return SigningKey(entry["kid"], private)


def _retired_key(entry: dict[str, Any]) -> RetiredKey:
    public = _es256.from_jwk({name: entry[name] for name in ("kty", "crv", "x", "y")})
    assert isinstance(public, EllipticCurvePublicKey)  # noqa: S101 (a JWK without `d` is public)
    return RetiredKey(entry["kid"], public, datetime.fromtimestamp(entry["retired_at"], UTC))
