"""Which pages may open a socket (protocol.md section 5, security.md R21). Pure."""

from __future__ import annotations

from collections.abc import Collection


def is_allowed(origin: str | None, *, host: str, scheme: str, allowed: Collection[str]) -> bool:
    """Whether a handshake with this `Origin` is served.

    Args:
        origin: The header's value; None when it is missing, as with clients that are no browsers.
        host: Host and port that the request names.
        scheme: `http` or `https`, as the client sees it.
        allowed: Further origins, exactly as browsers spell them.
    """
    if origin is None:
        return True
    own = f"{scheme}://{_without_default_port(host.lower(), scheme)}"
    return bool(host) and (origin == own or origin in allowed)


def _without_default_port(host: str, scheme: str) -> str:
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return host.removesuffix(default) if default else host
