"""How often somebody may try: counted for all processes together (security.md R39).

A limit is a bucket that refills, never a lock: a stranger who spends an account's tries delays its owner by seconds.
"""

from __future__ import annotations

import ipaddress

from django.conf import settings

from auth_service.accounts.rules import names
from chatire_shared.contracts.errors import RateLimited
from chatire_shared.limits.limiter import Check, Rule, limiter_for

SIGN_IN_PER_ACCOUNT = Rule("sign-in-account", 10, 60)
SIGN_IN_PER_ADDRESS = Rule("sign-in-address", 30, 60)
REGISTRATION_PER_ADDRESS = Rule("registration-address", 20, 3_600)


def require_sign_in(name: str, address: str) -> None:
    """Count a try to prove a password.

    Args:
        name: User name or address as typed, whether there is such an account or not.
        address: Where the try comes from.
    Raises: RateLimited: too many for this account or this address.
    """
    _require(Check(SIGN_IN_PER_ACCOUNT, names.key_of(name)), Check(SIGN_IN_PER_ADDRESS, network_of(address)))


def require_registration(address: str) -> None:
    """Count a registration.

    Raises: RateLimited: too many from this address.
    """
    _require(Check(REGISTRATION_PER_ADDRESS, network_of(address)))


def network_of(address: str) -> str:
    """What counts as one address: an IPv6 /64, since a single household has 2**64 of those (RFC 6177); else itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _require(*checks: Check) -> None:
    limiter = limiter_for(settings.REDIS_URL, enabled=settings.LIMITS_ENABLED)
    waits = [decision.retry_after_seconds for decision in limiter.check_many(checks) if not decision.allowed]
    if waits:
        raise RateLimited(retry_after_seconds=max(waits))
