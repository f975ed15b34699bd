"""`members/` and `invites/`: who belongs to a conversation, and how others come in."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatire_shared.contracts.errors import NotFound
from chatire_shared.contracts.times import rfc3339
from messages_service.conversations.api.bodies import AddBody, EmptyBody, InviteBody, RoleBody
from messages_service.conversations.models import Membership
from messages_service.conversations.rules.kinds import Role
from messages_service.conversations.selectors.membership import get_membership, list_members
from messages_service.conversations.selectors.overviews import get_overview
from messages_service.conversations.services.inviting import DEFAULT_SECONDS, accept_invite, create_invite
from messages_service.conversations.services.members import add_members, change_role, remove_member
from messages_service.requests import caller_of, fetch_users, read_body
from messages_service.timeline.rules.shapes import sender_shape

_CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")


class MembersView(APIView):
    """The members of a conversation."""

    def get(self, request: Request, conversation_id: UUID) -> Response:
        """All of them, in the order in which they joined."""
        get_membership(conversation_id=conversation_id, user_id=caller_of(request).user_id)
        return Response(_members(conversation_id))

    def post(self, request: Request, conversation_id: UUID) -> Response:
        """Add people; all members as they are then."""
        body, caller = read_body(AddBody, request), caller_of(request)
        add_members(
            conversation_id=conversation_id,
            actor_id=caller.user_id,
            user_ids=body["user_ids"],
            fetch_users=fetch_users,
            now=caller.now,
            request_id=caller.request_id,
        )
        return Response(_members(conversation_id))


class MemberView(APIView):
    """One member."""

    def patch(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        """Give them another role."""
        body, caller = read_body(RoleBody, request), caller_of(request)
        member = change_role(
            conversation_id=conversation_id,
            actor_id=caller.user_id,
            user_id=user_id,
            role=Role(body["role"]),
            now=caller.now,
            request_id=caller.request_id,
        )
        return Response(_member(member))

    def delete(self, request: Request, conversation_id: UUID, user_id: UUID) -> Response:
        """Remove them, or leave."""
        caller = caller_of(request)
        remove_member(
            conversation_id=conversation_id,
            actor_id=caller.user_id,
            user_id=user_id,
            now=caller.now,
            request_id=caller.request_id,
        )
        return Response(status=204)


class InvitesView(APIView):
    """Making invites."""

    def post(self, request: Request, conversation_id: UUID) -> Response:
        """201 with the code and its link."""
        body, caller = read_body(InviteBody, request), caller_of(request)
        invite = create_invite(
            conversation_id=conversation_id,
            creator_id=caller.user_id,
            expires_in_seconds=body.get("expires_in_seconds", DEFAULT_SECONDS),
            max_uses=body.get("max_uses"),
            now=caller.now,
        )
        answer = {
            "code": invite.code,
            "url": f"{settings.PUBLIC_ORIGIN}/invite/{invite.code}",
            "expires_at": rfc3339(invite.expires_at),
            "max_uses": invite.max_uses,
        }
        return Response(answer, status=201)


class AcceptInviteView(APIView):
    """Joining by an invite."""

    def post(self, request: Request, code: str) -> Response:
        """The conversation as it is then."""
        read_body(EmptyBody, request)
        if not _CODE.fullmatch(code):
            raise NotFound
        caller = caller_of(request)
        conversation_id = accept_invite(code=code, user_id=caller.user_id, now=caller.now, request_id=caller.request_id)
        return Response(get_overview(conversation_id=conversation_id, user_id=caller.user_id))


def _members(conversation_id: UUID) -> dict[str, Any]:
    return {"members": [_member(member) for member in list_members(conversation_id=conversation_id)]}


def _member(member: Membership) -> dict[str, Any]:
    user = member.user
    return {
        "user": sender_shape(user.id, user.username, user.display_name),
        "role": member.role,
        "joined_at": rfc3339(member.joined_at),
    }
