"""A service that tells what reached it: the answer to any request is that request, as JSON, unless the query asks for more."""

import base64
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Mirror(BaseHTTPRequestHandler):
    """Answers as the query says: `status`, `type`, and any `header-NAME`."""

    protocol_version = "HTTP/1.1"
    server: "FakeUpstream"

    def _answer(self) -> None:
        if self.headers.get("Upgrade") == "websocket":
            self._upgrade()
            return
        wishes = dict(parse_qsl(urlsplit(self.path).query))
        size = self._read_body()
        received = {"who": self.server.name, "path": self.path, "size": size, "headers": self.headers.items()}
        self.server.requests.append(received)
        if self.server.cuts:
            self.close_connection = True
            return
        body = json.dumps(received).encode()
        self.send_response(int(wishes.get("status", 200)))
        self.send_header("Content-Type", wishes.get("type", "application/json"))
        self.send_header("Content-Length", str(len(body)))
        for name, value in wishes.items():
            if name.startswith("header-"):
                self.send_header(name.removeprefix("header-"), value)
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 (the base class asks for these names)

    def _read_body(self) -> int:
        """Read all of the body, chunked or not; return its size."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        total = 0
        while size := int(self.rfile.readline(), 16):
            total += len(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return total

    def _upgrade(self) -> None:
        """Accept a WebSocket and send back what comes, byte for byte."""
        digest = hashlib.sha1(f"{self.headers['Sec-WebSocket-Key']}{WEBSOCKET_GUID}".encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        self.send_header("X-Request-ID", "the-upstreams-own")
        self.server.requests.append({"who": self.server.name, "path": self.path, "headers": self.headers.items()})
        self.end_headers()
        while data := self.connection.recv(65536):
            self.connection.sendall(data)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class FakeUpstream(ThreadingHTTPServer):
    """One service; `requests` is what it was asked; one that `cuts` takes requests and closes without an answer."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        """Listen on a free port."""
        super().__init__(("127.0.0.1", 0), Mirror)
        self.name = name
        self.requests: list[dict[str, Any]] = []
        self.cuts = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about callers who go away: refusing them early is what the API gateway is there for."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""
        return f"127.0.0.1:{self.server_address[1]}"


@contextmanager
def running_upstream(name: str) -> Iterator[FakeUpstream]:
    """A fake service for as long as the block lasts."""
    with FakeUpstream(name) as upstream:
        thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield upstream
        finally:
            upstream.shutdown()
            thread.join()
