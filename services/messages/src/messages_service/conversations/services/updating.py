"""Changing and deleting a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from chatire_shared.contracts.errors import RoleRequired
from messages_service.conversations.models import Conversation, Invite, Membership
from messages_service.conversations.rules import permissions
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.rules.texts import clean_title, clean_topic
from messages_service.conversations.selectors.membership import get_membership
from messages_service.conversations.services.log import Pen, lock_conversation, store_events
from messages_service.conversations.services.members import raise_versions, require_open
from messages_service.conversations.services.notes import left_note


def update_conversation(
    *, conversation_id: UUID, actor_id: UUID, changes: Mapping[str, Any], now: datetime, request_id: str | None
) -> None:
    """Change title and topic; what is as it was makes no event.

    Args:
        conversation_id: Which one.
        actor_id: Who does it.
        changes: `title`, `topic`, both or neither.
        now: Time of the request.
        request_id: The request's id.

    Raises:
        NotFound: the actor is no member.
        RoleRequired: they may not.
        Invalid: a text breaks the rules.
        Archived: the conversation is archived.
    """
    with transaction.atomic():
        conversation = lock_conversation(conversation_id)
        actor = get_membership(conversation_id=conversation_id, user_id=actor_id)
        if not permissions.may_rename(conversation.kind, actor.role):
            raise RoleRequired
        changed = _changed(conversation, changes)
        if changed:
            require_open(conversation)
            Conversation.objects.filter(id=conversation_id).update(**changed)
            store_events([Pen(conversation, actor_id, now, request_id).write(EventKind.CONVERSATION_UPDATED, changed)])


def delete_conversation(*, conversation_id: UUID, actor_id: UUID, now: datetime, request_id: str | None) -> None:
    """End a conversation for everybody. Its log stays, so that its end can still be delivered.

    Raises:
        NotFound: the actor is no member, or it is gone already.
        RoleRequired: they are no owner.
    """
    with transaction.atomic():
        conversation = lock_conversation(conversation_id)
        actor = get_membership(conversation_id=conversation_id, user_id=actor_id)
        if not permissions.may_delete_conversation(conversation.kind, actor.role):
            raise RoleRequired
        members = Membership.objects.filter(conversation_id=conversation_id)
        user_ids = list(members.values_list("user_id", flat=True))
        event = Pen(conversation, actor_id, now, request_id).write(EventKind.CONVERSATION_DELETED, {})
        versions = raise_versions(user_ids)
        members.delete()
        Invite.objects.filter(conversation_id=conversation_id).delete()
        Conversation.objects.filter(id=conversation_id).update(deleted_at=now, member_count=0)
        notes = [left_note(conversation, user, seq=event.seq, version=versions[user]) for user in user_ids]
        store_events([event], notes)


def _changed(conversation: Conversation, changes: Mapping[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if "title" in changes:
        wanted["title"] = clean_title(conversation.kind, changes["title"])
    if "topic" in changes:
        wanted["topic"] = clean_topic(conversation.kind, changes["topic"])
    return {name: value for name, value in wanted.items() if getattr(conversation, name) != value}
