"""Reading the change feed (docs/internal.md, "auth")."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min

from auth_service.accounts.models import Change, ChangeCounter
from chatire_shared.contracts.times import rfc3339

RECENT = timedelta(minutes=15)
"""What a new reader gets: longer than any access token lives."""


def latest_change_id() -> int:
    """The newest id of the feed, 0 for an empty one.

    Ask for it before the changes themselves: a reader may then hear of a change twice, never pass one over.
    """
    return ChangeCounter.objects.values_list("latest", flat=True).first() or 0


def list_changes(*, after: int, limit: int) -> list[dict[str, Any]]:
    """The changes with an id above `after`, in rising id."""
    changes = Change.objects.filter(id__gt=after).order_by("id")[:limit]
    return [{"id": row.id, "kind": row.kind, "at": rfc3339(row.at), "data": row.data} for row in changes]


def recent_start(*, now: datetime, latest: int) -> int:
    """The id after which a new reader starts, so that it hears of everything of the last 15 minutes.

    Times are those of requests and don't rise strictly with the ids, so the smallest id that is recent counts.
    """
    first = Change.objects.filter(at__gte=now - RECENT).aggregate(first=Min("id"))["first"]
    return latest if first is None else first - 1
