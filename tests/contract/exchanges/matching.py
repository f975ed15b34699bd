"""Shapes to compare an answer with: plain values, and what equals anything of its kind."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from chatire_shared.contracts.ids import is_canonical_uuid


class Like:
    """Equals whatever passes."""

    def __init__(self, name: str, passes: Callable[[Any], bool]) -> None:
        self._name = name
        self._passes = passes

    def __eq__(self, other: object) -> bool:
        return self._passes(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{self._name}>"


ID = Like("an id", is_canonical_uuid)
TIME = Like("a time", lambda value: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", str(value)) is not None)
TEXT = Like("a text", lambda value: isinstance(value, str) and value != "")
POSITION = Like("a position", lambda value: type(value) is int and value > 0)


def json_text(shape: Any) -> Like:
    """The JSON text of something of this shape, members in this order."""
    return Like(f"JSON of {shape}", lambda value: _read(value) == shape and list(_read(value)) == list(shape))


def _read(value: Any) -> Any:
    return json.loads(value)


def problem(status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """The problem details of a refusal."""
    body = {"type": "about:blank", "title": TEXT, "status": status, "code": code, "detail": TEXT, "request_id": TEXT}
    return body if field is None else body | {"errors": [{"field": field, "code": TEXT, "detail": TEXT}]}
