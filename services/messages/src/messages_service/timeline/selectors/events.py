"""Reading the event log: for members over HTTP, and for the gateway, which serves members by its own checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chatire_shared.contracts.errors import CursorExpired
from messages_service.conversations.models import Conversation, Event, Membership
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.positions import clamp_cursor


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a log that the gateway wants."""

    conversation: UUID
    after: int
    limit: int


def page_of_events(*, membership: Membership, after: int, limit: int) -> list[str]:
    """JSON texts of the events after `after` that a member may see.

    Raises:
        CursorExpired: some of them are no longer kept.
    """
    cursor = clamp_cursor(after, membership.visible_from_seq)
    if cursor < membership.conversation.first_kept_seq - 1:
        raise CursorExpired
    # Not past the head that was read with the membership: who is removed in between gets nothing from after it.
    return [
        _json(event) for event in _events(membership.conversation_id, cursor, limit, membership.conversation.last_seq)
    ]


def read_ranges(ranges: Sequence[Range]) -> list[dict[str, object]]:
    """What the gateway asked for, in that order; conversations deleted meanwhile included (their end must arrive)."""
    known = Conversation.objects.in_bulk([wanted.conversation for wanted in ranges])
    return [_range(wanted, known.get(wanted.conversation)) for wanted in ranges]


def _range(wanted: Range, conversation: Conversation | None) -> dict[str, object]:
    answer: dict[str, object] = {"conversation": str(wanted.conversation), "expired": False, "bodies": []}
    if conversation is None:
        return answer | {"epoch": None, "last_seq": 0}
    answer |= {"epoch": str(conversation.epoch), "last_seq": conversation.last_seq}
    if wanted.after < conversation.first_kept_seq - 1:
        return answer | {"expired": True}
    events = _events(wanted.conversation, wanted.after, wanted.limit, conversation.last_seq)
    return answer | {"bodies": [frame(_json(event)) for event in events]}


def read_heads(conversation_ids: Sequence[UUID]) -> dict[str, dict[str, object]]:
    """Newest `seq` and epoch of each conversation that there is, or was."""
    rows = Conversation.objects.filter(id__in=conversation_ids).values_list("id", "last_seq", "epoch")
    return {str(id_): {"last_seq": last_seq, "epoch": str(epoch)} for id_, last_seq, epoch in rows}


def _events(conversation_id: UUID, after: int, limit: int, last_seq: int) -> list[Event]:
    found = Event.objects.filter(conversation_id=conversation_id, seq__gt=after, seq__lte=last_seq)
    return list(found.order_by("seq")[:limit])


def _json(event: Event) -> str:
    return event_json(
        conversation=event.conversation_id,
        seq=event.seq,
        kind=event.kind,
        at=event.at,
        actor=event.actor_id,
        request_id=event.request_id,
        data=event.data,
    )
