"""What the fakes of services share: a real HTTP server in threads, the doors of internal paths, problem details.

A fake answers as the real service does; `tests/contract/exchanges` holds both to the same table.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from chatire_shared.contracts.errors import ChatireError, Invalid, Malformed, NotFound, Unavailable
from chatire_shared.contracts.ids import is_canonical_uuid, is_sane_request_id
from chatire_shared.identity.jwks import parse_jwks
from chatire_shared.identity.service_tokens import ServiceVerifier

JSON = dict[str, Any]


class Call(NamedTuple):
    """One request, as a fake's routes get it."""

    method: str
    path: str
    query: dict[str, str]
    body: JSON
    caller: str


class FakeService(ThreadingHTTPServer):
    """Serves from its making until `close`, in daemon threads.

    Attributes:
        away: Answers 503 to everything, as a part does that is not there behind a proxy.
        asked: Method and path of the calls that came, in order; whoever made them.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, service_keys: Mapping[str, Any], port: int = 0) -> None:
        """Listen on 127.0.0.1.

        Args:
            name: The service's own, the audience of its callers' tokens.
            service_keys: JWK set of the services that may call.
            port: 0 for any that is free.
        """
        self.away = False
        self.asked: list[tuple[str, str]] = []
        self._callers = ServiceVerifier(name, parse_jwks(dict(service_keys)))
        super().__init__(("127.0.0.1", port), _Handler)
        # Looks every 20 ms whether it is to end.
        threading.Thread(target=self.serve_forever, args=(0.02,), name=f"fake-{name}", daemon=True).start()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        """Stop serving and let go of the port."""
        self.shutdown()
        self.server_close()

    def route(self, call: Call) -> JSON:
        """The answer to a call; the fake's own."""
        raise NotImplementedError

    def is_public(self, path: str) -> bool:
        """Whether a path needs no service token."""
        return False

    def answer(self, method: str, target: str, headers: Message, data: bytes) -> tuple[int, JSON]:
        """Status and body for a request, refusals included."""
        path = urlsplit(target).path
        self.asked.append((method, path))
        try:
            if self.away:
                raise Unavailable
            caller = "" if self.is_public(path) else self._caller(headers)
            query = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
            return 200, self.route(Call(method, path, query, _body_of(method, data), caller))
        except ChatireError as error:
            request_id = headers.get("X-Request-ID")
            return error.status, error.problem(request_id if is_sane_request_id(request_id) else "fake")

    def _caller(self, headers: Message) -> str:
        """Who calls; for anybody else, and for what came through the API gateway, there is nothing here."""
        if headers.get("X-Forwarded-For") is not None:
            raise NotFound
        try:
            return self._callers.verify((headers.get("Authorization") or "").removeprefix("Bearer "))
        except ChatireError:
            raise NotFound from None


def _body_of(method: str, data: bytes) -> JSON:
    if method != "POST":
        return {}
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(body, dict):
        raise Malformed
    return body


def list_in(body: JSON, field: str, longest: int) -> list[Any]:
    """A list of at most `longest` things; raises Invalid when it isn't one."""
    value = body.get(field)
    if not isinstance(value, list) or len(value) > longest:
        raise Invalid.field(field, "invalid", f"Send a list of at most {longest}.")
    return value


def id_in(value: object, field: str) -> str:
    """A canonical UUID; raises Invalid when it isn't one."""
    if not is_canonical_uuid(value):
        raise Invalid.field(field, "invalid", "Send a UUID in its canonical lower-case form.")
    return str(UUID(str(value)))


def count_in(value: object, field: str) -> int:
    """A whole number from 0; raises Invalid when it isn't one."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Invalid.field(field, "invalid", "Send a whole number from 0.")
    return value


def each(values: list[Any], do: Callable[[Any], JSON]) -> list[JSON]:
    """What `do` makes of each value; where it refuses, the refusal in the form that batches carry it."""
    return [_outcome(value, do) for value in values]


def _outcome(value: Any, do: Callable[[Any], JSON]) -> JSON:
    try:
        return do(value)
    except ChatireError as error:
        detail = error.errors[0].detail if error.errors else error.detail
        return {"ok": False, "code": error.code, "detail": detail, "retryable": error.retryable}


class _Handler(BaseHTTPRequestHandler):
    server: FakeService
    protocol_version = "HTTP/1.1"
    timeout = 30  # A keep-alive connection that says nothing more.

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.server.answer(self.command, self.path, self.headers, data)
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status == 200 else "application/problem+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 (the names of http.server)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name there)
        """Say nothing."""
