"""`/api/auth/users/`: other people's public profiles."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from auth_service.accounts.models import User
from auth_service.accounts.selectors.people import list_users, public_profile
from chatire_shared.contracts.errors import Invalid, NotFound
from chatire_shared.contracts.ids import is_canonical_uuid
from chatire_shared.http.pages import decode_cursor, encode_cursor, page_limit

MAX_USERS = 100
_MAX_SEARCH_CHARS = 64


class UsersView(APIView):
    """Profiles by search, by id, or all, 100 at a time."""

    def get(self, request: Request) -> Response:
        """The profiles that were asked for, ordered by user name."""
        query = request.query_params
        limit = page_limit(query.get("limit"), default=MAX_USERS, maximum=MAX_USERS)
        users = list_users(
            search=_search(query.get("search", "")),
            ids=parse_ids(query["ids"], MAX_USERS) if "ids" in query else None,
            after_key=_after(query.get("cursor")),
            limit=limit + 1,
        )
        more = len(users) > limit
        shown = users[:limit]
        following = encode_cursor([shown[-1].username_key]) if more else None
        return Response({"users": [public_profile(user) for user in shown], "next": following})


class UserView(APIView):
    """One profile."""

    def get(self, request: Request, user_id: UUID) -> Response:
        """The profile."""
        user = User.objects.filter(id=user_id).first()
        if user is None:
            raise NotFound
        return Response(public_profile(user))


def parse_ids(raw: str, most: int) -> list[UUID]:
    """The ids of a comma-separated parameter.

    Raises: Invalid: one isn't a canonical UUID, or there are too many.
    """
    parts = [part for part in raw.split(",") if part]
    if len(parts) > most or not all(map(is_canonical_uuid, parts)):
        raise Invalid.field("ids", "invalid", f"Send at most {most} UUIDs in canonical form, separated by commas.")
    return [UUID(part) for part in parts]


def _search(raw: str) -> str:
    if len(raw) > _MAX_SEARCH_CHARS or "\0" in raw:
        raise Invalid.field("search", "invalid", f"Search for at most {_MAX_SEARCH_CHARS} characters.")
    return raw


def _after(cursor: str | None) -> str:
    (key,) = decode_cursor(cursor, 1) if cursor is not None else [""]
    if not isinstance(key, str) or "\0" in key:
        raise Invalid.field("cursor", "invalid", "Use the value of `next` from the page before, unchanged.")
    return key
