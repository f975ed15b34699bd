"""Bodies of unknown length: Django under WSGI takes a request without `Content-Length` for one without a body."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

from chatire_shared.http.bodies import MAX_BODY_BYTES

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class ReadChunked:
    """A WSGI application that reads a chunked body (RFC 9112 section 7.1) before the one behind it, and says its length.

    Only where the server marks the end of the input itself (`wsgi.input_terminated`, as gunicorn does), and never more
    than a byte over the limit: that byte makes the body too large for whoever parses it.
    """

    def __init__(self, application: WsgiApplication) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(MAX_BODY_BYTES + 1)
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return self._application(environ, start_response)
