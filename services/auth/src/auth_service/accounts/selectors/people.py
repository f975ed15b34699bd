"""Reading accounts: one by a name, many as public profiles, and as the other services see them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q

from auth_service.accounts.models import User
from auth_service.accounts.rules import names
from chatire_shared.contracts.errors import FieldError
from chatire_shared.contracts.times import rfc3339


def find_by_name(name: str) -> User | None:
    """The account with this user name or address, whatever the case.

    The two can't be confused: an address has an `@`, which no user name may contain.
    """
    key = names.key_of(name)
    return User.objects.filter(Q(email_key=key) if "@" in key else Q(username_key=key)).first()


def taken_fields(usernames: Collection[str], emails: Collection[str]) -> list[FieldError]:
    """The fields whose values somebody has already: `username`, `email`, both or none."""
    username_keys, email_keys = [set(map(names.key_of, values)) for values in (usernames, emails)]
    errors = []
    if User.objects.filter(username_key__in=username_keys).exists():
        errors.append(FieldError("username", "taken", "Somebody has this name already; choose another one."))
    if User.objects.filter(email_key__in=email_keys).exists():
        errors.append(FieldError("email", "taken", "There is an account with this address already; sign in with it."))
    return errors


def list_users(*, search: str, ids: Sequence[UUID] | None, after_key: str, limit: int) -> list[User]:
    """Accounts by name, ordered by user name.

    Args:
        search: Every word of it occurs in the user name or the display name; blank finds all. Never in the address.
        ids: Only these, when given.
        after_key: Only those after this `username_key`.
        limit: At most so many.
    """
    found = User.objects.filter(username_key__gt=after_key)
    for word in search.split():
        found = found.filter(Q(username__icontains=word) | Q(display_name__icontains=word))
    if ids is not None:
        found = found.filter(id__in=ids)
    return list(found.order_by("username_key")[:limit])


def own_account(user: User) -> dict[str, Any]:
    """An account as its owner sees it (protocol.md section 3, `me`)."""
    return {
        "id": str(user.id),
        "username": user.username,
        "email": user.email,
        "display_name": user.display_name,
        "avatar_url": None,
        "status_text": user.status_text,
        "locale": user.locale,
        "role": user.role,
        "created_at": rfc3339(user.created_at),
    }


def public_profile(user: User) -> dict[str, Any]:
    """An account as everybody signed in sees it: never the address."""
    return {
        "id": str(user.id),
        "username": user.username,
        "display_name": user.display_name,
        "avatar_url": None,
        "status_text": user.status_text,
        "active": user.is_active,
    }


def internal_user(user: User) -> dict[str, Any]:
    """An account as the messages service sees it (docs/internal.md, "auth")."""
    return {
        "id": str(user.id),
        "username": user.username,
        "display_name": user.display_name,
        "active": user.is_active,
        "change_id": user.change_id,
    }
