"""`/healthz`, `/readyz`, `/metrics` as a plain ASGI application; every other path is a 404 problem.

No Django view: those run in a thread pool, and health must answer while everything else is busy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from chatire_shared import __version__
from chatire_shared.contracts.errors import NotFound
from chatire_shared.contracts.ids import is_sane_request_id, uuid7
from chatire_shared.contracts.strict_json import dumps

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Check = Callable[[], bool]

JSON = "application/json"
PROBLEM = "application/problem+json"
METRICS = "text/plain; version=0.0.4; charset=utf-8"


class Pages:
    """The HTTP side of the gateway, for probes and scrapers that don't come through the API gateway."""

    def __init__(self, checks: Mapping[str, Check], metrics: Callable[[], str] = str) -> None:
        """Set what is asked.

        Args:
            checks: By name, whether a part is ready.
            metrics: The current figures in Prometheus's text format.
        """
        self._checks = checks
        self._metrics = metrics

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {bytes(name).lower(): bytes(value) for name, value in scope["headers"]}
        request_id = _request_id(headers)
        status, kind, body = self._answer(scope, headers, request_id)
        await send({"type": "http.response.start", "status": status, "headers": _headers(kind, body, request_id)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    def _answer(self, scope: dict[str, Any], headers: dict[bytes, bytes], request_id: str) -> tuple[int, str, bytes]:
        page = _PAGES.get(scope["path"])
        if page is None or scope["method"] not in {"GET", "HEAD"} or b"x-forwarded-for" in headers:
            return 404, PROBLEM, dumps(NotFound().problem(request_id)).encode()
        return page(self)

    def _healthz(self) -> tuple[int, str, bytes]:
        return 200, JSON, dumps({"status": "ok", "version": __version__}).encode()

    def _readyz(self) -> tuple[int, str, bytes]:
        failed = [name for name, check in self._checks.items() if not check()]
        body = {"status": "unavailable" if failed else "ok", "version": __version__, "failed": failed}
        return 503 if failed else 200, JSON, dumps(body).encode()

    def _metrics_page(self) -> tuple[int, str, bytes]:
        return 200, METRICS, self._metrics().encode()


_PAGES: dict[str, Callable[[Pages], tuple[int, str, bytes]]] = {
    "/healthz": Pages._healthz,  # noqa: SLF001 (the table belongs to the class)
    "/readyz": Pages._readyz,  # noqa: SLF001
    "/metrics": Pages._metrics_page,  # noqa: SLF001
}


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if is_sane_request_id(given) else str(uuid7())


def _headers(kind: str, body: bytes, request_id: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request_id.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", b"no-store"),
    ]
