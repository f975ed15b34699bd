"""Request fields that apply the rules of names, passwords and profiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.validators import ProhibitNullCharactersValidator
from rest_framework.exceptions import ValidationError

from chatire_shared.contracts.errors import FieldError
from chatire_shared.http.bodies import StrictCharField


class RuledField(StrictCharField):
    """Text that a rule accepts."""

    def __init__(self, rule: Callable[[str], FieldError | None], **kwargs: Any) -> None:
        """Remember the rule.

        Args:
            rule: Says why a value is refused, or None.
            kwargs: As for any field.
        """
        super().__init__(**kwargs)
        self._rule = rule

    def to_internal_value(self, data: Any) -> str:
        """Accept what the rule accepts."""
        text = super().to_internal_value(data)
        if problem := self._rule(text):
            raise ValidationError(problem.detail, code=problem.code)
        return text


class PasswordField(StrictCharField):
    """A password as typed: any Unicode, NUL too; whether it is good enough depends on the rest of the request."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=4_096, **kwargs)
        self.validators = [check for check in self.validators if not isinstance(check, ProhibitNullCharactersValidator)]
