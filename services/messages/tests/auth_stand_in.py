"""As much of auth as this service calls, over real HTTP: keys, accounts by id, the change feed (docs/internal.md)."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chatire_shared.contracts.errors import ChatireError
from chatire_shared.identity.jwks import parse_jwks
from chatire_shared.identity.service_tokens import ServiceVerifier
from chatire_shared.testing.tokens import TokenMint

PAGE = 500


class AuthStandIn:
    """Serves what the test puts into it until the session ends.

    Attributes:
        mint: Signs access tokens with the key that is published here.
        accounts: What `GET /internal/users/` knows, by id.
        changes: The change feed; ids count from 1.
        away: Answers 503 to everything, as a part that is not there does behind a proxy.
        asked: Paths of the calls that came, in order.
    """

    def __init__(self, services_jwks: dict[str, Any]) -> None:
        self.mint = TokenMint()
        self.accounts: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []
        self.away = False
        self.asked: list[str] = []
        self._callers = ServiceVerifier("auth", parse_jwks(services_jwks))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reset(self) -> None:
        """Forget what a test has put here."""
        self.accounts.clear()
        self.changes.clear()
        self.asked.clear()
        self.away = False

    def change(self, kind: str, **data: Any) -> int:
        """Append to the change feed; returns the change's id."""
        number = len(self.changes) + 1
        self.changes.append({"id": number, "kind": kind, "at": "2026-11-23T09:30:00.000000Z", "data": data})
        return number

    def answer(self, target: str, authorization: str | None) -> tuple[int, Any]:
        """Status and body for a call."""
        path, query = urlsplit(target).path, parse_qs(urlsplit(target).query)
        self.asked.append(path)
        if self.away:
            return 503, {}
        if path == "/api/auth/.well-known/jwks.json":
            return 200, self.mint.jwks()
        if not self._is_service(authorization):
            return 404, {}
        if path == "/internal/users/":
            found = [self.accounts[key] for key in query["ids"][0].split(",") if key in self.accounts]
            return 200, {"v": 1, "users": found, "latest": len(self.changes)}
        if path == "/internal/changes/":
            after = int(query.get("after", ["0"])[0])
            limit = int(query.get("limit", [str(PAGE)])[0])
            return 200, {"v": 1, "changes": self.changes[after : after + limit], "latest": len(self.changes)}
        return 404, {}

    def _is_service(self, authorization: str | None) -> bool:
        try:
            return self._callers.verify((authorization or "").removeprefix("Bearer ")) == "messages"
        except ChatireError:
            return False


def _handler_for(auth: AuthStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_GET(self) -> None:
            status, body = auth.answer(self.path, self.headers.get("Authorization"))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
