"""The way in for the question that every process of the others asks each second: has the change feed grown?

Nearly always it has not. Through Django and REST framework that answer took 8 ms of CPU on a quiet machine, which made this
service the busiest of an idle system. Whatever isn't just that question from one of ours, or has another answer, goes the
usual way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.db import Error, connection

from auth_service.accounts.api.internal import ChangesView, service_verifier
from auth_service.accounts.selectors import feed
from chatire_shared.contracts.envelopes import VERSION
from chatire_shared.contracts.strict_json import dumps_bytes
from chatire_shared.http.chunked import WsgiApplication
from chatire_shared.identity.drf import is_direct_call

PATH = "/internal/changes/"
_QUERY = re.compile(r"after=(0|[1-9][0-9]{0,17})&limit=(?:[1-9][0-9]?|[1-4][0-9]{2}|500)", re.ASCII)


class FeedDoor:
    """A WSGI application before Django's."""

    def __init__(self, application: WsgiApplication) -> None:
        """Leave to `application` what isn't ours."""
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        latest = _nothing_after(environ) if environ["PATH_INFO"] == PATH else None
        if latest is None:
            return self._application(environ, start_response)
        content = dumps_bytes({"v": VERSION, "changes": [], "latest": latest})
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(content)))])
        return [content]


def _nothing_after(environ: dict[str, Any]) -> int | None:
    """The feed's latest id, for one of ours who has all changes; None for whoever must go the usual way."""
    asked = _QUERY.fullmatch(environ.get("QUERY_STRING", ""))
    if asked is None or environ["REQUEST_METHOD"] != "GET":
        return None
    if not is_direct_call(environ, service_verifier(settings.SERVICE_KEYS_FILE), ChangesView.callers):
        return None
    # Django would first ask a connection that was kept whether it is alive; here that shows by itself.
    connection.health_check_done = True  # type: ignore[attr-defined]  # django-stubs don't know it
    try:
        latest = feed.latest_change_id()
    except Error:
        connection.close()
        return None
    return latest if latest <= int(asked[1]) else None
