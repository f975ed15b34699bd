"""The id that follows one request through all services and logs (protocol.md section 1)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from chatire_shared.contracts.ids import is_sane_request_id, uuid7

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def current_request_id() -> str | None:
    """The id of the request being served in this context, if any."""
    return _current.get()


def bind_request_id(request_id: str | None) -> None:
    """Make `request_id` the current one of this context."""
    _current.set(request_id)


class RequestIdMiddleware:
    """Takes over a sane `X-Request-ID` or makes one, and puts it on the answer. Must be the first middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve one request under its id."""
        given = request.headers.get("X-Request-ID")
        request_id = given if given is not None and is_sane_request_id(given) else str(uuid7())
        token = _current.set(request_id)
        try:
            response = self._get_response(request)
        finally:
            _current.reset(token)
        finish(response, request_id)
        return response


def finish(response: HttpResponse, request_id: str) -> None:
    """Put on an answer what every answer has."""
    response["X-Request-ID"] = request_id
    response.setdefault("X-Content-Type-Options", "nosniff")
    response.setdefault("Referrer-Policy", "no-referrer")
    response.setdefault("Cache-Control", "no-store")
