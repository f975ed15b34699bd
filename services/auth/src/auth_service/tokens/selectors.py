"""Reading sessions."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from auth_service.tokens.models import RefreshSession
from auth_service.tokens.rules.refresh_tokens import ABSOLUTE_LIFE, IDLE_LIFE


def list_live_sessions(*, user_id: UUID, now: datetime) -> list[RefreshSession]:
    """Somebody's sessions that can still be continued, newest first."""
    live = RefreshSession.objects.filter(
        user_id=user_id,
        revoked_at=None,
        created_at__gt=now - ABSOLUTE_LIFE,
        seen_at__gt=now - IDLE_LIFE,
    )
    return list(live.order_by("-id"))
