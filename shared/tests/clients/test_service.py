"""Calls between services, against a real HTTP server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from chatire_shared.clients.service import ServiceClient
from chatire_shared.contracts.errors import NotFound, Unavailable
from chatire_shared.http.request_ids import bind_request_id
from chatire_shared.identity.service_tokens import ServiceSigner, ServiceVerifier
from chatire_shared.testing.tokens import TokenMint

gateway = TokenMint("gateway")
CUT = 0
OK = (200, b'{"ok":true}')


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

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, answer = self.server.answers.pop(0)
        if status == CUT:
            self.close_connection = True
            return
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
    with _running() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Callee]:
    """Another instance of the same service."""
    with _running() as server:
        yield server


@contextmanager
def _running() -> Iterator[Callee]:
    server = Callee()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _client(*urls: str) -> ServiceClient:
    return ServiceClient(" ".join(urls), "messages", ServiceSigner("gateway", gateway.private_key), timeout_seconds=0.5)


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


def test_instances_take_turns(callee: Callee, other: Callee) -> None:
    """Few callers must not end up at the same one."""
    callee.answers, other.answers = [OK] * 4, [OK] * 4
    client = _client(callee.url, other.url)
    for _ in range(8):
        client.post("/internal/heads/", {})
    assert (len(callee.asked), len(other.asked)) == (4, 4)


@pytest.mark.parametrize("failure", [(CUT, b""), (502, b"<html>"), (503, b"{}"), (504, b"{}")])
def test_a_call_that_one_instance_did_not_take_goes_to_the_next(
    callee: Callee, other: Callee, failure: tuple[int, bytes]
) -> None:
    """At once, writes too: all internal calls may be done twice."""
    callee.answers, other.answers = [failure], [OK] * 4
    client = _client(callee.url, other.url)
    for _ in range(4):
        assert client.post("/internal/reads/", {}) == {"ok": True}
    assert (len(callee.asked), len(other.asked)) == (1, 4)


def test_an_instance_that_is_down_is_passed_over(callee: Callee) -> None:
    """As during a restart."""
    with _running() as gone:
        pass
    callee.answers = [OK] * 4
    client = _client(gone.url, callee.url)
    for _ in range(4):
        assert client.post("/internal/reads/", {}) == {"ok": True}


def test_no_instance_means_unavailable(callee: Callee, other: Callee) -> None:
    """Each was asked once."""
    callee.answers, other.answers = [(503, b"{}")], [(CUT, b"")]
    with pytest.raises(Unavailable):
        _client(callee.url, other.url).post("/internal/reads/", {})
    assert (len(callee.asked), len(other.asked)) == (1, 1)


def test_a_broken_call_to_a_single_address_is_tried_once_more(callee: Callee) -> None:
    """A kept connection may be from before a restart, and one name may stand for several instances."""
    callee.answers = [OK, (CUT, b""), OK]
    client = _client(callee.url)
    assert client.post("/internal/reads/", {}) == client.post("/internal/reads/", {}) == {"ok": True}


def test_a_call_that_takes_too_long_is_not_doubled(callee: Callee, other: Callee) -> None:
    """Whoever has it may be at it still."""
    other.answers = [OK]
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        client = _client(f"http://127.0.0.1:{deaf.getsockname()[1]}", other.url)
        outcomes = [_outcome(client) for _ in range(2)]
    assert sorted(outcomes) == ["done", "unavailable"]
    assert len(other.asked) == 1


def _outcome(client: ServiceClient) -> str:
    try:
        client.post("/internal/reads/", {})
    except Unavailable:
        return "unavailable"
    return "done"
