"""The way in for the one call that comes with every message: past Django's handler, middleware and URLs.

They take as much CPU for a batch of one as all that is done with it. Whatever is not just this call, from the gateway itself,
goes the usual way and is answered there; so nothing is refused here that would not be refused there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import close_old_connections, connection
from django.http import HttpResponse

from chatire_shared.contracts.errors import NotFound, TooLarge, Unauthenticated
from chatire_shared.contracts.ids import uuid7
from chatire_shared.http.chunked import WsgiApplication
from chatire_shared.http.problems import problem_for
from chatire_shared.http.request_ids import bind_request_id
from chatire_shared.identity.drf import bearer_in, require_caller
from messages_service.identity import service_verifier
from messages_service.internal.batch import answer_batch
from messages_service.internal.plain import CALLERS, MAX_BODY_BYTES, encoded, read_object

PATH = "/internal/messages/batch/"

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Door:
    """A WSGI application before Django's."""

    def __init__(self, application: WsgiApplication) -> None:
        """Leave to `application` what isn't ours."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if not _is_ours(environ):
            return self._application(environ, start_response)
        bind_request_id(str(uuid7()))
        try:
            response = _answer(environ)
        finally:
            bind_request_id(None)
            if connection.errors_occurred:
                close_old_connections()
        headers = [*response.items(), ("Content-Length", str(len(response.content)))]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return [response.content]


def _is_ours(environ: dict[str, Any]) -> bool:
    if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST" or "HTTP_X_FORWARDED_FOR" in environ:
        return False
    try:
        require_caller(bearer_in(environ), service_verifier(), CALLERS)
    except (NotFound, Unauthenticated):
        return False
    return str(environ.get("CONTENT_LENGTH")).isdigit()


def _answer(environ: dict[str, Any]) -> HttpResponse:
    length = int(environ["CONTENT_LENGTH"])
    if length > MAX_BODY_BYTES:
        return problem_for(TooLarge(), PATH)
    try:
        return encoded(answer_batch(read_object(environ["wsgi.input"].read(length))))
    except Exception as error:  # noqa: BLE001 (whatever it is, the gateway gets an answer, as from Django)
        return problem_for(error, PATH)
