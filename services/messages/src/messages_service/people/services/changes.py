"""Applying auth's change feed to our copy of its accounts: in order, idempotent, and complete after any downtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from messages_service.people.models import FeedCursor
from messages_service.people.services.directory import Account, store_accounts

ReadPage = Callable[[int], dict[str, Any]]
"""Gets the page of the feed after a change id."""


def catch_up(*, read_page: ReadPage) -> int:
    """Apply everything after the stored cursor and move it; returns how many changes were read.

    Safe to run in many processes at once: each page is applied under the cursor's row lock, and a row that reflects
    a newer change already is left alone.

    Raises:
        Unavailable: auth can't be read; the cursor stays behind what was applied.
    """
    total = 0
    while True:
        position = _position()
        changes = read_page(position)["changes"]
        if not changes:
            return total
        _apply(changes)
        total += len(changes)


def _position() -> int:
    cursor, _ = FeedCursor.objects.get_or_create(id=1)
    return cursor.position


@transaction.atomic
def _apply(changes: list[dict[str, Any]]) -> None:
    cursor = FeedCursor.objects.select_for_update().get(id=1)
    accounts = [_account(change) for change in changes if change["kind"].startswith("user.")]
    store_accounts(accounts=accounts)
    newest = changes[-1]["id"]
    if newest > cursor.position:
        FeedCursor.objects.filter(id=1).update(position=newest)


def _account(change: dict[str, Any]) -> Account:
    data = change["data"]
    return Account(
        user_id=UUID(data["user_id"]),
        username=data["username"],
        display_name=data["display_name"],
        active=data["active"],
        change_id=change["id"],
    )
