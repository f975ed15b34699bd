"""Changing one's password, which ends all other sessions (security.md R18)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from auth_service.accounts.models import User
from auth_service.accounts.services.creating import hash_password
from auth_service.accounts.services.credentials import matches
from auth_service.tokens.models import RefreshSession
from auth_service.tokens.services.sessions import end_sessions
from chatire_shared.contracts.errors import Invalid


def change_password(*, user: User, session_id: UUID, old: str, new: str, now: datetime) -> None:
    """Replace a password.

    Args:
        user: Whose; freshly read.
        session_id: The session that stays.
        old: The password so far, as typed.
        new: The new one; it has passed the rules.
        now: Time of the request.
    Raises: Invalid: `old` is wrong, or somebody else changed it meanwhile.
    Guarantees: the new hash and the ends of the other sessions commit together. Locks: the user's row, the sessions.
    """
    if not matches(user, old):
        raise _wrong_password()
    hashed = hash_password(new)
    with transaction.atomic():
        current = User.objects.select_for_update(no_key=True).get(id=user.id)
        if current.password != user.password:
            raise _wrong_password()
        User.objects.filter(id=user.id).update(password=hashed)
        end_sessions(RefreshSession.objects.filter(user_id=user.id).exclude(id=session_id), now=now)


def _wrong_password() -> Invalid:
    return Invalid.field("old", "wrong", "This isn't your current password.")
