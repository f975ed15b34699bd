"""The event log: how something durable gets a `seq`, a row, and its way to the gateways, in one transaction.

Row-lock order is commit order is `seq` order: whoever appends holds the conversation's row (`lock_conversation`, or the
batch's own lock in `timeline/services/posting.py`) from before the `seq` is taken until the commit. A database sequence
would have holes and would commit out of order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chatire_shared.contracts.errors import NotFound
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.outbox.services import OutboxEntry, record
from messages_service.conversations.models import Conversation
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.services.notes import event_note

_INSERT = """
    INSERT INTO conversations_event (conversation_id, seq, kind, at, actor_id, request_id, message_id, data)
    VALUES {rows}
"""
_ADVANCE = """
    UPDATE conversations_conversation AS conversation
    SET last_seq = conversation.last_seq + log.events,
        last_activity_at = CASE WHEN log.active THEN GREATEST(conversation.last_activity_at, log.at)
                                ELSE conversation.last_activity_at END
    FROM (VALUES {rows}) AS log (id, events, at, active)
    WHERE conversation.id = log.id
    RETURNING conversation.id, conversation.last_seq
"""


class LogBroken(RuntimeError):
    """A `seq` was handed out without the conversation's row being locked; the transaction must not commit."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with its place in the log, about to be stored.

    Attributes:
        data: JSON text of its `data`.
        message_id: The message it is about, if any.
    """

    conversation: UUID
    epoch: UUID
    seq: int
    kind: EventKind
    at: datetime
    actor: UUID
    request_id: str | None
    data: str
    message_id: UUID | None = None

    @property
    def json(self) -> str:
        """Its JSON text."""
        return event_json(
            conversation=self.conversation,
            seq=self.seq,
            kind=self.kind,
            at=self.at,
            actor=self.actor,
            request_id=self.request_id,
            data=self.data,
        )

    def note(self) -> OutboxEntry:
        """What the relay publishes for it."""
        return event_note(
            kind=self.kind,
            conversation=self.conversation,
            seq=self.seq,
            epoch=self.epoch,
            at=self.at,
            frame=frame(self.json),
        )


def lock_conversation(conversation_id: UUID) -> Conversation:
    """The conversation's row, locked until the transaction ends.

    Raises:
        NotFound: there is none, or it was deleted.
    """
    found = (
        Conversation.objects.select_for_update(no_key=True).filter(id=conversation_id, deleted_at__isnull=True).first()
    )
    if found is None:
        raise NotFound
    return found


@dataclass(slots=True)
class Pen:
    """Writes into the log of one locked conversation on behalf of one person, at one moment."""

    conversation: Conversation
    actor: UUID
    at: datetime
    request_id: str | None

    def write(self, kind: EventKind, data: dict[str, Any], message_id: UUID | None = None) -> LoggedEvent:
        """Take the next `seq` for an event; `store_events` must follow in the same transaction."""
        self.conversation.last_seq += 1
        return LoggedEvent(
            conversation=self.conversation.id,
            epoch=self.conversation.epoch,
            seq=self.conversation.last_seq,
            kind=kind,
            at=self.at,
            actor=self.actor,
            request_id=self.request_id,
            data=dumps(data),
            message_id=message_id,
        )


def store_events(events: Sequence[LoggedEvent], notes: Sequence[OutboxEntry] = ()) -> None:
    """Store events of locked conversations: log rows, the conversations' `last_seq`, and outbox rows, events first.

    Raises:
        LogBroken: the `seq`s don't continue the log.
    """
    if not events:
        return
    values = [
        value
        for e in events
        for value in (e.conversation, e.seq, e.kind.value, e.at, e.actor, e.request_id, e.message_id, e.data)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(rows=", ".join(["(%s, %s, %s, %s, %s, %s, %s::uuid, %s)"] * len(events))), values)
        _advance(cursor, events)
    record([event.note() for event in events] + list(notes))


def _advance(cursor: Any, events: Sequence[LoggedEvent]) -> None:
    counts = Counter(event.conversation for event in events)
    newest = {event.conversation: event.seq for event in events}
    active = {event.conversation: event.at for event in events if event.kind == EventKind.MESSAGE_CREATED}
    at = events[-1].at
    values = [value for one, n in counts.items() for value in (one, n, active.get(one, at), one in active)]
    cursor.execute(_ADVANCE.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(counts))), values)
    if dict(cursor.fetchall()) != newest:
        raise LogBroken
