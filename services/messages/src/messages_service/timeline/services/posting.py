"""Posting messages: one transaction for a batch, whatever the number of people and conversations in it.

Conversation rows are locked in the order of their ids (in the order of arrival, batches deadlock: 8 times in one measured
run, at a quarter of the throughput). What can't be locked at once is tried again apart from the rest, so that one busy
conversation delays no other; a batch waits no longer than `LOCK_TIMEOUT_MS` for one, and who posts alone, and so delays
nobody else, `ALONE_TIMEOUT_MS`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from chatire_shared.contracts.errors import ChatireError, Internal, Unavailable
from chatire_shared.crash_points import hit
from messages_service.timeline.rules.bodies import require_body
from messages_service.timeline.rules.markdown import render
from messages_service.timeline.services.batches import Candidate, Posted, post_candidates, post_swiftly

logger = logging.getLogger("chatire.messages")

LOCK_TIMEOUT_MS, ALONE_TIMEOUT_MS = 500, 2_000
TURN_MS = 100
_BUSY = frozenset({"55P03", "40P01", "57014"})
"""SQLSTATEs of a lock that was not to be had: its time-out, a deadlock, the statement's time-out."""


class NewMessage(NamedTuple):
    """A message that somebody wants to post; ids are texts in canonical form, as they come and as they are written.

    Attributes:
        conversation: Where to.
        sender: Verified author.
        client_id: UUID chosen by the client; a repeat is answered with the first message.
        body: Markdown source, verbatim; checked here.
        reply_to: Message that it answers, of the same conversation.
        request_id: The request it came with.
    """

    conversation: str
    sender: str
    client_id: str
    body: str
    reply_to: str | None = None
    request_id: str | None = None


Outcome = Posted | ChatireError


def post_messages(
    *, items: Sequence[NewMessage], now: datetime, lock_timeout_ms: int = LOCK_TIMEOUT_MS
) -> list[Outcome]:
    """Post messages on behalf of their senders; one outcome for each, in the order given.

    Items of one conversation get their `seq` in the order given. An item that fails changes nothing; a conversation
    that stays locked fails all of its items alike.

    Args:
        items: At most a few hundred.
        now: Aware UTC time of the request.
        lock_timeout_ms: How long to wait, all in all, for conversations that somebody else holds.

    Returns: for each item what was posted, or the refusal: Invalid, NotFound (no member), Archived, TokenRevoked (the
        account was disabled), Unavailable (locked for too long; retryable).

    Raises:
        OperationalError, InterfaceError: PostgreSQL is away; nothing was committed, or (when the connection broke in
            the commit) repeating all of it is safe.

    Guarantees: message, event, `seq`, read marker and outbox row commit together.
    Source: docs/protocol.md section 4.
    """
    outcomes: dict[int, Outcome] = {}
    candidates: list[Candidate] = []
    for index, item in enumerate(items):
        try:
            html = render(require_body(item.body))
        except ChatireError as error:
            outcomes[index] = error
        else:
            candidates.append(Candidate(index, item, html))
    waiting = _post_unlocked(candidates, now, outcomes)
    if waiting:
        _post_waiting(waiting, now, outcomes, lock_timeout_ms)
    hit("messages.after_commit")
    return [outcomes[index] for index in range(len(items))]


def _post_unlocked(candidates: list[Candidate], now: datetime, outcomes: dict[int, Outcome]) -> list[Candidate]:
    """Post what nobody else holds at this moment; returns the rest."""
    if not candidates:
        return []
    try:
        posted, waiting = _post_free(candidates, now)
    except DatabaseError as error:
        _require_connected(error)
        logger.exception("a batch failed; its conversations are tried one by one")
        return candidates
    outcomes.update(posted)
    return waiting


def _post_free(candidates: list[Candidate], now: datetime) -> tuple[dict[int, Outcome], list[Candidate]]:
    if connection.in_atomic_block:
        with transaction.atomic():
            return post_candidates(candidates=candidates, now=now, lock_timeout_ms=None)
    # Django would first ask a connection that was kept whether it is alive; here that shows by itself.
    connection.health_check_done = True  # type: ignore[attr-defined]  # django-stubs don't know it
    try:
        return post_swiftly(candidates=candidates, now=now)
    except (OperationalError, InterfaceError):
        if connection.connection is not None and not connection.connection.closed:
            raise
        connection.close()
    # It was lost, perhaps long ago. Should it have been lost in the commit, what was posted is found by its `client_id`.
    return post_swiftly(candidates=candidates, now=now)


def _post_waiting(waiting: list[Candidate], now: datetime, outcomes: dict[int, Outcome], lock_timeout_ms: int) -> None:
    """Post what had to wait, until all is settled or the time is over.

    The conversations take turns in being waited for, and after each turn whatever has become free is posted together:
    one that stays held costs the others some turns, and a busy one, whose holders come and go, is not given up early.
    """
    deadline = time.monotonic() + lock_timeout_ms / 1_000
    while waiting:
        left_ms = round((deadline - time.monotonic()) * 1_000)
        turn = [candidate for candidate in waiting if candidate.item.conversation == waiting[0].item.conversation]
        others = [candidate for candidate in waiting if candidate.item.conversation != waiting[0].item.conversation]
        settled = _post_turn(turn, now, max(1, min(left_ms, TURN_MS)), outcomes, last=left_ms <= TURN_MS)
        waiting = _post_unlocked(others, now, outcomes) + ([] if settled else turn)


def _post_turn(
    turn: list[Candidate], now: datetime, timeout_ms: int, outcomes: dict[int, Outcome], *, last: bool
) -> bool:
    """Wait for one conversation and post there; False when it stayed held and this was not the `last` try."""
    try:
        with transaction.atomic():
            posted = _post_all(turn, now, timeout_ms)
    except DatabaseError as error:
        _require_connected(error)
        if _code(error) in _BUSY and not last:
            return False
        refusal = _refusal(error)
        posted = {candidate.place: refusal for candidate in turn}
    outcomes.update(posted)
    return True


def _post_all(turn: Sequence[Candidate], now: datetime, timeout_ms: int) -> dict[int, Outcome]:
    """Post what may be waited for; then what repeats a part of it, which is found by its `client_id`."""
    outcomes: dict[int, Outcome] = {}
    while turn:
        posted, turn = post_candidates(candidates=turn, now=now, lock_timeout_ms=timeout_ms)
        outcomes.update(posted)
    return outcomes


def _refusal(error: DatabaseError) -> ChatireError:
    if _code(error) in _BUSY:
        return Unavailable("The conversation is busy; try again in a moment.", retry_after_seconds=0.5)
    logger.error("messages could not be stored", exc_info=error)
    return Internal()


def _require_connected(error: DatabaseError) -> None:
    """Pass for an error about a statement; raise one about PostgreSQL itself, which concerns every item."""
    if isinstance(error, OperationalError | InterfaceError) and _code(error) not in _BUSY:
        raise error


def _code(error: DatabaseError) -> str | None:
    return getattr(error.__cause__, "pgcode", None)
