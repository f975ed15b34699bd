"""Checking a name and a password, in a way that tells nothing but yes or no (security.md R38)."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password, is_password_usable, make_password

from auth_service.accounts.models import User
from auth_service.accounts.rules import passwords
from auth_service.accounts.selectors import people
from chatire_shared.contracts.errors import InvalidCredentials


def check_credentials(*, name: str, password: str) -> User:
    """The account that `name` and `password` open.

    Args:
        name: User name or address.
        password: As typed.
    Raises: InvalidCredentials: unknown, wrong, disabled; the same answer after the same work, one hash, for each.
    """
    user = people.find_by_name(name)
    if not matches(user, password) or user is None or not user.is_active:
        raise InvalidCredentials
    return user


def matches(user: User | None, password: str) -> bool:
    """Whether `password` is the user's. Costs one hash in any case; a hash of an older cost is renewed."""
    typed = passwords.normalised(password)
    if user is None or not is_password_usable(user.password):
        make_password(typed)
        return False

    def renew(raw: str) -> None:
        renewed = make_password(raw)
        if User.objects.filter(id=user.id, password=user.password).update(password=renewed):
            user.password = renewed

    return check_password(typed, user.password, setter=renew)
