"""Channels that one may join."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from chatire_shared.contracts.errors import NotFound
from messages_service.conversations.models import Conversation, Membership
from messages_service.conversations.rules.kinds import Kind


def get_channel(*, conversation_id: UUID) -> Conversation:
    """A channel that isn't deleted.

    Raises:
        NotFound: there is none; a group or a direct conversation looks the same.
    """
    found = Conversation.objects.filter(id=conversation_id, kind=Kind.CHANNEL, deleted_at=None).first()
    if found is None:
        raise NotFound
    return found


def list_channels(
    *, user_id: UUID, search: str, after: tuple[str, UUID] | None, limit: int
) -> tuple[list[dict[str, Any]], tuple[str, UUID] | None]:
    """Channels by title.

    Args:
        user_id: Who asks; `joined` is about them.
        search: Every word of it occurs in title or topic, whole or in part, whatever the case; blank finds all.
        after: Position of the last one of the page before.
        limit: At most so many.

    Returns: the page, and the position to go on from, None when this was the last.
    """
    found = Conversation.objects.filter(kind=Kind.CHANNEL, deleted_at=None, archived=False)
    for word in search.split():
        found = found.filter(Q(title__icontains=word) | Q(topic__icontains=word))
    if after:
        found = found.filter(Q(title__gt=after[0]) | Q(title=after[0], id__gt=after[1]))
    own = Membership.objects.filter(conversation_id=OuterRef("id"), user_id=user_id)
    rows = list(found.annotate(joined=Exists(own)).order_by("title", "id")[: limit + 1])
    page = rows[:limit]
    position = (str(page[-1].title), page[-1].id) if len(rows) > limit else None
    return [_shape(row, joined=row.joined) for row in page], position


def _shape(channel: Conversation, *, joined: bool) -> dict[str, Any]:
    return {
        "id": str(channel.id),
        "title": channel.title,
        "topic": channel.topic,
        "member_count": channel.member_count,
        "joined": joined,
    }
