"""Who is a member: the question before every other one."""

from __future__ import annotations

from uuid import UUID

from chatire_shared.contracts.errors import NotFound
from messages_service.conversations.models import Membership


def get_membership(*, conversation_id: UUID, user_id: UUID) -> Membership:
    """Somebody's membership, its conversation at hand.

    Raises:
        NotFound: they are no member, or there is no such conversation; the two look the same.
    """
    found = find_membership(conversation_id=conversation_id, user_id=user_id)
    if found is None:
        raise NotFound
    return found


def find_membership(*, conversation_id: UUID, user_id: UUID) -> Membership | None:
    """The same, or None."""
    return (
        Membership.objects.select_related("conversation")
        .filter(conversation_id=conversation_id, user_id=user_id, conversation__deleted_at=None)
        .first()
    )


def list_members(*, conversation_id: UUID) -> list[Membership]:
    """Everybody in a conversation, in the order in which they joined."""
    members = Membership.objects.select_related("user").filter(conversation_id=conversation_id)
    return list(members.order_by("joined_at", "user_id"))
