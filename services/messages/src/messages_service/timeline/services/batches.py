"""The transaction of a batch of messages: look under locks, decide, write; two round trips for any size.

A round trip costs both sides more than most of what is done in it: with one for each statement, as a message had eight,
PostgreSQL spent 4.1 ms of CPU for a message of a quiet system (the relay's rounds among them), and now 2.3.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import Error, connection

from chatire_shared.bus.groups import conversation_group
from chatire_shared.contracts.errors import Archived, ChatireError, Invalid, NotFound, TokenRevoked
from chatire_shared.contracts.ids import uuid7_text
from chatire_shared.contracts.strict_json import dumps, dumps_bytes
from chatire_shared.contracts.times import rfc3339, unix_microseconds
from chatire_shared.crash_points import CAN_HIT, hit
from chatire_shared.outbox.services import Announcement, announce, ring_after_commit
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.services.notes import event_payload
from messages_service.prepared import prepare
from messages_service.timeline.rules.shapes import message_shape, sender_shape
from messages_service.timeline.services.batch_statements import BY_INDEX, LOCK_ALL, LOCK_FREE, LOOK, WRITE

if TYPE_CHECKING:
    from messages_service.timeline.services.posting import NewMessage

_KIND = EventKind.MESSAGE_CREATED.value


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


class _Seen(NamedTuple):
    """What the database says about one candidate, after the locks."""

    place: int
    is_locked: bool | None
    archived: bool | None
    last_seq: int
    epoch: str
    visible_from_seq: int | None
    username: str
    display_name: str
    active: bool
    earlier_id: str | None
    earlier_seq: int
    target_seq: int | None
    note_id: int


class _Writing:
    """What will be written, and how far each conversation's log has come."""

    __slots__ = ("at", "at_us", "heads", "made", "notes", "rows")

    def __init__(self, now: datetime) -> None:
        self.at = rfc3339(now)
        self.at_us = unix_microseconds(now)
        self.heads: dict[str, int] = {}
        self.made: dict[tuple[str, str, str], Posted] = {}
        self.rows: list[str] = []
        self.notes: list[Announcement] = []

    def add(self, shape: dict[str, Any], item: NewMessage, epoch: str, note_id: int) -> None:
        """A message, with its event and its note to the gateways, as `WRITE` takes them."""
        written, seq = dumps_bytes(shape), shape["seq"]
        data = written.decode()
        event = event_json(
            conversation=item.conversation,
            seq=seq,
            kind=_KIND,
            at=self.at,
            actor=item.sender,
            request_id=item.request_id,
            data=data,
        )
        payload = event_payload(
            kind=_KIND, conversation=item.conversation, seq=seq, epoch=epoch, at_us=self.at_us, frame=frame(event)
        )
        # A note ends with the message, which PostgreSQL has already, and with the event's closing brace.
        note = b64encode(payload[: -len(written) - 1]).decode()
        self.rows.append(f'{{"data":{data},"request_id":{dumps(item.request_id)},"note_id":{note_id},"note":"{note}"}}')
        self.notes.append(Announcement(note_id, conversation_group(item.conversation), payload))


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
    ring_after_commit()
    prepare(LOCK_FREE, LOCK_ALL, LOOK, WRITE)
    with connection.cursor() as cursor:
        outcomes, held_elsewhere, _ = _post(cursor, candidates, now, lock_timeout_ms)
    return outcomes, held_elsewhere


def post_swiftly(
    *, candidates: Sequence[Candidate], now: datetime
) -> tuple[dict[int, Posted | ChatireError], list[Candidate]]:
    """Post candidates in a transaction of our own, which begins and ends in the same round trips; waits for no lock.

    Returns: as `post_candidates`.

    Raises:
        DatabaseError: nothing was committed; or, when PostgreSQL was lost at the end, perhaps all of it was.
    """
    prepare(LOCK_FREE, LOCK_ALL, LOOK, WRITE)
    with connection.cursor() as cursor:
        try:
            posted = _post(cursor, candidates, now, None, begin="BEGIN; ", commit="COMMIT")
        except BaseException:
            _roll_back()
            raise
    outcomes, held_elsewhere, notes = posted
    if notes:
        announce(notes)
    return outcomes, held_elsewhere


def _roll_back() -> None:
    """Leave no transaction open on a connection that others will use."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("ROLLBACK")
    except Error:  # It is lost.
        connection.close()


def _post(
    cursor: Any,
    candidates: Sequence[Candidate],
    now: datetime,
    lock_timeout_ms: int | None,
    *,
    begin: str = "",
    commit: str = "",
) -> tuple[dict[int, Posted | ChatireError], list[Candidate], list[Announcement]]:
    outcomes: dict[int, Posted | ChatireError] = {}
    held_elsewhere: list[Candidate] = []
    writing = _Writing(now)
    seen = _look(cursor, candidates, lock_timeout_ms, begin)
    note_ids = iter(sorted(facts.note_id for facts in seen.values()))
    for candidate in candidates:
        facts, note_id = seen[candidate.place], next(note_ids)
        is_member = facts.archived is not None and facts.visible_from_seq is not None
        if is_member and not facts.is_locked:
            held_elsewhere.append(candidate)
        else:
            outcomes[candidate.place] = _decide(writing, candidate, facts, note_id)
    _write(cursor, writing, commit)
    return outcomes, held_elsewhere, writing.notes


def _look(
    cursor: Any, candidates: Sequence[Candidate], lock_timeout_ms: int | None, begin: str = ""
) -> dict[int, _Seen]:
    """Lock the conversations, so that until the commit nobody joins, leaves or posts there; then read all that decides."""
    waits = lock_timeout_ms is not None
    settings = BY_INDEX + (f"SET LOCAL lock_timeout = {lock_timeout_ms}; " if waits else "")
    lock = LOCK_ALL if waits else LOCK_FREE
    ids = {candidate.item.conversation for candidate in candidates}
    items = [
        {
            "n": candidate.place,
            "conversation": candidate.item.conversation,
            "sender": candidate.item.sender,
            "client_id": candidate.item.client_id,
            "reply_to": candidate.item.reply_to,
        }
        for candidate in candidates
    ]
    cursor.execute(f"{begin}{settings}{lock.call}; {LOOK.call}", [f"{{{','.join(ids)}}}", dumps(items)])
    return {row[0]: _Seen(*row) for row in cursor.fetchall()}


def _decide(writing: _Writing, candidate: Candidate, seen: _Seen, note_id: int) -> Posted | ChatireError:
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
    writing.made[key] = posted = _add(writing, candidate, seen, note_id)
    return posted


def _add(writing: _Writing, candidate: Candidate, seen: _Seen, note_id: int) -> Posted:
    item = candidate.item
    seq = writing.heads.get(item.conversation, seen.last_seq) + 1
    message_id = uuid7_text()
    shape = message_shape(
        message_id=message_id,
        conversation=item.conversation,
        seq=seq,
        client_id=item.client_id,
        sender=sender_shape(item.sender, seen.username, seen.display_name),
        body=item.body,
        html=candidate.html,
        reply_to=item.reply_to,
        created_at=writing.at,
    )
    writing.heads[item.conversation] = seq
    writing.add(shape, item, seen.epoch, note_id)
    return Posted(created=True, message_id=message_id, seq=seq, shape=shape)


def _write(cursor: Any, writing: _Writing, commit: str) -> None:
    """Write, and commit in the same breath where that is ours to do."""
    if not writing.rows:
        if commit:
            cursor.execute(commit)
        return
    hit("messages.before_insert")
    rows = [f"[{','.join(writing.rows)}]"]
    if not CAN_HIT:
        cursor.execute(f"{WRITE.call}; {commit}", rows)
        return
    cursor.execute(WRITE.call, rows)
    hit("messages.before_commit")
    if commit:
        cursor.execute(commit)
