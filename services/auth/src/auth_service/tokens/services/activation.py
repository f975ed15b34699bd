"""Disabling and enabling accounts."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from auth_service.accounts.models import User
from auth_service.accounts.rules import names
from auth_service.accounts.services.feed import record_changes, user_entry
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services.sessions import end_sessions
from chatire_shared.contracts.errors import NotFound


def disable_account(*, username: str, now: datetime) -> bool:
    """Disable an account and end all of its sessions.

    Returns: whether it was enabled before.
    Raises: NotFound: there is no such account.
    Guarantees: the account, its sessions and the feed change together. Locks: the user's row, the sessions.
    """
    return _set_active(username=username, active=False, now=now)


def enable_account(*, username: str, now: datetime) -> bool:
    """Let a disabled account sign in again; its old sessions stay ended.

    Returns: whether it was disabled before.
    Raises: NotFound: there is no such account.
    """
    return _set_active(username=username, active=True, now=now)


def _set_active(*, username: str, active: bool, now: datetime) -> bool:
    with transaction.atomic():
        key = names.key_of(username)
        user = User.objects.select_for_update(no_key=True).filter(username_key=key).first()
        if user is None:
            raise NotFound
        if user.is_active == active:
            return False
        user.is_active = active
        entry = user_entry("user.enabled" if active else "user.disabled", user)
        if active:
            ids = record_changes([entry], now=now)
        else:
            ids = end_sessions(RefreshSession.objects.filter(user_id=user.id), now=now, before=[entry])
        user.change_id = ids[0]
        user.save(update_fields=["is_active", "change_id"])
    return True
