"""Invites: a link with which anybody signed in may join, for a while and for so many uses."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F

from chatire_shared.contracts.errors import NotFound, RoleRequired
from messages_service.conversations.models import Conversation, Invite
from messages_service.conversations.rules import permissions
from messages_service.conversations.rules.kinds import Role
from messages_service.conversations.selectors.membership import find_membership, get_membership
from messages_service.conversations.services.log import Pen, lock_conversation, store_events
from messages_service.conversations.services.members import admit, is_member, require_open
from messages_service.people.models import Person

DEFAULT_SECONDS, SHORTEST_SECONDS, LONGEST_SECONDS = 7 * 86_400, 60, 30 * 86_400
MOST_USES = 1_000
_CODE_BYTES = 18
"""144 random bits: nobody finds a code by trying."""


def create_invite(
    *, conversation_id: UUID, creator_id: UUID, expires_in_seconds: int, max_uses: int | None, now: datetime
) -> Invite:
    """Make an invite.

    Raises:
        NotFound: the creator is no member.
        RoleRequired: they may not invite here.
        Archived: the conversation is archived.
    """
    creator = get_membership(conversation_id=conversation_id, user_id=creator_id)
    if not permissions.may_add(creator.conversation.kind, creator.role):
        raise RoleRequired
    require_open(creator.conversation)
    return Invite.objects.create(
        code=secrets.token_urlsafe(_CODE_BYTES),
        conversation_id=conversation_id,
        creator_id=creator_id,
        created_at=now,
        expires_at=now + timedelta(seconds=expires_in_seconds),
        max_uses=max_uses,
    )


def accept_invite(*, code: str, user_id: UUID, now: datetime, request_id: str | None) -> UUID:
    """Join by an invite; returns the conversation. Who is in already uses nothing up.

    Raises:
        NotFound: unknown, expired, used up, or made by somebody who may not invite any more; all look the same.
        Archived: the conversation is archived.

    Guarantees: never more joins than `max_uses`. Locks: the conversation's row.
    """
    with transaction.atomic():
        conversation = _lock_invited(code)
        invite = Invite.objects.filter(code=code).first()
        if invite is None or invite.expires_at <= now:
            raise NotFound
        if is_member(conversation.id, user_id):
            return conversation.id
        if not _is_good(invite, conversation):
            raise NotFound
        require_open(conversation)
        Invite.objects.filter(code=code).update(uses=F("uses") + 1)
        person = Person.objects.get(id=user_id)
        store_events(*admit(Pen(conversation, user_id, now, request_id), [(person, Role.MEMBER)]))
        return conversation.id


def _is_good(invite: Invite, conversation: Conversation) -> bool:
    """Whether it has uses left, and its maker may still invite: who was removed must not come back by an own link."""
    if invite.max_uses is not None and invite.uses >= invite.max_uses:
        return False
    creator = find_membership(conversation_id=conversation.id, user_id=invite.creator_id)
    return creator is not None and permissions.may_add(conversation.kind, creator.role)


def _lock_invited(code: str) -> Conversation:
    conversation_id = Invite.objects.filter(code=code).values_list("conversation_id", flat=True).first()
    if conversation_id is None:
        raise NotFound
    return lock_conversation(conversation_id)
