"""Strict request bodies for DRF: our own parser and fields, since DRF's coerce, trim and drop (gateway.md, "Checked since")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from django.core.exceptions import RequestDataTooBig
from rest_framework import serializers
from rest_framework.parsers import BaseParser

from chatire_shared.contracts.errors import FieldError, Invalid, TooLarge, UnknownField
from chatire_shared.contracts.ids import is_canonical_uuid
from chatire_shared.contracts.strict_json import loads

MAX_BODY_BYTES = 1_048_576


class StrictJsonParser(BaseParser):
    """Parses one JSON object; an empty body is an empty object."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Read and parse the body.

        Raises:
            Malformed, Invalid: see `strict_json.loads`; a value that is no object is invalid.
            TooLarge: over 1 MiB.
        """
        try:
            data = stream.read(MAX_BODY_BYTES + 1)
        except RequestDataTooBig:
            raise TooLarge from None
        if len(data) > MAX_BODY_BYTES:
            raise TooLarge
        if not data:
            return {}
        value = loads(data)
        if not isinstance(value, dict):
            raise Invalid.field("body", "not_an_object", "Send a JSON object.")
        return value


class StrictSerializer(serializers.Serializer[Any]):
    """A serializer that refuses unknown fields instead of dropping them."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate `data`.

        Raises:
            UnknownField: `data` has a field that isn't declared.
        """
        if isinstance(data, Mapping):
            unknown = sorted(str(key) for key in data if key not in self.fields)
            if unknown:
                raise UnknownField(
                    errors=[FieldError(name[:64], "unknown_field", "Leave this field out.") for name in unknown[:20]],
                )
        return super().to_internal_value(data)


class StrictCharField(serializers.CharField):
    """Text exactly as sent: no coercion of numbers, no trimming, no NUL; lengths count code points."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Accept a string only."""
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class StrictUuidField(serializers.Field[UUID, Any, str, Any]):
    """A UUID in canonical lower-case form; no integers, braces or `urn:`."""

    default_error_messages = {"invalid": "Send a UUID in its canonical lower-case form."}  # noqa: RUF012 (DRF's form)

    def to_internal_value(self, data: Any) -> UUID:
        """Accept the canonical form only."""
        if not is_canonical_uuid(data):
            self.fail("invalid")
        return UUID(data)

    def to_representation(self, value: UUID) -> str:
        """The canonical form."""
        return str(value)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: no strings, floats or booleans; 64 bits."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", -(2**63))
        kwargs.setdefault("max_value", 2**63 - 1)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Accept an integer only."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false`, no words or numbers."""

    def to_internal_value(self, data: Any) -> bool:
        """Accept a boolean only."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class StrictChoiceField(serializers.ChoiceField):
    """One of the given strings."""

    def to_internal_value(self, data: Any) -> str:
        """Accept a string only; a number that prints like a choice is none."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)
