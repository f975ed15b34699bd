"""Reading messages: a page of history, or one that somebody may see."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from chatire_shared.contracts.errors import NotFound
from messages_service.conversations.models import Membership
from messages_service.conversations.selectors.membership import find_membership
from messages_service.timeline.models import Message, MessageEdit
from messages_service.timeline.rules.shapes import message_shape, sender_shape


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the history: at most one bound, none for the newest messages."""

    before: int | None = None
    after: int | None = None
    around: int | None = None
    limit: int = 50


def page_of_history(*, membership: Membership, window: Window) -> dict[str, Any]:
    """A page of what a member may see, in rising `seq`; bounds are excluded, but `around` includes its own message."""
    # Not past the head that was read with the membership: who is removed in between gets nothing from after it.
    visible = Message.objects.select_related("sender").filter(
        conversation_id=membership.conversation_id,
        seq__gte=membership.visible_from_seq,
        seq__lte=membership.conversation.last_seq,
    )
    if window.around is not None:
        older, has_before = _before(visible, window.around, window.limit // 2)
        newer, has_after = _after(visible, window.around - 1, window.limit - len(older))
        return _page(older + newer, has_before=has_before, has_after=has_after)
    if window.after is not None:
        newer, has_after = _after(visible, window.after, window.limit)
        has_before = visible.filter(seq__lte=window.after).exists()
        return _page(newer, has_before=has_before, has_after=has_after)
    older, has_before = _before(visible, window.before, window.limit)
    has_after = window.before is not None and visible.filter(seq__gte=window.before).exists()
    return _page(older, has_before=has_before, has_after=has_after)


def get_visible_message(*, message_id: UUID, user_id: UUID) -> tuple[Message, Membership]:
    """A message that somebody may see, and their membership.

    Raises:
        NotFound: there is none, they are no member, or it is from before their time.
    """
    message = Message.objects.select_related("sender").filter(id=message_id).first()
    if message is None:
        raise NotFound
    membership = find_membership(conversation_id=message.conversation_id, user_id=user_id)
    if membership is None or message.seq < membership.visible_from_seq:
        raise NotFound
    return message, membership


def get_message(*, conversation_id: UUID, seq: int) -> Message:
    """The message that the event `seq` created."""
    return Message.objects.select_related("sender").get(conversation_id=conversation_id, seq=seq)


def list_edits(*, message: Message) -> list[MessageEdit]:
    """Earlier bodies, oldest first."""
    edits = MessageEdit.objects.filter(conversation_id=message.conversation_id, message_id=message.id)
    return list(edits.order_by("number"))


def shape_of(message: Message) -> dict[str, Any]:
    """A message as clients get it, its sender as they are called now."""
    sender = message.sender
    return message_shape(
        message_id=message.id,
        conversation=message.conversation_id,
        seq=message.seq,
        client_id=message.client_id,
        sender=sender_shape(sender.id, sender.username, sender.display_name),
        body=message.body,
        html=message.html,
        reply_to=message.reply_to,
        pinned=message.pinned,
        created_at=message.created_at,
        edited_at=message.edited_at,
        deleted_at=message.deleted_at,
    )


def _before(visible: QuerySet[Message], bound: int | None, limit: int) -> tuple[list[Message], bool]:
    older = visible if bound is None else visible.filter(seq__lt=bound)
    rows = list(older.order_by("-seq")[: limit + 1])
    return rows[:limit][::-1], len(rows) > limit


def _after(visible: QuerySet[Message], bound: int, limit: int) -> tuple[list[Message], bool]:
    rows = list(visible.filter(seq__gt=bound).order_by("seq")[: limit + 1])
    return rows[:limit], len(rows) > limit


def _page(messages: list[Message], *, has_before: bool, has_after: bool) -> dict[str, Any]:
    return {"messages": [shape_of(message) for message in messages], "has_before": has_before, "has_after": has_after}
