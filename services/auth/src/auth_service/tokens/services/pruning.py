"""Forgetting sessions that can do nothing any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from auth_service.tokens.models import RefreshSession
from auth_service.tokens.rules.refresh_tokens import ABSOLUTE_LIFE

KEPT_AFTER_END = timedelta(days=30)
"""Ended sessions stay for a while: an old token of theirs is then still answered with what happened to it."""


def prune_sessions(*, now: datetime) -> int:
    """Delete sessions that ended, or ran out, over 30 days ago; returns how many."""
    ended = Q(revoked_at__lt=now - KEPT_AFTER_END)
    too_old = Q(created_at__lt=now - ABSOLUTE_LIFE - KEPT_AFTER_END)
    return RefreshSession.objects.filter(ended | too_old).delete()[0]
