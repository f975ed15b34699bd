"""Opening a compact JWS without trusting it: the checks that come before any key is touched (RFC 8725, security.md R1-R3)."""

from __future__ import annotations

import binascii
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from chatire_shared.contracts.errors import ChatireError, Unauthenticated
from chatire_shared.contracts.strict_json import loads

ALGORITHM = "ES256"
MAX_TOKEN_CHARS = 8_192
LEEWAY_SECONDS = 8
KNOWN_HEADERS = 64
"""Tokens signed with one key have the same header, so that it is read once."""

_HALF = 32
_ES256 = ECDSA(SHA256())
_FROM_URL = bytes.maketrans(b"-_+/", b"+/  ")
_TO_URL = bytes.maketrans(b"+/", b"-_")


def open_header(token: str, typ: str) -> str:
    """The `kid` of a token whose header is exactly of our kind.

    Raises:
        Unauthenticated: another algorithm or type, `crit`, no `kid`, not a compact JWS.
    """
    header, _, _ = _parts(token)
    return _kid(header, typ)


@lru_cache(maxsize=KNOWN_HEADERS)
def _kid(segment: str, typ: str) -> str:
    header = _object(segment)
    kid = header.get("kid")
    sane = (
        header.get("alg") == ALGORITHM
        and header.get("typ") == typ
        and isinstance(kid, str)
        and 0 < len(kid) <= 64
        and "crit" not in header
        and "b64" not in header
    )
    if not sane:
        raise Unauthenticated
    return str(kid)


def open_claims(token: str, key: EllipticCurvePublicKey) -> dict[str, Any]:
    """The claims of a token whose signature `key` (of P-256) confirms.

    Raises:
        Unauthenticated: the signature is wrong or the claims aren't one JSON object.
    """
    header, claims, signature = _parts(token)
    _require_signature(f"{header}.{claims}".encode("ascii"), _decode(signature), key)
    return _object(claims)


def _require_signature(signed: bytes, signature: bytes, key: EllipticCurvePublicKey) -> None:
    """RFC 7518 section 3.4: R and S, 32 bytes each."""
    if len(signature) != 2 * _HALF:
        raise Unauthenticated
    r, s = int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big")
    try:
        key.verify(encode_dss_signature(r, s), signed, _ES256)
    except InvalidSignature:
        raise Unauthenticated from None


def _parts(token: str) -> tuple[str, str, str]:
    if not token.isascii() or len(token) > MAX_TOKEN_CHARS:
        raise Unauthenticated
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise Unauthenticated
    return parts[0], parts[1], parts[2]


def _object(segment: str) -> dict[str, Any]:
    try:
        value = loads(_decode(segment))
    except ChatireError:
        raise Unauthenticated from None
    if not isinstance(value, dict):
        raise Unauthenticated
    return value


def _decode(segment: str) -> bytes:
    """Base64url without padding, strictly: a second spelling of the same bytes is refused."""
    spelled = segment.encode("ascii")
    try:
        data = binascii.a2b_base64(spelled.translate(_FROM_URL) + b"=" * (-len(spelled) % 4), strict_mode=True)
    except binascii.Error:
        raise Unauthenticated from None
    if binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL) != spelled:
        raise Unauthenticated
    return data


def is_time(value: object) -> bool:
    """Whether `value` is a plausible NumericDate: an integer within the next centuries."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40


def is_text(value: object, longest: int = 256) -> bool:
    """Whether `value` is a non-empty string of sane length."""
    return isinstance(value, str) and 0 < len(value) <= longest
