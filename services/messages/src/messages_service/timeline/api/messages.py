"""`messages/`: history, posting, editing, deleting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatire_shared.contracts.errors import Invalid, NotFound
from chatire_shared.contracts.times import rfc3339
from chatire_shared.http.pages import bounded_integer, page_limit
from messages_service.conversations.selectors.membership import get_membership
from messages_service.requests import caller_of, read_body
from messages_service.timeline.api.bodies import EditBody, PostBody
from messages_service.timeline.api.posting import post
from messages_service.timeline.selectors import messages
from messages_service.timeline.services.editing import delete_message, edit_message
from messages_service.timeline.services.posting import NewMessage

DEFAULT_PAGE, LARGEST_PAGE = 50, 200
LARGEST_SEQ = 2**63 - 1


class MessagesView(APIView):
    """The messages of a conversation."""

    def get(self, request: Request, conversation_id: UUID) -> Response:
        """A page of history."""
        membership = get_membership(conversation_id=conversation_id, user_id=caller_of(request).user_id)
        return Response(messages.page_of_history(membership=membership, window=_window(request)))

    def post(self, request: Request, conversation_id: UUID) -> Response:
        """201 with the new message; 200 with the first one for a repeated `client_id`."""
        body, caller = read_body(PostBody, request), caller_of(request)
        new = NewMessage(
            conversation=str(conversation_id),
            sender=str(caller.user_id),
            client_id=str(body["client_id"]),
            body=body["body"],
            reply_to=None if body.get("reply_to") is None else str(body["reply_to"]),
            request_id=caller.request_id,
        )
        status, shape = post(new, caller.now)
        return Response(shape, status=status)


class MessageView(APIView):
    """One message."""

    def patch(self, request: Request, message_id: UUID) -> Response:
        """Give it another body."""
        body, caller = read_body(EditBody, request), caller_of(request)
        edited = edit_message(
            message_id=message_id,
            actor_id=caller.user_id,
            body=body["body"],
            now=caller.now,
            request_id=caller.request_id,
        )
        return Response(edited)

    def delete(self, request: Request, message_id: UUID) -> Response:
        """Leave a tombstone."""
        caller = caller_of(request)
        delete_message(message_id=message_id, actor_id=caller.user_id, now=caller.now, request_id=caller.request_id)
        return Response(status=204)


class EditsView(APIView):
    """What a message said before."""

    def get(self, request: Request, message_id: UUID) -> Response:
        """Earlier bodies, oldest first; nothing once it is deleted."""
        message, _ = messages.get_visible_message(message_id=message_id, user_id=caller_of(request).user_id)
        if message.deleted_at is not None:
            raise NotFound
        edits: list[dict[str, Any]] = [
            {"body": edit.body, "edited_at": rfc3339(edit.edited_at)} for edit in messages.list_edits(message=message)
        ]
        return Response({"edits": edits})


def _window(request: Request) -> messages.Window:
    bounds = {
        name: bounded_integer(name, request.query_params[name], minimum=0, maximum=LARGEST_SEQ)
        for name in ("before", "after", "around")
        if name in request.query_params
    }
    if len(bounds) > 1:
        raise Invalid.field("before", "conflicting", "Give at most one of before, after and around.")
    limit = page_limit(request.query_params.get("limit"), default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
    return messages.Window(**bounds, limit=limit)
