"""The relay's `/healthz`, `/readyz` and `/metrics` on a port of its own."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chatire_shared.outbox.relay import Relay

_STOP_CHECK_SECONDS = 0.5


class HealthServer:
    """A tiny HTTP server in a thread; it answers nobody who came through the API gateway (docs/internal.md)."""

    def __init__(self, relay: Relay, host: str, port: int) -> None:
        """Bind at once, so that a taken port is an error of the start; `start` begins. Port 0: any free one."""
        self._server = ThreadingHTTPServer((host, port), _handler_for(relay))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=[_STOP_CHECK_SECONDS], name="chatire-health", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(relay: Relay, path: str) -> tuple[int, str, str]:
    """Status, content type and body for a path."""
    if path == "/healthz":
        return (200, "text/plain", "alive\n") if relay.alive else (503, "text/plain", "stuck\n")
    if path == "/readyz":
        return (200, "text/plain", "ready\n") if relay.ready else (503, "text/plain", "not ready\n")
    if path == "/metrics":
        return 200, "text/plain; version=0.0.4", relay.counters.as_prometheus()
    return 404, "text/plain", "not found\n"


def _handler_for(relay: Relay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # Seconds: a peer that sends nothing must not hold a thread.

        def do_GET(self) -> None:
            path = "" if "X-Forwarded-For" in self.headers else self.path
            status, content_type, body = answer(relay, path)
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing: probes come every few seconds."""

    return Handler
