"""Read markers: how far somebody has read; never back, never past the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from chatire_shared.contracts.errors import ChatireError, NotFound
from chatire_shared.crash_points import hit
from chatire_shared.outbox.services import record
from messages_service.conversations.models import Membership
from messages_service.conversations.rules.positions import next_read_marker
from messages_service.conversations.services.notes import read_note


@dataclass(frozen=True, slots=True)
class Mark:
    """Somebody has read a conversation up to `seq`; `origin` is the socket that said so, if one did."""

    conversation: UUID
    user_id: UUID
    seq: int
    origin: str | None = None


def mark_read(*, marks: Sequence[Mark]) -> list[int | ChatireError]:
    """Move read markers; where each is then, or NotFound for no member, in the order given.

    A marker that moved is told to the person's own sockets. Locks: the memberships, in the order of their keys.
    """
    order = sorted(range(len(marks)), key=lambda index: (marks[index].conversation, marks[index].user_id))
    outcomes: dict[int, int | ChatireError] = {}
    with transaction.atomic():
        notes = []
        for index in order:
            mark = marks[index]
            before, after = _move(mark)
            outcomes[index] = NotFound() if after is None else after
            if after is not None and after != before:
                note = read_note(user_id=mark.user_id, conversation=mark.conversation, seq=after, origin=mark.origin)
                notes.append(note)
        record(notes)
        hit("messages.in_reading")
    hit("messages.after_reading")
    return [outcomes[index] for index in range(len(marks))]


def _move(mark: Mark) -> tuple[int | None, int | None]:
    rows = Membership.objects.filter(conversation_id=mark.conversation, user_id=mark.user_id)
    found = (
        rows.filter(conversation__deleted_at=None)
        .select_for_update(no_key=True, of=("self",))
        .values_list("read_seq", "conversation__last_seq")
        .first()
    )
    if found is None:
        return None, None
    before, last_seq = found
    after = next_read_marker(before, mark.seq, last_seq)
    if after != before:
        rows.update(read_seq=after)
    return before, after
