"""`conversations/` and `channels/`: one's own conversations, and channels that one may join."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatire_shared.contracts.errors import Invalid
from chatire_shared.contracts.times import rfc3339
from chatire_shared.http.pages import encode_cursor, page_limit
from messages_service.conversations.api.bodies import CreateBody, EmptyBody, UpdateBody
from messages_service.conversations.rules.kinds import History, Kind
from messages_service.conversations.selectors.channels import get_channel, list_channels
from messages_service.conversations.selectors.membership import find_membership
from messages_service.conversations.selectors.overviews import channel_summary, get_overview, list_overviews
from messages_service.conversations.services.creating import NewConversation, create_conversation
from messages_service.conversations.services.members import join_channel
from messages_service.conversations.services.updating import delete_conversation, update_conversation
from messages_service.requests import caller_of, cursor_of, fetch_users, read_body, search_of

DEFAULT_PAGE, LARGEST_PAGE = 50, 200
_CURSOR_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"
"""Only what we write ourselves: PostgreSQL has fewer time zones than `fromisoformat`."""


class ConversationsView(APIView):
    """One's own conversations."""

    def get(self, request: Request) -> Response:
        """A page of them, most recently active first."""
        limit = page_limit(request.query_params.get("limit"), default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        page, position = list_overviews(
            user_id=caller_of(request).user_id, before=_activity_cursor(request), limit=limit
        )
        following = encode_cursor([rfc3339(position[0]), str(position[1])]) if position else None
        return Response({"conversations": page, "next": following})

    def post(self, request: Request) -> Response:
        """Begin one: 201, or 200 for a direct one that exists."""
        body, caller = read_body(CreateBody, request), caller_of(request)
        new = NewConversation(
            kind=Kind(body["kind"]),
            title=body.get("title"),
            topic=body.get("topic", ""),
            history=History(body.get("history", History.ALL)),
            member_ids=body.get("member_ids", ()),
        )
        conversation_id, created = create_conversation(
            new=new, creator_id=caller.user_id, fetch_users=fetch_users, now=caller.now, request_id=caller.request_id
        )
        overview = get_overview(conversation_id=conversation_id, user_id=caller.user_id)
        return Response(overview, status=201 if created else 200)


class ConversationView(APIView):
    """One conversation."""

    def get(self, request: Request, conversation_id: UUID) -> Response:
        """As its member sees it; a channel's summary for anybody."""
        user_id = caller_of(request).user_id
        if find_membership(conversation_id=conversation_id, user_id=user_id) is None:
            return Response(channel_summary(get_channel(conversation_id=conversation_id)))
        return Response(get_overview(conversation_id=conversation_id, user_id=user_id))

    def patch(self, request: Request, conversation_id: UUID) -> Response:
        """Change title and topic."""
        body, caller = read_body(UpdateBody, request), caller_of(request)
        update_conversation(
            conversation_id=conversation_id,
            actor_id=caller.user_id,
            changes=body,
            now=caller.now,
            request_id=caller.request_id,
        )
        return Response(get_overview(conversation_id=conversation_id, user_id=caller.user_id))

    def delete(self, request: Request, conversation_id: UUID) -> Response:
        """End it for everybody."""
        caller = caller_of(request)
        delete_conversation(
            conversation_id=conversation_id, actor_id=caller.user_id, now=caller.now, request_id=caller.request_id
        )
        return Response(status=204)


class JoinView(APIView):
    """Joining a channel."""

    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Join; the conversation as it is then."""
        read_body(EmptyBody, request)
        caller = caller_of(request)
        join_channel(
            conversation_id=conversation_id, user_id=caller.user_id, now=caller.now, request_id=caller.request_id
        )
        return Response(get_overview(conversation_id=conversation_id, user_id=caller.user_id))


class ChannelsView(APIView):
    """Channels that one may join, or has joined."""

    def get(self, request: Request) -> Response:
        """A page of them, by title."""
        limit = page_limit(request.query_params.get("limit"), default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        page, position = list_channels(
            user_id=caller_of(request).user_id, search=search_of(request), after=cursor_of(request), limit=limit
        )
        following = encode_cursor([position[0], str(position[1])]) if position else None
        return Response({"channels": page, "next": following})


def _activity_cursor(request: Request) -> tuple[datetime, UUID] | None:
    position = cursor_of(request)
    if position is None:
        return None
    try:
        moment = datetime.strptime(position[0], _CURSOR_TIME).replace(tzinfo=UTC)
    except ValueError:
        raise Invalid.field("cursor", "invalid", "Use the value of `next` from the page before, unchanged.") from None
    return moment, position[1]
