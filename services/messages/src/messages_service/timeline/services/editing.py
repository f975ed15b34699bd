"""Editing and deleting messages; both are events of the conversation's log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chatire_shared.contracts.errors import Gone, NotAuthor, NotFound, RoleRequired
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.outbox.services import redact
from messages_service.conversations.models import Conversation, Event, Membership
from messages_service.conversations.rules import permissions
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.services.log import Pen, lock_conversation, store_events
from messages_service.conversations.services.members import require_open
from messages_service.conversations.services.notes import event_note
from messages_service.timeline.models import Message, MessageEdit
from messages_service.timeline.rules.bodies import require_body
from messages_service.timeline.rules.markdown import render
from messages_service.timeline.rules.shapes import redacted
from messages_service.timeline.selectors.messages import get_visible_message, shape_of


def edit_message(
    *, message_id: UUID, actor_id: UUID, body: str, now: datetime, request_id: str | None
) -> dict[str, Any]:
    """Give a message another body; the same one makes no event.

    Returns: the message as it is then.

    Raises:
        NotFound: the actor can't see it.
        NotAuthor: somebody else wrote it.
        Gone: it was deleted.
        Invalid: the body breaks the rules.
        Archived: the conversation is archived.

    Locks: the conversation's row.
    """
    html = render(require_body(body))
    with transaction.atomic():
        conversation, message, _ = _lock(message_id, actor_id)
        if message.sender_id != actor_id:
            raise NotAuthor
        if message.deleted_at is not None or message.body is None:
            raise Gone("The message was deleted; it can't be edited any more.")
        if message.body == body:
            return shape_of(message)
        require_open(conversation)
        _keep_earlier(message, message.body, now)
        message.body, message.html, message.edited_at = body, html, now
        _own_row(message).update(body=body, html=html, edited_at=now)
        shape = shape_of(message)
        pen = Pen(conversation, actor_id, now, request_id)
        store_events([pen.write(EventKind.MESSAGE_EDITED, shape, message.id)])
        return shape


def delete_message(*, message_id: UUID, actor_id: UUID, now: datetime, request_id: str | None) -> None:
    """Delete a message: a tombstone stays, its text goes from earlier events, edits and what is not published yet.

    Raises:
        NotFound: the actor can't see it.
        RoleRequired: somebody else wrote it, and the actor is no owner or admin.

    Guarantees: all of that commits together; every `seq` stays. Locks: the conversation's row.
    """
    with transaction.atomic():
        conversation, message, membership = _lock(message_id, actor_id)
        own = message.sender_id == actor_id
        if not permissions.may_delete_message(conversation.kind, membership.role, own=own):
            raise RoleRequired
        if message.deleted_at is not None:
            return
        message.body = message.html = None
        message.deleted_at = now
        _own_row(message).update(body=None, html=None, deleted_at=now)
        MessageEdit.objects.filter(conversation_id=conversation.id, message_id=message.id).delete()
        _redact_log(conversation, message.id, now)
        pen = Pen(conversation, actor_id, now, request_id)
        store_events([pen.write(EventKind.MESSAGE_DELETED, shape_of(message), message.id)])


def _lock(message_id: UUID, actor_id: UUID) -> tuple[Conversation, Message, Membership]:
    """The message as it is under its conversation's lock."""
    seen, _ = get_visible_message(message_id=message_id, user_id=actor_id)
    conversation = lock_conversation(seen.conversation_id)
    message, membership = get_visible_message(message_id=message_id, user_id=actor_id)
    if message.conversation_id != conversation.id:
        raise NotFound
    return conversation, message, membership


def _own_row(message: Message) -> Any:
    return Message.objects.filter(conversation_id=message.conversation_id, seq=message.seq)


def _keep_earlier(message: Message, body: str, now: datetime) -> None:
    earlier = MessageEdit.objects.filter(conversation_id=message.conversation_id, message_id=message.id)
    MessageEdit.objects.create(
        conversation_id=message.conversation_id,
        message_id=message.id,
        number=earlier.count() + 1,
        body=body,
        edited_at=now,
    )


def _redact_log(conversation: Conversation, message_id: UUID, deleted_at: datetime) -> None:
    payloads = {}
    for event in Event.objects.filter(conversation_id=conversation.id, message_id=message_id).order_by("seq"):
        data = dumps(redacted(json.loads(event.data), deleted_at))
        Event.objects.filter(conversation_id=conversation.id, seq=event.seq).update(data=data)
        text = event_json(
            conversation=conversation.id,
            seq=event.seq,
            kind=event.kind,
            at=event.at,
            actor=event.actor_id,
            request_id=event.request_id,
            data=data,
        )
        note = event_note(
            kind=event.kind,
            conversation=conversation.id,
            seq=event.seq,
            epoch=conversation.epoch,
            at=event.at,
            frame=frame(text),
        )
        payloads[event.seq] = note.payload
    redact(conversation.id, payloads)
