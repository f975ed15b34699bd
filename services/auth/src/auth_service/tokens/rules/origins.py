"""Which pages may use a refresh cookie: those of the same origin (RFC 6454; security.md R13)."""

from __future__ import annotations

from collections.abc import Collection


def may_use_cookie(origin: str | None, *, own_scheme: str, own_host: str, allowed: Collection[str]) -> bool:
    """Whether a request with this `Origin` may use the cookie.

    Args:
        origin: The header; None when there is none, `null` from a sandboxed page.
        own_scheme: Scheme by which the browser reached us.
        own_host: `Host` header: name and port by which the browser reached us.
        allowed: Further origins.
    """
    if not origin or origin == "null":
        return False
    return origin in allowed or (bool(own_host) and origin == f"{own_scheme}://{own_host}")
