"""The way in for the one call that comes with every message: past Django's handler, middleware and URLs.

Called in a loop, a batch of one took 2.0 to 2.2 ms of CPU with them and 1.6 without.
Whatever is not just this call, from the gateway itself,
goes the usual way and is answered there; so nothing is refused here that would not be refused there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.http import HttpResponse

from chatire_shared.contracts.errors import TooLarge
from chatire_shared.contracts.ids import uuid7_text
from chatire_shared.http.chunked import WsgiApplication
from chatire_shared.identity.drf import is_direct_call
from chatire_shared.serving import lane
from messages_service.identity import service_verifier
from messages_service.internal.batch import answer_batch
from messages_service.internal.plain import CALLERS, MAX_BODY_BYTES, encoded, read_object
from messages_service.short_ways import StartResponse, answered, send

PATH = "/internal/messages/batch/"
REQUEST_LINE = f"POST {PATH} HTTP/1.1".encode()


class Door:
    """A WSGI application before Django's."""

    def __init__(self, application: WsgiApplication) -> None:
        """Leave to `application` what isn't ours."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        if environ["PATH_INFO"] != PATH or environ["REQUEST_METHOD"] != "POST" or not _is_ours(environ):
            return self._application(environ, start_response)
        length = str(environ.get("CONTENT_LENGTH"))
        if not length.isdigit():
            return self._application(environ, start_response)
        lane.offer()
        return send(_answer(environ["wsgi.input"].read(min(int(length), MAX_BODY_BYTES + 1))), start_response)

    def lane(self, first_line: bytes, headers: Mapping[bytes, bytes], body: bytes) -> bytes | None:
        """The same for calls that come in a lane of their own (`serving.lane.Application`)."""
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in _texts(headers)}
        if first_line != REQUEST_LINE or not _is_ours(environ):
            return None
        response = _answer(body)
        head = "".join(f"{name}: {value}\r\n" for name, value in response.items())
        return (
            f"HTTP/1.1 {response.status_code} {response.reason_phrase}\r\n{head}"
            f"Content-Length: {len(response.content)}\r\n\r\n"
        ).encode("latin-1") + response.content


def _texts(headers: Mapping[bytes, bytes]) -> Iterator[tuple[str, str]]:
    return ((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.items())


def _is_ours(environ: Mapping[str, Any]) -> bool:
    """Whether it is the gateway that calls, and directly."""
    return is_direct_call(environ, service_verifier(), CALLERS)


def _answer(body: bytes) -> HttpResponse:
    def make() -> HttpResponse:
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
        return encoded(answer_batch(read_object(body)))

    return answered(make, uuid7_text(), PATH)
