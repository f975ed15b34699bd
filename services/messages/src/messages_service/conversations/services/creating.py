"""Beginning a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from chatire_shared.contracts.errors import Invalid
from messages_service.conversations.models import Conversation
from messages_service.conversations.rules.kinds import History, Kind, Role
from messages_service.conversations.rules.positions import direct_key
from messages_service.conversations.rules.texts import clean_title, clean_topic
from messages_service.conversations.services.log import Pen, store_events
from messages_service.conversations.services.members import admit, require_people
from messages_service.people.models import Person
from messages_service.people.services.directory import FetchUsers


@dataclass(frozen=True, slots=True)
class NewConversation:
    """A conversation that somebody wants to begin; its texts are checked when it is created."""

    kind: Kind
    title: str | None = None
    topic: str = ""
    history: History = History.ALL
    member_ids: Sequence[UUID] = ()


def create_conversation(
    *, new: NewConversation, creator_id: UUID, fetch_users: FetchUsers, now: datetime, request_id: str | None
) -> tuple[UUID, bool]:
    """Begin a conversation, its creator the first member and owner.

    Returns: its id, and whether it was made now (a direct one of these two people may exist).

    Raises:
        Invalid: texts, or the members: unknown people, not exactly one other person for a direct one.
        Unavailable: somebody isn't known here yet and auth is away.

    Guarantees: one `member.added` per member, the creator first, and nothing else in its log.
    """
    title, topic = clean_title(new.kind, new.title), clean_topic(new.kind, new.topic)
    others = [user_id for user_id in dict.fromkeys(new.member_ids) if user_id != creator_id]
    if new.kind == Kind.DIRECT and len(others) != 1:
        raise Invalid.field("member_ids", "invalid", "Name exactly one other person.")
    conversation = Conversation(
        kind=new.kind,
        title=title,
        topic=topic,
        history=new.history,
        created_at=now,
        last_activity_at=now,
        direct_key=direct_key(creator_id, others[0]) if new.kind == Kind.DIRECT else None,
    )
    existing = _find_direct(conversation)
    if existing is not None:
        return existing, False
    people = require_people(user_ids=others, fetch_users=fetch_users, field="member_ids")
    try:
        _store(conversation, [Person.objects.get(id=creator_id), *people], now, request_id)
    except IntegrityError:
        existing = _find_direct(conversation)  # The other one began it at the same moment.
        if existing is None:
            raise
        return existing, False
    return conversation.id, True


def _store(conversation: Conversation, people: Sequence[Person], now: datetime, request_id: str | None) -> None:
    creator, *others = people
    first_role = Role.MEMBER if conversation.kind == Kind.DIRECT else Role.OWNER
    with transaction.atomic():
        conversation.save(force_insert=True)
        pen = Pen(conversation, creator.id, now, request_id)
        store_events(*admit(pen, [(creator, first_role), *((person, Role.MEMBER) for person in others)]))


def _find_direct(conversation: Conversation) -> UUID | None:
    if conversation.direct_key is None:
        return None
    return Conversation.objects.filter(direct_key=conversation.direct_key).values_list("id", flat=True).first()
