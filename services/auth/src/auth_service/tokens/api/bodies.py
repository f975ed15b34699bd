"""What requests about tokens may contain."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError

from auth_service.accounts.api.fields import PasswordField, RuledField
from auth_service.accounts.blocklist import common_passwords
from auth_service.accounts.rules import names, profiles
from auth_service.accounts.rules.passwords import password_problem
from chatire_shared.http.bodies import StrictCharField, StrictSerializer


class RegisterBody(StrictSerializer):
    """`POST register/`."""

    username = RuledField(names.username_problem)
    email = RuledField(names.email_problem)
    password = PasswordField()
    display_name = RuledField(profiles.display_name_problem, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Hold the password against the names."""
        require_good_password(attrs["password"], attrs["username"], attrs["email"], field="password")
        return attrs


class SignInBody(StrictSerializer):
    """`POST token/`."""

    username = StrictCharField(max_length=254)
    password = PasswordField()


class RefreshBody(StrictSerializer):
    """`POST token/refresh/` with the token in the body."""

    refresh = StrictCharField(max_length=512)


class EmptyBody(StrictSerializer):
    """`POST token/refresh/` with the token in the cookie."""


class LogoutBody(StrictSerializer):
    """`POST logout/`: the session is named by the access token; the refresh token dies with it."""

    refresh = StrictCharField(max_length=512, required=False)


class PasswordChangeBody(StrictSerializer):
    """`POST password/change/`."""

    old = PasswordField()
    new = PasswordField()


def require_good_password(password: str, username: str, email: str, *, field: str) -> None:
    """Refuse a password that the rules don't accept for this account.

    Raises: ValidationError: naming `field`.
    """
    context = {username, email.partition("@")[0]}
    problem = password_problem(password, common=common_passwords(), context=context, field=field)
    if problem:
        raise ValidationError({problem.field: ValidationError(problem.detail, code=problem.code).detail})
