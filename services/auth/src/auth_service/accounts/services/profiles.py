"""Changing what people say about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from auth_service.accounts.models import User
from auth_service.accounts.services.feed import record_changes, user_entry


def update_profile(*, user_id: UUID, changes: Mapping[str, str], now: datetime) -> User:
    """Change some of `display_name`, `status_text` and `locale`; values have passed the rules.

    Returns: the account as it is then.
    Guarantees: the other services hear of a new display name (the rest is not theirs to know). Locks: the user's row.
    """
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(id=user_id)
        renamed = changes.get("display_name", user.display_name) != user.display_name
        for field, value in changes.items():
            setattr(user, field, value)
        if renamed:
            user.change_id = record_changes([user_entry("user.updated", user)], now=now)[-1]
        user.save(update_fields=[*changes, "change_id"])
    return user
