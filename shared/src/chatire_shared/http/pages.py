"""Opaque cursors and limits for lists (protocol.md section 2)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from chatire_shared.contracts.errors import Invalid


def encode_cursor(position: list[Any]) -> str:
    """An opaque value for `?cursor=` that says where the next page begins."""
    return base64.urlsafe_b64encode(json.dumps(position, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(value: str, length: int) -> list[Any]:
    """The position behind an opaque cursor; its parts still have to be checked by the caller.

    Raises:
        Invalid: it isn't one of ours.
    """
    try:
        position = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        position = None
    if not isinstance(position, list) or len(position) != length:
        raise Invalid.field("cursor", "invalid", "Use the value of `next` from the page before, unchanged.")
    return position


def page_limit(raw: str | None, *, default: int, maximum: int) -> int:
    """The `limit` of a list.

    Raises:
        Invalid: not a number from 1 to `maximum`.
    """
    if raw is None:
        return default
    return bounded_integer("limit", raw, minimum=1, maximum=maximum)


def bounded_integer(field: str, raw: str, *, minimum: int, maximum: int) -> int:
    """A whole number of a query string, within bounds.

    Raises:
        Invalid: it isn't one.
    """
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 19) or not minimum <= int(raw) <= maximum:
        raise Invalid.field(field, "out_of_range", f"Send a whole number from {minimum} to {maximum}.")
    return int(raw)
