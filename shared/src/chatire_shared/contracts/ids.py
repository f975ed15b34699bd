"""Identifiers: UUIDv7 for ours (RFC 9562 section 5.7), any UUID in canonical form from a client."""

from __future__ import annotations

import os
import re
import time
from functools import lru_cache
from uuid import UUID

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_FIXED_BITS, _VERSION_AND_VARIANT = 0xF << 76 | 0x3 << 62, 0x7 << 76 | 0x2 << 62
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def uuid7(unix_ms: int | None = None) -> UUID:
    """A new id that sorts by the millisecond it was made in.

    Args:
        unix_ms: Milliseconds since 1970; the current time when left out.
    """
    return UUID(int=_uuid7(time.time_ns() // 1_000_000 if unix_ms is None else unix_ms))


def uuid7_text() -> str:
    """The same, of now, in canonical form: at two thirds of the cost of a UUID that is only written."""
    digits = f"{_uuid7(time.time_ns() // 1_000_000):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _uuid7(unix_ms: int) -> int:
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    return value & ~_FIXED_BITS | _VERSION_AND_VARIANT


def is_canonical_uuid(value: object) -> bool:
    """Whether `value` is a UUID in canonical lower-case 36-character form (protocol.md section 2)."""
    return isinstance(value, str) and _CANONICAL.fullmatch(value) is not None


@lru_cache(maxsize=16_384)
def is_recurring_uuid(value: str) -> bool:
    """`is_canonical_uuid` with a memory, for ids that come again and again: those of conversations."""
    return is_canonical_uuid(value)


def is_sane_request_id(value: object) -> bool:
    """Whether a caller's `X-Request-ID` is taken over (protocol.md section 1)."""
    return isinstance(value, str) and REQUEST_ID.fullmatch(value) is not None
