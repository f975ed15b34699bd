"""The transaction of a batch of messages: lock, look, decide, write; a fixed number of statements for any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connection

from chatire_shared.contracts.errors import Archived, ChatireError, Invalid, NotFound, TokenRevoked
from chatire_shared.contracts.ids import uuid7
from chatire_shared.contracts.strict_json import dumps
from chatire_shared.crash_points import hit
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.services.log import LoggedEvent, store_events
from messages_service.timeline.rules.shapes import message_shape, sender_shape

if TYPE_CHECKING:
    from messages_service.timeline.services.posting import NewMessage

_LOCK = """
    SELECT id FROM conversations_conversation
    WHERE id = ANY(%s) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE {skip}
"""
_LOOK = """
    SELECT item.n, conversation.archived, conversation.last_seq, conversation.epoch, membership.visible_from_seq,
           person.username, person.display_name, person.active, earlier.id, earlier.seq, target.seq
    FROM (VALUES {rows}) AS item (n, conversation_id, sender_id, client_id, reply_to)
    LEFT JOIN conversations_conversation AS conversation
        ON conversation.id = item.conversation_id AND conversation.deleted_at IS NULL
    LEFT JOIN conversations_membership AS membership
        ON membership.conversation_id = item.conversation_id AND membership.user_id = item.sender_id
    LEFT JOIN people_person AS person ON person.id = item.sender_id
    LEFT JOIN timeline_message AS earlier
        ON earlier.conversation_id = item.conversation_id AND earlier.sender_id = item.sender_id
        AND earlier.client_id = item.client_id
    LEFT JOIN timeline_message AS target
        ON target.id = item.reply_to AND target.conversation_id = item.conversation_id
"""
_INSERT = """
    INSERT INTO timeline_message
        (conversation_id, seq, id, client_id, sender_id, body, html, reply_to, pinned, created_at)
    VALUES {rows}
"""
# The rows are locked in key order first: an UPDATE would take them in any order, and a batch of read markers is waiting.
_MARK_READ = """
    WITH mine AS MATERIALIZED (
        SELECT membership.conversation_id, membership.user_id, own.seq
        FROM conversations_membership AS membership
        JOIN (VALUES {rows}) AS own (conversation_id, user_id, seq)
            ON own.conversation_id = membership.conversation_id AND own.user_id = membership.user_id
        ORDER BY membership.conversation_id, membership.user_id
        FOR NO KEY UPDATE OF membership
    )
    UPDATE conversations_membership AS membership SET read_seq = GREATEST(membership.read_seq, mine.seq)
    FROM mine WHERE membership.conversation_id = mine.conversation_id AND membership.user_id = mine.user_id
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item whose body is fine, with its place in the batch and its rendering (made before any lock is held)."""

    index: int
    item: NewMessage
    html: str


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that is in the log: now (`created`), or since an earlier send with the same `client_id`.

    Attributes:
        shape: The message as clients get it, when it was created now.
    """

    created: bool
    message_id: UUID
    seq: int
    shape: dict[str, Any] | None = None


class _Seen(NamedTuple):
    """What the database says about one candidate, after the locks."""

    place: int
    archived: bool | None
    last_seq: int
    epoch: UUID
    visible_from_seq: int | None
    username: str
    display_name: str
    active: bool
    earlier_id: UUID | None
    earlier_seq: int
    target_seq: int | None


@dataclass(slots=True)
class _Writing:
    """What will be written, and how far each conversation's log has come."""

    now: datetime
    heads: dict[UUID, int] = field(default_factory=dict)
    made: dict[tuple[UUID, UUID, UUID], Posted] = field(default_factory=dict)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    events: list[LoggedEvent] = field(default_factory=list)
    read: dict[tuple[UUID, UUID], int] = field(default_factory=dict)


def post_candidates(
    *, candidates: Sequence[Candidate], now: datetime, lock_timeout_ms: int | None
) -> tuple[dict[int, Posted | ChatireError], list[Candidate]]:
    """Post candidates inside the caller's transaction.

    Args:
        candidates: At least one.
        now: Time of the events.
        lock_timeout_ms: How long to wait for each conversation; None: not at all.

    Returns: outcomes by index, and those whose conversation somebody else holds (none when waiting).

    Raises:
        OperationalError: `lock_timeout_ms` was over (SQLSTATE 55P03); the transaction is void.
    """
    outcomes: dict[int, Posted | ChatireError] = {}
    held_elsewhere: list[Candidate] = []
    writing = _Writing(now)
    with connection.cursor() as cursor:
        locked = _lock(cursor, {candidate.item.conversation for candidate in candidates}, lock_timeout_ms)
        seen = _look(cursor, candidates)
        for candidate in candidates:
            facts = seen[candidate.index]
            member = facts.archived is not None and facts.visible_from_seq is not None
            if member and candidate.item.conversation not in locked:
                held_elsewhere.append(candidate)
                continue
            outcomes[candidate.index] = _decide(writing, candidate, facts)
        _write(cursor, writing)
    return outcomes, held_elsewhere


def _lock(cursor: Any, ids: set[UUID], timeout_ms: int | None) -> set[UUID]:
    """Lock the conversations; from here to the commit nobody joins, leaves or posts there."""
    skip = "SKIP LOCKED" if timeout_ms is None else ""
    timeout = "" if timeout_ms is None else f"SET LOCAL lock_timeout = {int(timeout_ms)};"
    cursor.execute(timeout + _LOCK.format(skip=skip), [sorted(ids)])
    return {row[0] for row in cursor.fetchall()}


def _look(cursor: Any, candidates: Sequence[Candidate]) -> dict[int, _Seen]:
    """Read all that decides; a statement of its own, so that it sees what was committed before we got the locks."""
    values = [
        value
        for c in candidates
        for value in (c.index, c.item.conversation, c.item.sender, c.item.client_id, c.item.reply_to)
    ]
    cursor.execute(_LOOK.format(rows=", ".join(["(%s, %s, %s, %s, %s::uuid)"] * len(candidates))), values)
    return {row[0]: _Seen(*row) for row in cursor.fetchall()}


def _decide(writing: _Writing, candidate: Candidate, seen: _Seen) -> Posted | ChatireError:
    item = candidate.item
    key = (item.conversation, item.sender, item.client_id)
    if seen.archived is None or seen.visible_from_seq is None:
        return NotFound()
    if not seen.active:
        return TokenRevoked()
    if seen.earlier_id is not None:
        return Posted(created=False, message_id=seen.earlier_id, seq=seen.earlier_seq)
    if key in writing.made:
        first = writing.made[key]
        return Posted(created=False, message_id=first.message_id, seq=first.seq)
    if seen.archived:
        return Archived()
    if item.reply_to is not None and (seen.target_seq is None or seen.target_seq < seen.visible_from_seq):
        return Invalid.field("reply_to", "not_found", "Name a message of the same conversation.")
    writing.made[key] = posted = _add(writing, candidate, seen)
    return posted


def _add(writing: _Writing, candidate: Candidate, seen: _Seen) -> Posted:
    item, now = candidate.item, writing.now
    seq = writing.heads.get(item.conversation, seen.last_seq) + 1
    message_id = uuid7()
    shape = message_shape(
        message_id=message_id,
        conversation=item.conversation,
        seq=seq,
        client_id=item.client_id,
        sender=sender_shape(item.sender, seen.username, seen.display_name),
        body=item.body,
        html=candidate.html,
        reply_to=item.reply_to,
        created_at=now,
    )
    writing.heads[item.conversation] = seq
    writing.read[item.conversation, item.sender] = seq
    place = (item.conversation, seq, message_id, item.client_id, item.sender)
    writing.rows.append((*place, item.body, candidate.html, item.reply_to, False, now))
    writing.events.append(
        LoggedEvent(
            conversation=item.conversation,
            epoch=seen.epoch,
            seq=seq,
            kind=EventKind.MESSAGE_CREATED,
            at=now,
            actor=item.sender,
            request_id=item.request_id,
            data=dumps(shape),
            message_id=message_id,
        )
    )
    return Posted(created=True, message_id=message_id, seq=seq, shape=shape)


def _write(cursor: Any, writing: _Writing) -> None:
    if not writing.rows:
        return
    hit("messages.before_insert")
    messages = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s::uuid, %s, %s)"] * len(writing.rows))
    marks = ", ".join(["(%s, %s, %s)"] * len(writing.read))
    values = [value for row in writing.rows for value in row]
    values += [value for (conversation, user), seq in writing.read.items() for value in (conversation, user, seq)]
    cursor.execute(f"{_INSERT.format(rows=messages)}; {_MARK_READ.format(rows=marks)}", values)
    store_events(writing.events)
    hit("messages.before_commit")
