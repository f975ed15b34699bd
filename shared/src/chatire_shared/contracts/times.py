"""Times on the wire: RFC 3339, UTC, microseconds (protocol.md section 2)."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """`moment` as `2026-11-23T09:30:00.000000Z`."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def unix_microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970, as `at_us` carries them."""
    return round(moment.timestamp() * 1_000_000)
