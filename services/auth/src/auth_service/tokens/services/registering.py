"""Registration: an account and its first session in one deed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from django.db import transaction

from auth_service.accounts.selectors import people
from auth_service.accounts.services.creating import NewAccount, create_accounts, hash_password
from auth_service.tokens.services.sessions import Grant, Origin, open_sessions
from chatire_shared.contracts.errors import Invalid


def register(*, account: NewAccount, password: str, origin: Origin, now: datetime) -> Grant:
    """Make an account and sign it in.

    Args:
        account: Its names, which have passed the rules; the hash is filled in here.
        password: It has passed the rules.
        origin: Where the request comes from.
        now: Time of the request.
    Raises: Invalid: the name or the address is taken.
    """
    if taken := people.taken_fields([account.username], [account.email]):
        raise Invalid(errors=taken)  # Before the hash: a retry with another name should be quick.
    hashed = replace(account, password_hash=hash_password(password))
    with transaction.atomic():
        users = create_accounts(accounts=[hashed], now=now)
        return open_sessions(users=users, origin=origin, now=now)[0]
