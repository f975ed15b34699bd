"""What this service says to the gateways, as outbox entries: everything goes out in the order of its stream.

A conversation's stream holds its events and, after the event that makes it so, the `joined` and `left` notes to the
people concerned. Read markers have the person's own stream, so that they wait for nobody's conversation.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from chatire_shared.bus import wire
from chatire_shared.bus.groups import conversation_group, user_group
from chatire_shared.contracts import envelopes
from chatire_shared.contracts.times import unix_microseconds
from chatire_shared.outbox.services import OutboxEntry
from messages_service.conversations.models import Conversation, Membership


def event_payload(*, kind: str, conversation: str, seq: int, epoch: str, at_us: int, frame: str) -> bytes:
    """What gateways hear of an event, with the frame that clients get; `at_us` is the time of its commit."""
    message = envelopes.event(
        kind=kind, conversation=conversation, seq=seq, epoch=epoch, at_us=at_us, body=frame.encode()
    )
    return wire.encode(message)


def event_note(*, kind: str, conversation: UUID, seq: int, epoch: UUID, at: datetime, frame: str) -> OutboxEntry:
    """An event, with the frame that clients get, to everybody who watches the conversation."""
    payload = event_payload(
        kind=str(kind),
        conversation=str(conversation),
        seq=seq,
        epoch=str(epoch),
        at_us=unix_microseconds(at),
        frame=frame,
    )
    return OutboxEntry(stream=conversation, topic=conversation_group(conversation), seq=seq, payload=payload)


def joined_note(conversation: Conversation, membership: Membership, *, seq: int, version: int) -> OutboxEntry:
    """`membership` begins with the event `seq`; `version` is the person's new membership version."""
    message = envelopes.joined(
        user=str(membership.user_id),
        conversation=str(conversation.id),
        seq=seq,
        visible_from_seq=membership.visible_from_seq,
        conversation_kind=conversation.kind,
        epoch=str(conversation.epoch),
        membership_version=version,
    )
    return _personal(conversation.id, membership.user_id, message)


def left_note(conversation: Conversation, user_id: UUID, *, seq: int, version: int) -> OutboxEntry:
    """`user_id` is no member after the event `seq`."""
    message = envelopes.left(user=str(user_id), conversation=str(conversation.id), seq=seq, membership_version=version)
    return _personal(conversation.id, user_id, message)


def read_note(*, user_id: UUID, conversation: UUID, seq: int, origin: str | None) -> OutboxEntry:
    """`user_id` has read `conversation` up to `seq`; `origin` is the socket that said so."""
    message = envelopes.read(user=str(user_id), conversation=str(conversation), seq=seq, origin=origin)
    return _personal(user_id, user_id, message)


def _personal(stream: UUID, user_id: UUID, message: dict[str, object]) -> OutboxEntry:
    return OutboxEntry(stream=stream, topic=user_group(user_id), seq=None, payload=wire.encode(message))
