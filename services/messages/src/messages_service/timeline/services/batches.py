"""The transaction of a batch of messages: locks, a decision over each item, and what is posted; one round trip for any size.

A round trip costs both sides more than most of what is done in it: with one for each statement, as a message had eight,
PostgreSQL spent 4.1 ms of CPU for a message of a quiet system (the relay's rounds among them), with two 2.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection, transaction

from chatire_shared.bus.groups import conversation_group
from chatire_shared.contracts.errors import Archived, ChatireError, Invalid, NotFound, TokenRevoked
from chatire_shared.contracts.ids import uuid7_text
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.contracts.times import rfc3339, unix_microseconds
from chatire_shared.crash_points import CAN_HIT, hit
from chatire_shared.outbox.services import Announcement, announce, ring_after_commit
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.services.notes import event_payload
from messages_service.prepared import BY_INDEX, prepare
from messages_service.timeline.rules.shapes import message_shape, sender_shape
from messages_service.timeline.services.batch_statements import LOCK, POST
from messages_service.timeline.services.composed_sql import KIND

if TYPE_CHECKING:
    from messages_service.timeline.services.posting import NewMessage


class Candidate(NamedTuple):
    """An item whose body is fine, with its place in the batch and its rendering (made before any lock is held)."""

    place: int
    item: NewMessage
    html: str


class Posted(NamedTuple):
    """A message that is in the log: now (`created`), or since an earlier send with the same `client_id`.

    Attributes:
        shape: The message as clients get it, when it was created now.
    """

    created: bool
    message_id: str
    seq: int
    shape: dict[str, Any] | None = None


class _Row(NamedTuple):
    """What `POST` says about one candidate; from `epoch` on only of a new message."""

    place: int
    outcome: str
    seq: int
    message_id: str
    epoch: str
    username: str
    display_name: str
    note_id: int
    check: int


def post_candidates(
    *, candidates: Sequence[Candidate], now: datetime, lock_timeout_ms: int | None
) -> tuple[dict[int, Posted | ChatireError], list[Candidate]]:
    """Post candidates inside the caller's transaction.

    Args:
        candidates: At least one.
        now: Time of the events.
        lock_timeout_ms: How long to wait for each conversation; None: not at all.

    Returns: outcomes by place, and those that have to be tried again: their conversation is held by somebody else (never
        when waiting), or they repeat a `client_id` of the same batch.

    Raises:
        OperationalError: `lock_timeout_ms` was over (SQLSTATE 55P03); the transaction is void.
    """
    ring_after_commit()
    prepare(LOCK, POST)
    batch = _Batch(candidates, now)
    with connection.cursor() as cursor:
        batch.post(cursor, lock_timeout_ms)
    return batch.outcomes, batch.waiting


def post_swiftly(
    *, candidates: Sequence[Candidate], now: datetime
) -> tuple[dict[int, Posted | ChatireError], list[Candidate]]:
    """Post candidates in a transaction of our own, which begins and ends in the same round trip; waits for no conversation.

    Returns: as `post_candidates`.

    Raises:
        DatabaseError: nothing was committed; or, when PostgreSQL was lost at the end, perhaps all of it was.
    """
    prepare(LOCK, POST)
    batch = _Batch(candidates, now)
    with transaction.atomic() if CAN_HIT else nullcontext(), connection.cursor() as cursor:
        batch.post(cursor, None)
    if batch.notes:
        announce(batch.notes)
    return batch.outcomes, batch.waiting


class _Batch:
    """Candidates on their way into the log.

    Attributes:
        outcomes: By place.
        waiting: Those to be tried again: somebody else holds their conversation, or they repeat what was before them here.
        notes: What was posted, for the gateways.
    """

    def __init__(self, candidates: Sequence[Candidate], now: datetime) -> None:
        self.outcomes: dict[int, Posted | ChatireError] = {}
        self.notes: list[Announcement] = []
        first = {(one.item.conversation, one.item.sender, one.item.client_id): one for one in reversed(candidates)}
        self._candidates = {one.place: one for one in reversed(first.values())}
        self._ids = {place: uuid7_text() for place in self._candidates}
        self.waiting = [one for one in candidates if one.place not in self._candidates]
        self._at = rfc3339(now)
        self._at_us = unix_microseconds(now)

    def post(self, cursor: Any, lock_timeout_ms: int | None) -> None:
        """Say it to PostgreSQL; several statements that come at once are a transaction, if they aren't in one already."""
        preparing, parameters = BY_INDEX, []
        if lock_timeout_ms is not None:
            preparing += f"SET LOCAL lock_timeout = {lock_timeout_ms}; {LOCK.call}; "
            parameters = [f"{{{','.join({one.item.conversation for one in self._candidates.values()})}}}"]
        hit("messages.before_insert")
        cursor.execute(preparing + POST.call, [*parameters, self._items(), self._at, self._at_us])
        hit("messages.before_commit")
        for row in sorted(cursor.fetchall()):
            self._conclude(_Row(*row))
        self.waiting.sort(key=lambda one: one.place)

    def _items(self) -> str:
        return dumps(
            [
                {
                    "n": place,
                    "conversation": one.item.conversation,
                    "sender": one.item.sender,
                    "id": self._ids[place],
                    "client_id": one.item.client_id,
                    "reply_to": one.item.reply_to,
                    "body": one.item.body,
                    "html": one.html,
                    "request_id": one.item.request_id,
                }
                for place, one in self._candidates.items()
            ]
        )

    def _conclude(self, row: _Row) -> None:
        candidate = self._candidates[row.place]
        if row.outcome == "new":
            self.outcomes[row.place] = self._posted(candidate, row)
        elif row.outcome == "earlier":
            self.outcomes[row.place] = Posted(created=False, message_id=row.message_id, seq=row.seq)
        elif row.outcome == "held":
            self.waiting.append(candidate)
        else:
            self.outcomes[row.place] = _refusal(row.outcome)

    def _posted(self, candidate: Candidate, row: _Row) -> Posted:
        """A message that was posted; what gateways get of it is the same as PostgreSQL has put into the outbox."""
        item = candidate.item
        shape = message_shape(
            message_id=row.message_id,
            conversation=item.conversation,
            seq=row.seq,
            client_id=item.client_id,
            sender=sender_shape(item.sender, row.username, row.display_name),
            body=item.body,
            html=candidate.html,
            reply_to=item.reply_to,
            created_at=self._at,
        )
        event = event_json(
            conversation=item.conversation,
            seq=row.seq,
            kind=KIND,
            at=self._at,
            actor=item.sender,
            request_id=item.request_id,
            data=dumps(shape),
        )
        payload = event_payload(
            kind=KIND,
            conversation=item.conversation,
            seq=row.seq,
            epoch=row.epoch,
            at_us=self._at_us,
            frame=frame(event),
        )
        self.notes.append(Announcement(row.note_id, conversation_group(item.conversation), payload))
        return Posted(created=True, message_id=row.message_id, seq=row.seq, shape=shape)


def _refusal(outcome: str) -> ChatireError:
    match outcome:
        case "revoked":
            return TokenRevoked()
        case "archived":
            return Archived()
        case "no_target":
            return Invalid.field("reply_to", "not_found", "Name a message of the same conversation.")
        case _:
            return NotFound()
