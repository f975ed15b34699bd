"""`/healthz` (the process lives), `/readyz` (it can serve), and the wall around paths that are not for the public."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse, JsonResponse

from chatire_shared import __version__
from chatire_shared.contracts.errors import NotFound
from chatire_shared.http.addresses import came_through_gateway
from chatire_shared.http.problems import problem_response

_CLOSED = re.compile(r"/(internal|metrics|healthz|readyz)(/|$)")

Check = Callable[[], None]
"""Raises when the thing it looks at is not usable."""


class ClosedPathsMiddleware:
    """Answers 404 for internal paths that came through the API gateway: the second wall behind Caddy's own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse or pass on."""
        if came_through_gateway(request) and _CLOSED.match(request.path):
            return problem_response(NotFound())
        return self._get_response(request)


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok", "version": __version__})


def readyz(checks: Mapping[str, Check]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that runs every check and answers 503 with the names of those that failed."""

    def view(request: HttpRequest) -> HttpResponse:
        failed = [name for name, check in checks.items() if not _passes(check)]
        body = {"status": "unavailable" if failed else "ok", "version": __version__, "failed": failed}
        return JsonResponse(body, status=503 if failed else 200)

    return view


def _passes(check: Check) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001 (whatever it is, the part isn't usable)
        return False
    return True


def database_check() -> None:
    """The default database answers a query."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
