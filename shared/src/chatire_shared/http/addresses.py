"""Whose address a request comes from: only the word of a trusted proxy counts (security.md R40)."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(names: Sequence[str]) -> tuple[Network, ...]:
    """Parse CIDR names.

    Raises:
        ValueError: a name isn't a network.
    """
    return tuple(ipaddress.ip_network(name) for name in names)


def client_address(request: HttpRequest) -> str:
    """The caller's address: the last `X-Forwarded-For` entry when the peer is one of our proxies, else the peer."""
    return resolve(
        request.META.get("REMOTE_ADDR", ""),
        request.headers.get("X-Forwarded-For"),
        settings.TRUSTED_PROXIES,
    )


def is_trusted_proxy(request: HttpRequest) -> bool:
    """Whether the other end of the connection is one of our proxies, so that its `X-Forwarded-…` headers count."""
    return is_within(request.META.get("REMOTE_ADDR", ""), settings.TRUSTED_PROXIES)


def resolve(peer: str, forwarded_for: str | None, trusted: Sequence[Any]) -> str:
    """The rule itself, on plain values.

    Args:
        peer: Address of the other end of the connection.
        forwarded_for: The header's value, if any.
        trusted: Networks of our proxies.
    """
    if not forwarded_for or not _within(peer, tuple(trusted)):
        return peer
    nearest = forwarded_for.rsplit(",", 1)[-1].strip()
    try:
        return str(ipaddress.ip_address(nearest))
    except ValueError:
        return peer


def is_within(address: str, trusted: Sequence[Any]) -> bool:
    """Whether an address is in one of these networks."""
    return _within(address, tuple(trusted))


@lru_cache(maxsize=1_024)  # Few proxies, many requests: parsing an address and comparing costs 15 µs.
def _within(address: str, trusted: tuple[Any, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def came_through_gateway(request: HttpRequest) -> bool:
    """Whether the API gateway forwarded this request: it always says for whom."""
    return "HTTP_X_FORWARDED_FOR" in request.META
