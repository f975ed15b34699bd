"""Making accounts from the command line, many at a time: for operators, imports and the replay of logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from auth_service.accounts.models import Role, User
from auth_service.accounts.rules import names, profiles
from auth_service.accounts.services.creating import NewAccount, create_accounts, hash_password
from auth_service.tokens.services.sessions import Grant, Origin, open_sessions
from chatire_shared.contracts.errors import Invalid

COMMAND_LINE = Origin("command line", "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """An account that somebody with access to the machine asks for.

    Attributes:
        password: None makes an account that nobody can sign in to by password.
        role: None lets the workspace decide, as for somebody who registers.
    """

    username: str
    email: str
    display_name: str = ""
    password: str | None = None
    role: Role | None = Role.MEMBER


def require_valid(wanted: Wanted) -> None:
    """Hold the names against the rules; passwords are the operator's business.

    Raises: Invalid: naming the fields.
    """
    problems = [names.username_problem(wanted.username), names.email_problem(wanted.email)]
    if wanted.display_name:
        problems.append(profiles.display_name_problem(wanted.display_name))
    if errors := [problem for problem in problems if problem]:
        raise Invalid(errors=errors)


def ensure_accounts(*, wanted: Sequence[Wanted], now: datetime) -> list[User]:
    """The accounts asked for, in that order: those whose user name exists are left as they are, the others made.

    Raises: Invalid: a name breaks the rules, or an address belongs to another account; then none was made.
    """
    for one in wanted:
        require_valid(one)
    unique = {names.key_of(one.username): one for one in wanted}
    if len({names.key_of(one.email) for one in unique.values()}) < len(unique):
        raise Invalid.field("email", "doubled", "Two of the accounts have the same address; give each its own.")
    there = _by_key(unique)
    missing = [
        NewAccount(one.username, one.email, one.display_name, hash_password(one.password), one.role)
        for key, one in unique.items()
        if key not in there
    ]
    if missing:
        create_accounts(accounts=missing, now=now)
        there = _by_key(unique)
    return [there[names.key_of(one.username)] for one in wanted]


def open_command_line_sessions(*, users: Sequence[User], now: datetime) -> list[Grant]:
    """A session for each of `users`, as if they had signed in.

    Raises: Invalid: one of them is disabled.
    """
    with transaction.atomic():
        locked = {user.id: user for user in _lock(users)}
        if disabled := [user.username for user in locked.values() if not user.is_active]:
            raise Invalid.field("username", "disabled", f"{disabled[0]} is disabled; enable the account first.")
        return open_sessions(users=[locked[user.id] for user in users], origin=COMMAND_LINE, now=now)


def _lock(users: Sequence[User]) -> Sequence[User]:
    ids = [user.id for user in users]
    return list(User.objects.select_for_update(no_key=True).filter(id__in=ids).order_by("id"))


def _by_key(keys: dict[str, Wanted]) -> dict[str, User]:
    return {user.username_key: user for user in User.objects.filter(username_key__in=keys)}
