"""What every endpoint needs from its request: who, when, under which id, and somebody to ask about people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from rest_framework.request import Request

from chatire_shared.contracts.errors import Invalid, NotFound, Unavailable
from chatire_shared.contracts.ids import is_canonical_uuid
from chatire_shared.http.bodies import StrictSerializer
from chatire_shared.http.pages import decode_cursor
from chatire_shared.http.request_ids import current_request_id
from chatire_shared.identity.principal import Principal
from messages_service.identity import auth_client

Body = TypeVar("Body", bound=StrictSerializer)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, when, and under which request id."""

    user_id: UUID
    now: datetime
    request_id: str | None


def caller_of(request: Request) -> Caller:
    """The caller of a request that `SignedIn` let through."""
    assert isinstance(request.user, Principal)  # noqa: S101 (for the type checker; the permission said so)
    return Caller(request.user.user_id, datetime.now(UTC), current_request_id())


def read_body(serializer: type[StrictSerializer], request: Request) -> dict[str, Any]:
    """The request's body, validated.

    Raises:
        Malformed, Invalid, UnknownField: it isn't what `serializer` describes; DRF's ValidationError likewise.
    """
    body = serializer(data=request.data)
    body.is_valid(raise_exception=True)
    data: dict[str, Any] = body.validated_data
    return data


def fetch_users(user_ids: Sequence[UUID]) -> dict[str, Any]:
    """Ask auth for accounts (docs/internal.md, "auth").

    Raises:
        Unavailable: auth is away.
    """
    try:
        return auth_client().get("/internal/users/", {"ids": ",".join(map(str, user_ids))})
    except NotFound as error:
        # Auth doesn't know our service key: its 404 must not look like a missing person to our caller.
        raise Unavailable(retry_after_seconds=1) from error


def cursor_of(request: Request) -> tuple[str, UUID] | None:
    """The position in `?cursor=`: a text to compare and an id, None without one.

    Raises:
        Invalid: it isn't one of ours.
    """
    raw = request.query_params.get("cursor")
    if raw is None:
        return None
    text, identity = decode_cursor(raw, 2)
    if not isinstance(text, str) or not is_storable(text) or not is_canonical_uuid(identity):
        raise Invalid.field("cursor", "invalid", "Use the value of `next` from the page before, unchanged.")
    return text, UUID(identity)


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can be given `text`: no NUL, no lone surrogate (both can be smuggled into a query string)."""
    return "\0" not in text and text.encode("utf-8", "ignore").decode() == text


def search_of(request: Request) -> str:
    """The words of `?search=`.

    Raises:
        Invalid: over-long, or with a NUL.
    """
    search = request.query_params.get("search", "")
    if len(search) > 200 or not is_storable(search):
        raise Invalid.field("search", "invalid", "Search for at most 200 ordinary characters.")
    return search
