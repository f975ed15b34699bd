"""What the ways past Django's handler share: the frame around an answer, and the answer's way out (WSGI, PEP 3333)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import close_old_connections, connection
from django.http import HttpResponse

from chatire_shared.http.problems import problem_for
from chatire_shared.http.request_ids import bind_request_id

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def answered(make: Callable[[], HttpResponse], request_id: str, path: str) -> HttpResponse:
    """What `make` answers under this request id; whatever it raises becomes the problem that Django's way would answer."""
    bind_request_id(request_id)
    try:
        return make()
    except Exception as error:  # noqa: BLE001 (whatever it is, the caller gets an answer, as from Django)
        return problem_for(error, path)
    finally:
        bind_request_id(None)
        if connection.errors_occurred:
            close_old_connections()


def send(response: HttpResponse, start_response: StartResponse) -> Iterable[bytes]:
    """Hand an answer to the server."""
    headers = [*response.items(), ("Content-Length", str(len(response.content)))]
    start_response(f"{response.status_code} {response.reason_phrase}", headers)
    return [response.content]
