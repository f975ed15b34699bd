"""A real HTTP server that stands where auth does: public keys, accounts by id, the change feed."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from chatire_shared.contracts.errors import Unauthenticated
from chatire_shared.identity.service_tokens import ServiceVerifier
from chatire_shared.testing.tokens import TokenMint


class AuthService:
    """What auth knows, and whether it is there."""

    def __init__(self, mint: TokenMint, service_keys_file: str) -> None:
        self.mint = mint
        self.accounts: dict[str, dict[str, Any]] = {}
        self.changes: list[dict[str, Any]] = []
        self.away = False
        self.asked: list[str] = []
        self._verifier = ServiceVerifier.from_file("auth", service_keys_file)
        handler = type("Handler", (_Handler,), {"auth": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forget(self) -> None:
        """Back to knowing nobody."""
        self.accounts.clear()
        self.changes.clear()
        self.asked.clear()
        self.away = False

    def answer(self, path: str, query: dict[str, list[str]], token: str) -> tuple[int, dict[str, Any]]:
        if path == "/api/auth/.well-known/jwks.json":
            return 200, self.mint.jwks()
        self.asked.append(path)
        if self.away:
            return 503, {}
        try:
            assert self._verifier.verify(token) == "messages"
        except Unauthenticated:
            return 404, {}
        if path == "/internal/users/":
            ids = query["ids"][0].split(",")
            users = [self.accounts[user_id] for user_id in ids if user_id in self.accounts]
            return 200, {"v": 1, "users": users, "latest": len(self.changes)}
        if path == "/internal/changes/":
            after = int(query.get("after", ["0"])[0])
            page = [change for change in self.changes if change["id"] > after][: int(query.get("limit", ["500"])[0])]
            return 200, {"v": 1, "changes": page, "latest": len(self.changes)}
        return 404, {}


class _Handler(BaseHTTPRequestHandler):
    auth: ClassVar[AuthService]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        status, body = self.auth.answer(parts.path, parse_qs(parts.query), token)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
