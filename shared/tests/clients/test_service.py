"""Calls between services, against a real HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chatire_shared.clients.service import ServiceClient
from chatire_shared.contracts.errors import NotFound, Unavailable
from chatire_shared.http.request_ids import bind_request_id
from chatire_shared.identity.service_tokens import ServiceSigner, ServiceVerifier
from chatire_shared.testing.tokens import TokenMint

gateway = TokenMint("gateway")


class Callee(ThreadingHTTPServer):
    """A service that answers what the test says and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Callee

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, answer = self.server.answers.pop(0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = _answer  # noqa: N815 (the names of http.server)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def callee() -> Iterator[Callee]:
    """A running callee."""
    server = Callee()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _client(url: str) -> ServiceClient:
    return ServiceClient(url, "messages", ServiceSigner("gateway", gateway.private_key), timeout_seconds=0.5)


def test_a_call_is_signed_and_carries_the_request_id(callee: Callee) -> None:
    """The callee learns who calls, and for which request."""
    callee.answers = [(200, b'{"v":1}')]
    bind_request_id("request-0001")
    assert _client(callee.url).post("/internal/heads/", {"v": 1, "users": ["é"]}) == {"v": 1}
    bind_request_id(None)
    method, path, headers, body = callee.asked[0]
    assert (method, path, headers["X-Request-ID"]) == ("POST", "/internal/heads/", "request-0001")
    assert json.loads(body) == {"v": 1, "users": ["é"]}
    token = headers["Authorization"].removeprefix("Bearer ")
    keys = {"gateway": gateway.private_key.public_key()}
    assert ServiceVerifier("messages", keys).verify(token) == "gateway"


def test_a_read_is_tried_twice_and_a_write_once(callee: Callee) -> None:
    """Only what changes nothing may be repeated blindly."""
    callee.answers = [(500, b"{}"), (200, b'{"ok":true}')]
    assert _client(callee.url).get("/internal/changes/") == {"ok": True}
    callee.answers = [(500, b"{}"), (200, b"{}")]
    with pytest.raises(Unavailable):
        _client(callee.url).post("/internal/reads/", {})
    assert len(callee.asked) == 3


@pytest.mark.parametrize("answer", [(200, b"<html>"), (200, b"[]"), (302, b"{}"), (503, b"{}")])
def test_anything_but_a_json_object_means_unavailable(callee: Callee, answer: tuple[int, bytes]) -> None:
    """A proxy's page is no answer."""
    callee.answers = [answer]
    with pytest.raises(Unavailable):
        _client(callee.url).post("/internal/reads/", {})


def test_not_found_stays_not_found(callee: Callee) -> None:
    """It is an answer, not a failure."""
    callee.answers = [(404, b"{}")]
    with pytest.raises(NotFound):
        _client(callee.url).get("/internal/users/x/memberships/")


def test_a_callee_that_is_away_is_unavailable() -> None:
    """Refused at once, said so."""
    server = Callee()
    url = server.url
    server.server_close()
    with pytest.raises(Unavailable):
        _client(url).get("/internal/changes/")
