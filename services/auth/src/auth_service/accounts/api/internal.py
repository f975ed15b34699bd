"""`/internal/…`: what the other services read here (docs/internal.md, "auth"). Nobody else learns that it exists."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, ClassVar

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auth_service.accounts.api.users import parse_ids
from auth_service.accounts.models import User
from auth_service.accounts.selectors import feed
from auth_service.accounts.selectors.people import internal_user
from chatire_shared.contracts.envelopes import VERSION
from chatire_shared.http.pages import bounded_integer, page_limit
from chatire_shared.identity.drf import require_service
from chatire_shared.identity.service_tokens import ServiceVerifier

MAX_CHANGES = 500
MAX_USERS = 500


class InternalView(APIView):
    """A view for some of the other services; 404 for everybody else, whatever the method."""

    authentication_classes = ()
    permission_classes = ()
    callers: ClassVar[frozenset[str]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse everybody else before the method is looked at."""
        require_service(request, service_verifier(settings.SERVICE_KEYS_FILE), self.callers)
        super().initial(request, *args, **kwargs)


class ChangesView(InternalView):
    """The change feed."""

    callers = frozenset({"messages", "gateway"})

    def get(self, request: Request) -> Response:
        """The changes after an id, or those of the last 15 minutes."""
        limit = page_limit(request.query_params.get("limit"), default=MAX_CHANGES, maximum=MAX_CHANGES)
        latest = feed.latest_change_id()
        after = _after(request.query_params.get("after"), latest)
        changes = feed.list_changes(after=after, limit=limit)
        return Response({"v": VERSION, "changes": changes, "latest": max([latest, *(row["id"] for row in changes)])})


class InternalUsersView(InternalView):
    """Accounts by id."""

    callers = frozenset({"messages"})

    def get(self, request: Request) -> Response:
        """Those of the ids that exist."""
        ids = parse_ids(request.query_params.get("ids", ""), MAX_USERS)
        latest = feed.latest_change_id()
        users = User.objects.filter(id__in=ids).order_by("id")
        return Response({"v": VERSION, "users": [internal_user(user) for user in users], "latest": latest})


def _after(raw: str | None, latest: int) -> int:
    if raw is None:
        return feed.recent_start(now=datetime.now(UTC), latest=latest)
    return bounded_integer("after", raw, minimum=0, maximum=2**63 - 1)


@cache
def service_verifier(keys_file: str) -> ServiceVerifier:
    """Who may call here, by the keys in a file."""
    return ServiceVerifier.from_file("auth", keys_file)
