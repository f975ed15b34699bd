"""What the gateway reads from a handshake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatire_shared.http.addresses import is_within, resolve
from gateway_service.realtime import origins, protocol

_READ = frozenset({b"authorization", b"host", b"origin", b"x-forwarded-for", b"x-forwarded-proto"})


@dataclass(frozen=True, slots=True)
class Handshake:
    """The facts of one handshake.

    Attributes:
        speaks: Whether the client offers our subprotocol.
        origin_allowed: Whether its page may open sockets here.
        token: The bearer token of its `Authorization` header, None without one.
        address: The client's address.
    """

    speaks: bool
    origin_allowed: bool
    token: str | None
    address: str


def read_handshake(scope: dict[str, Any], *, trusted: Sequence[Any], allowed_origins: Sequence[str]) -> Handshake:
    """The facts in an ASGI scope; forwarded headers count only from our own proxies."""
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        if name in _READ:
            headers.setdefault(name.decode(), []).append(bytes(value).decode("latin-1"))
    peer = (scope.get("client") or ("", 0))[0]
    address = resolve(peer, _first(headers, "x-forwarded-for"), trusted)
    behind_proxy = ("x-forwarded-for" in headers and address != peer) or is_within(peer, trusted)
    scheme = _first(headers, "x-forwarded-proto") if behind_proxy else None
    given = headers.get("origin", [])
    origin_allowed = len(given) <= 1 and origins.is_allowed(
        given[0] if given else None,
        host=_first(headers, "host") or "",
        scheme=scheme or "http",
        allowed=allowed_origins,
    )
    return Handshake(
        speaks=protocol.SUBPROTOCOL in scope.get("subprotocols", ()),
        origin_allowed=origin_allowed,
        token=_bearer(_first(headers, "authorization")),
        address=address,
    )


def _first(headers: dict[str, list[str]], name: str) -> str | None:
    return headers[name][0] if name in headers else None


def _bearer(value: str | None) -> str | None:
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None
