"""How much one person may post: 120 messages a minute in bursts of 40, over all transports and processes together."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings

from chatire_shared.limits.limiter import Check, Decision, Rule, limiter_for

POSTING = Rule("posting", 120, 60, burst=40)


def spend_posts(senders: Sequence[str]) -> list[Decision]:
    """Count one message for each of `senders`, in order; whether each is allowed."""
    limiter = limiter_for(settings.CHATIRE_REDIS_URL, enabled=settings.LIMITS)
    return limiter.check_many([Check(POSTING, sender) for sender in senders])
