"""What the internal views share: only the gateway, only POST or GET, JSON in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from chatire_shared.contracts.errors import Invalid, Malformed, NotFound, TooLarge
from chatire_shared.contracts.ids import is_canonical_uuid
from chatire_shared.contracts.strict_json import dumps_bytes, loads_ours
from chatire_shared.identity.drf import require_service
from messages_service.identity import service_verifier

CALLERS = frozenset({"gateway"})
MAX_BODY_BYTES = 33_554_432
"""500 messages of 8,000 code points fit; `request.body` would stop at the 1 MiB that strangers may send."""


def for_gateway(method: str) -> Callable[[Callable[..., dict[str, Any]]], Callable[..., HttpResponse]]:
    """Make a view of a function that takes the request's body (None for GET) and returns an answer without its `v`."""

    def decorate(answer: Callable[..., dict[str, Any]]) -> Callable[..., HttpResponse]:
        @csrf_exempt
        def view(request: HttpRequest, **kwargs: Any) -> HttpResponse:
            require_service(request, service_verifier(), CALLERS)
            if request.method != method:
                raise NotFound
            body = answer(**kwargs) if method == "GET" else answer(read_object(_read(request)), **kwargs)
            response = encoded(body)
            response.headers["Content-Length"] = str(len(response.content))  # Or it goes in chunks.
            return response

        return view

    return decorate


def encoded(body: dict[str, Any]) -> HttpResponse:
    """An answer."""
    return HttpResponse(dumps_bytes({"v": 1, **body}), content_type="application/json")


def _read(request: HttpRequest) -> bytes:
    data: bytes = request.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        raise TooLarge
    return data


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object; the caller is one of ours, so it isn't looked at as strictly as a stranger's.

    Raises:
        Malformed: it isn't one.
    """
    try:
        value = loads_ours(data)
    except ValueError:
        raise Malformed from None
    if not isinstance(value, dict):
        raise Malformed
    return value


def list_of(body: dict[str, Any], field: str, longest: int) -> list[Any]:
    """A list of at most `longest` things.

    Raises:
        Invalid: it isn't one.
    """
    value = body.get(field)
    if not isinstance(value, list) or len(value) > longest:
        raise Invalid.field(field, "invalid", f"Send a list of at most {longest}.")
    return value


def id_of(value: object, field: str) -> UUID:
    """A UUID.

    Raises:
        Invalid: it isn't one in canonical form.
    """
    return UUID(id_text_of(value, field))


def id_text_of(value: object, field: str) -> str:
    """A UUID's text.

    Raises:
        Invalid: as `id_of`.
    """
    if not is_canonical_uuid(value):
        raise Invalid.field(field, "invalid", "Send a UUID in its canonical lower-case form.")
    return str(value)
