"""Who belongs to a conversation: adding, joining, leaving, removing, roles. Each change is an event of its log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from chatire_shared.contracts.errors import Archived, Invalid, LastOwner, NotFound, RoleRequired
from chatire_shared.crash_points import hit
from chatire_shared.outbox.services import OutboxEntry
from messages_service.conversations.models import Conversation, Membership
from messages_service.conversations.rules import permissions
from messages_service.conversations.rules.kinds import EventKind, Kind, Role
from messages_service.conversations.rules.positions import visible_from
from messages_service.conversations.services.log import LoggedEvent, Pen, lock_conversation, store_events
from messages_service.conversations.services.notes import joined_note, left_note
from messages_service.people.models import Person
from messages_service.people.services.directory import FetchUsers, find_active

MAX_MEMBERS_PER_CALL = 200

# Locked in the order of ids: two conversations that add the same people at once can't wait for each other.
_RAISE_VERSIONS = """
    WITH people AS MATERIALIZED (
        SELECT id FROM people_person WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE people_person AS person SET membership_version = person.membership_version + 1
    FROM people WHERE person.id = people.id RETURNING person.id, person.membership_version
"""


def require_people(*, user_ids: Sequence[UUID], fetch_users: FetchUsers, field: str) -> list[Person]:
    """The active people with these ids, each once, in the order given.

    Raises:
        Invalid: somebody doesn't exist or was disabled; `field` is named.
        Unavailable: somebody isn't known here yet and auth is away.
    """
    wanted = list(dict.fromkeys(user_ids))
    found = find_active(user_ids=wanted, fetch_users=fetch_users)
    if len(found) < len(wanted):
        raise Invalid.field(field, "unknown_user", "Name people who have an active account here.")
    return [found[user_id] for user_id in wanted]


def admit(pen: Pen, people: Sequence[tuple[Person, Role]]) -> tuple[list[LoggedEvent], list[OutboxEntry]]:
    """Make people members of the locked conversation of `pen`; none of them is one yet.

    Returns: the events and the notes, for `store_events` in the same transaction.
    """
    conversation = pen.conversation
    versions = raise_versions([person.id for person, _ in people])
    events, notes, rows = [], [], []
    for person, role in people:
        event = pen.write(EventKind.MEMBER_ADDED, member_data(person, role))
        row = Membership(
            conversation=conversation,
            user=person,
            role=role,
            joined_at=pen.at,
            visible_from_seq=visible_from(conversation.history, event.seq),
            # What was said before somebody came is not unread to them.
            read_seq=event.seq,
        )
        events.append(event)
        rows.append(row)
        notes.append(joined_note(conversation, row, seq=event.seq, version=versions[person.id]))
    Membership.objects.bulk_create(rows)
    _count(conversation, len(rows))
    return events, notes


def add_members(
    *,
    conversation_id: UUID,
    actor_id: UUID,
    user_ids: Sequence[UUID],
    fetch_users: FetchUsers,
    now: datetime,
    request_id: str | None,
) -> None:
    """Add people; who is in already stays as they are.

    Raises:
        NotFound: the actor is no member.
        RoleRequired: the actor may not add here.
        Invalid, Unavailable: see `require_people`.
        Archived: the conversation is archived.
    """
    _require_may_add(_membership(conversation_id, actor_id))
    people = require_people(user_ids=user_ids, fetch_users=fetch_users, field="user_ids")
    with transaction.atomic():
        conversation = lock_conversation(conversation_id)
        _require_may_add(_membership(conversation_id, actor_id))
        there = set(_ids_in(conversation_id, people))
        missing = [(person, Role.MEMBER) for person in people if person.id not in there]
        if missing:
            require_open(conversation)
            store_events(*admit(Pen(conversation, actor_id, now, request_id), missing))
        hit("messages.in_adding")
    hit("messages.after_adding")


def join_channel(*, conversation_id: UUID, user_id: UUID, now: datetime, request_id: str | None) -> None:
    """Become a member of a channel; who is one already stays as they are.

    Raises:
        NotFound: there is no such channel, and one is no member of such a conversation either.
        Archived: the channel is archived.
    """
    with transaction.atomic():
        conversation = lock_conversation(conversation_id)
        if is_member(conversation_id, user_id):
            return
        if conversation.kind != Kind.CHANNEL:
            raise NotFound
        require_open(conversation)
        person = Person.objects.get(id=user_id)
        store_events(*admit(Pen(conversation, user_id, now, request_id), [(person, Role.MEMBER)]))


def remove_member(
    *, conversation_id: UUID, actor_id: UUID, user_id: UUID, now: datetime, request_id: str | None
) -> None:
    """Remove somebody, or leave when it is oneself; who is no member (any more) stays none.

    Raises:
        NotFound: the actor is no member.
        RoleRequired: the actor may not remove them, or nobody may leave here.
        LastOwner: nobody would own the conversation.
    """
    with transaction.atomic():
        conversation = lock_conversation(conversation_id)
        actor = _membership(conversation_id, actor_id)
        target = Membership.objects.select_related("user").filter(conversation_id=conversation_id, user_id=user_id)
        member = target.first()
        _require_may_remove(actor, user_id, member)
        if member is None:
            return
        if permissions.leaves_no_owner(member.role, None, _owners(conversation_id)):
            raise LastOwner
        pen = Pen(conversation, actor_id, now, request_id)
        event = pen.write(EventKind.MEMBER_REMOVED, member_data(member.user, member.role))
        target.delete()
        _count(conversation, -1)
        version = raise_versions([user_id])[user_id]
        store_events([event], [left_note(conversation, user_id, seq=event.seq, version=version)])
        hit("messages.in_removal")
    hit("messages.after_removal")


def change_role(
    *, conversation_id: UUID, actor_id: UUID, user_id: UUID, role: Role, now: datetime, request_id: str | None
) -> Membership:
    """Give a member another role; returns the membership as it is then.

    Raises:
        NotFound: the actor or the other one is no member.
        RoleRequired: only owners may.
        LastOwner: nobody would own the conversation.
    """
    with transaction.atomic():
        conversation = lock_conversation(conversation_id)
        actor = _membership(conversation_id, actor_id)
        if not permissions.may_change_roles(conversation.kind, actor.role):
            raise RoleRequired
        member = _membership(conversation_id, user_id)
        if member.role == role:
            return member
        if permissions.leaves_no_owner(member.role, role, _owners(conversation_id)):
            raise LastOwner
        Membership.objects.filter(conversation_id=conversation_id, user_id=user_id).update(role=role)
        member.role = role
        pen = Pen(conversation, actor_id, now, request_id)
        store_events([pen.write(EventKind.MEMBER_ROLE_CHANGED, member_data(member.user, role))])
        return member


def raise_versions(user_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Raise the membership version of people within the current transaction; returns the new ones."""
    with connection.cursor() as cursor:
        cursor.execute(_RAISE_VERSIONS, [list(user_ids)])
        return dict(cursor.fetchall())


def member_data(person: Person, role: str) -> dict[str, Any]:
    """The `data` of `member.*` events."""
    return {"user_id": str(person.id), "username": person.username, "role": str(role)}


def require_open(conversation: Conversation) -> None:
    """Pass unless the conversation is archived.

    Raises:
        Archived: it is.
    """
    if conversation.archived:
        raise Archived


def is_member(conversation_id: UUID, user_id: UUID) -> bool:
    """Whether somebody belongs to a conversation."""
    return Membership.objects.filter(conversation_id=conversation_id, user_id=user_id).exists()


def _membership(conversation_id: UUID, user_id: UUID) -> Membership:
    found = (
        Membership.objects.select_related("conversation", "user")
        .filter(conversation_id=conversation_id, user_id=user_id, conversation__deleted_at=None)
        .first()
    )
    if found is None:
        raise NotFound
    return found


def _require_may_add(actor: Membership) -> None:
    if not permissions.may_add(actor.conversation.kind, actor.role):
        raise RoleRequired


def _require_may_remove(actor: Membership, user_id: UUID, member: Membership | None) -> None:
    kind = actor.conversation.kind
    if actor.user_id == user_id:
        allowed = permissions.may_leave(kind)
    else:
        allowed = permissions.may_remove(kind, actor.role, Role.MEMBER if member is None else member.role)
    if not allowed:
        raise RoleRequired


def _ids_in(conversation_id: UUID, people: Sequence[Person]) -> list[UUID]:
    ids = [person.id for person in people]
    return list(
        Membership.objects.filter(conversation_id=conversation_id, user_id__in=ids).values_list("user_id", flat=True)
    )


def _owners(conversation_id: UUID) -> int:
    return Membership.objects.filter(conversation_id=conversation_id, role=Role.OWNER).count()


def _count(conversation: Conversation, change: int) -> None:
    """The row is locked, so its count can't change under us."""
    conversation.member_count += change
    Conversation.objects.filter(id=conversation.id).update(member_count=conversation.member_count)
