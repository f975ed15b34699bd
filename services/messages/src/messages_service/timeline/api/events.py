"""`events/` and `read/`: the log, and how far somebody has read in it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatire_shared.contracts.errors import ChatireError
from chatire_shared.http.pages import bounded_integer, page_limit
from messages_service.conversations.selectors.membership import get_membership
from messages_service.requests import caller_of, read_body
from messages_service.timeline.api.bodies import ReadBody
from messages_service.timeline.selectors.events import page_of_events
from messages_service.timeline.services.reading import Mark, mark_read

DEFAULT_PAGE, LARGEST_PAGE = 100, 500
LARGEST_SEQ = 2**63 - 1


class EventsView(APIView):
    """The event log of a conversation."""

    def get(self, request: Request, conversation_id: UUID) -> HttpResponse:
        """The events after a cursor; their stored JSON goes out as it is."""
        membership = get_membership(conversation_id=conversation_id, user_id=caller_of(request).user_id)
        after = bounded_integer("after", request.query_params.get("after", "0"), minimum=0, maximum=LARGEST_SEQ)
        limit = page_limit(request.query_params.get("limit"), default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        events = page_of_events(membership=membership, after=after, limit=limit)
        text = f'{{"events":[{",".join(events)}],"last_seq":{membership.conversation.last_seq}}}'
        return HttpResponse(text, content_type="application/json")


class ReadView(APIView):
    """One's read marker."""

    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Move it, and say where it is."""
        body = read_body(ReadBody, request)
        outcome = mark_read(marks=[Mark(conversation_id, caller_of(request).user_id, body["seq"])])[0]
        if isinstance(outcome, ChatireError):
            raise outcome
        return Response({"read_seq": outcome})
