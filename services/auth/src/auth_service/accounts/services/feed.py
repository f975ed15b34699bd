"""Writing to the change feed: in the transaction of the change itself, never beside it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from auth_service.accounts.models import Change, User
from chatire_shared.bus.groups import AUTH_CHANGES_GROUP
from chatire_shared.bus.publisher import publisher_for
from chatire_shared.contracts import envelopes
from chatire_shared.crash_points import hit

logger = logging.getLogger("chatire.auth.feed")

_TAKE_IDS = """
    INSERT INTO accounts_changecounter AS counter (id, latest) VALUES (1, %s)
    ON CONFLICT (id) DO UPDATE SET latest = counter.latest + EXCLUDED.latest
    RETURNING latest
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A change that is about to get its id."""

    kind: str
    data: dict[str, Any]


def user_entry(kind: str, user: User) -> Entry:
    """An entry that says how `user` is now (docs/internal.md, "auth")."""
    data = {
        "user_id": str(user.id),
        "username": user.username,
        "display_name": user.display_name,
        "active": user.is_active,
        "role": user.role,
    }
    return Entry(kind, data)


def session_revoked(user_id: UUID, session_id: UUID) -> Entry:
    """An entry that ends a session everywhere."""
    return Entry("session.revoked", {"user_id": str(user_id), "session_id": str(session_id)})


def take_change_ids(count: int) -> range:
    """Take the next `count` ids of the feed; the counter's row stays locked until the transaction ends.

    That lock is what makes id order and commit order the same, so take it last, shortly before the commit.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_IDS, [count])
        latest: int = cursor.fetchone()[0]
    return range(latest - count + 1, latest + 1)


def record_changes(entries: Sequence[Entry], *, now: datetime, ids: range | None = None) -> range:
    """Append `entries` to the feed within the current transaction, and hint at them after its commit.

    Args:
        entries: In the order in which readers shall see them.
        now: Time of the change.
        ids: Ids taken before, one for each entry; taken here when left out.
    Returns: the ids of the entries.
    """
    if not entries:
        return range(0)
    if not connection.in_atomic_block:
        message = "a change is recorded in the transaction that makes it"
        raise RuntimeError(message)
    ids = ids or take_change_ids(len(entries))
    rows = [Change(id=id_, kind=entry.kind, at=now, data=entry.data) for id_, entry in zip(ids, entries, strict=True)]
    Change.objects.bulk_create(rows, batch_size=1_000)
    transaction.on_commit(lambda: hint(ids[-1]), robust=True)
    return ids


def hint(latest: int) -> None:
    """Tell readers that the feed has grown; they poll each second anyway, so a failure costs a second and no more."""
    hit("auth.before_hint")
    try:
        publisher_for(settings.REDIS_URL).publish_many([(AUTH_CHANGES_GROUP, envelopes.auth_changed(latest=latest))])
    except Exception as error:  # noqa: BLE001 (Redis is a doorbell: nothing that it does may fail a request)
        logger.warning("the change feed's hint was not published", extra={"error": type(error).__name__})
