"""Making accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

from auth_service.accounts.models import Role, User
from auth_service.accounts.rules import names, passwords
from auth_service.accounts.selectors import people
from auth_service.accounts.services.feed import record_changes, take_change_ids, user_entry
from chatire_shared.contracts.errors import Invalid


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be made; its values have passed the rules.

    Attributes:
        username: As it shall be shown.
        email: As given.
        display_name: As given; the user name when empty.
        password_hash: Made by `hash_password`, outside of any transaction: it takes its time.
        role: None lets the workspace decide: `owner` for the first who asks while there is none, else `member`.
    """

    username: str
    email: str
    display_name: str
    password_hash: str
    role: Role | None = None


def hash_password(password: str | None) -> str:
    """The hash of a password; for None one that no password matches."""
    return make_password(None if password is None else passwords.normalised(password))


def create_accounts(*, accounts: Sequence[NewAccount], now: datetime) -> list[User]:
    """Make accounts, all or none.

    Raises: Invalid: a name or address is taken (field code `taken`).
    Guarantees: two at once can't both become the first owner, nor get one name. Locks: the feed's counter, from the start.
    """
    with transaction.atomic():
        # Here the counter is taken first: holding it makes account creation one at a time.
        ids = take_change_ids(len(accounts))
        if taken := people.taken_fields([new.username for new in accounts], [new.email for new in accounts]):
            raise Invalid(errors=taken)
        free_role = Role.MEMBER if User.objects.filter(role=Role.OWNER).exists() else Role.OWNER
        users = []
        for new, change_id in zip(accounts, ids, strict=True):
            user = _new_user(new, new.role or free_role, change_id, now)
            free_role = Role.MEMBER if user.role == Role.OWNER else free_role
            users.append(user)
        User.objects.bulk_create(users, batch_size=1_000)
        record_changes([user_entry("user.created", user) for user in users], now=now, ids=ids)
    return users


def _new_user(new: NewAccount, role: Role, change_id: int, now: datetime) -> User:
    return User(
        username=new.username,
        username_key=names.key_of(new.username),
        email=new.email,
        email_key=names.key_of(new.email),
        display_name=new.display_name or new.username,
        password=new.password_hash,
        role=role,
        created_at=now,
        change_id=change_id,
    )
