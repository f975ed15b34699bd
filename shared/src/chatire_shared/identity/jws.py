"""Opening a compact JWS without trusting it: the checks that come before any key is touched (RFC 8725, security.md R1-R3)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from chatire_shared.contracts.errors import ChatireError, Unauthenticated
from chatire_shared.contracts.strict_json import loads

ALGORITHM = "ES256"
MAX_TOKEN_CHARS = 8_192
LEEWAY_SECONDS = 8

_es256 = jwt.get_algorithm_by_name(ALGORITHM)


def open_header(token: str, typ: str) -> str:
    """The `kid` of a token whose header is exactly of our kind.

    Raises:
        Unauthenticated: another algorithm or type, `crit`, no `kid`, not a compact JWS.
    """
    header = _segment(token, 0)
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
    """The claims of a token whose signature `key` confirms.

    Raises:
        Unauthenticated: the signature is wrong or the claims aren't one JSON object.
    """
    signed, _, signature = token.rpartition(".")
    if not _es256.verify(signed.encode("ascii"), key, _decode(signature)):
        raise Unauthenticated
    return _segment(token, 1)


def _segment(token: str, index: int) -> dict[str, Any]:
    if not token.isascii() or len(token) > MAX_TOKEN_CHARS:
        raise Unauthenticated
    parts = token.split(".")
    if len(parts) != 3 or not all(parts):
        raise Unauthenticated
    try:
        value = loads(_decode(parts[index]))
    except ChatireError:
        raise Unauthenticated from None
    if not isinstance(value, dict):
        raise Unauthenticated
    return value


def _decode(segment: str) -> bytes:
    """Base64url without padding, strictly: a second spelling of the same bytes is refused."""
    try:
        data = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise Unauthenticated from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise Unauthenticated
    return data


def is_time(value: object) -> bool:
    """Whether `value` is a plausible NumericDate: an integer within the next centuries."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 40


def is_text(value: object, longest: int = 256) -> bool:
    """Whether `value` is a non-empty string of sane length."""
    return isinstance(value, str) and 0 < len(value) <= longest
