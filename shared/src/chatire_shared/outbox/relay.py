"""The relay: publishes what transactions have left in the outbox, at least once and in order within each stream.

One round is one transaction: claim streams by advisory locks, read their rows, publish them in one pipeline, remove
them, commit. The locks end with the transaction, after the removal is visible, so of several relays only one at a time
works on a stream and each sees what the one before has done. Dying anywhere publishes some rows again and none never.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import django.db
from django.db import connection, transaction

from chatire_shared.bus import wire
from chatire_shared.bus.breaker import Backoff
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.crash_points import hit
from chatire_shared.outbox import rules, store
from chatire_shared.outbox.counters import Counters
from chatire_shared.outbox.store import Pending
from chatire_shared.outbox.tick import Board
from chatire_shared.outbox.told import Told

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 0.5
"""What the bell missed (a crash between commit and ring, a Redis that was away) is found after this time."""

_RETRY_SECONDS = 0.05
_LAG_EVERY_SECONDS = 5.0
_STUCK_SECONDS = 30.0
_WORKS_SECONDS = 1.5
"""Three sweeps: a relay that has done no round for so long publishes nothing that can be relied on."""


class Relay:
    """Works off the outbox of the default database until it is stopped. Any number of them may run at once."""

    def __init__(
        self,
        publisher: LayerPublisher,
        *,
        board: Board | None = None,
        told: Told | None = None,
        max_rows: int = 500,
        max_streams: int = 100,
        max_bytes: int = wire.MAX_MESSAGE_BYTES,
    ) -> None:
        """Prepare; `run` begins, or `round` does one step.

        Args:
            publisher: Where to.
            board: Takes note of what was published, for the tick.
            told: Knows what was published by those who wrote it; None: nothing was.
            max_rows: Rows of one round: of one pipeline, and in memory at once.
            max_streams: Streams of one round, and locks held at once.
            max_bytes: Of one payload; a larger one is parked without asking Redis.
        """
        self.counters = Counters()
        self.board = board or Board()
        self._publisher = publisher
        self._told = told
        self._max_rows = max_rows
        self._max_streams = max_streams
        self._max_bytes = max_bytes
        self._per_stream = max(1, max_rows // 5)
        self._after: UUID | None = None
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._backoff = Backoff(0.1, 0.5)  # A failed round costs two statements; the return should be quick.
        self._lag_at = 0.0
        self._progress_at = time.monotonic()
        self._worked_at = 0.0
        self._database_ok = False

    @property
    def alive(self) -> bool:
        """Whether the loop turns (rounds that fail count: they are no reason to restart the process)."""
        return time.monotonic() - self._progress_at < _STUCK_SECONDS

    @property
    def works(self) -> bool:
        """Whether a round has been carried through just now."""
        return time.monotonic() - self._worked_at < _WORKS_SECONDS

    @property
    def ready(self) -> bool:
        """Whether the latest round reached both PostgreSQL and Redis."""
        return self.alive and self._database_ok and self._publisher.healthy

    def ring(self) -> None:
        """Look at the outbox now; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """End after the round that is under way; from any thread, but not from a signal handler."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Do rounds until `stop`."""
        while not self._stopped.is_set():
            self._wake.clear()
            pause = self._guarded_round()
            self._progress_at = time.monotonic()
            self._wake.wait(pause)
        connection.close()

    def round(self) -> float:
        """Publish one batch; returns after how many seconds to do the next if nobody rings (0: there is more).

        Raises: BusUnavailable, django.db.Error; nothing is removed then.
        """
        store.prepare_session()
        if self._told is not None:
            self._told.collect()
        with transaction.atomic():
            streams = store.claim_streams(self._after, self._max_streams)
            rows = store.pending_rows(streams, per_stream=self._per_stream, limit=self._max_rows) if streams else []
            outcome = self._publish(rows)
            removed = store.remove(outcome.done) if outcome.done else 0
            parked = store.note_failures(outcome.failed) if outcome.failed else 0
        hit("relay.after_delete")
        if self._told is not None:
            self._told.forget(outcome.done)
        self._count(rows, outcome, removed, parked)
        return self._next(streams, rows, removed=removed, failed=len(outcome.failed))

    def _guarded_round(self) -> float:
        try:
            store.prepare_session()
            self._measure_lag()  # Before the round: while Redis is away is when the lag is of interest.
            pause = self.round()
        except BusUnavailable as error:
            self.counters.redis_errors += 1
            return self._after_failure("The relay can't reach Redis.", error)
        except django.db.Error as error:
            self.counters.database_errors += 1
            self._database_ok = False
            connection.close()
            return self._after_failure("The relay can't use PostgreSQL.", error)
        self._database_ok = True
        self._worked_at = time.monotonic()
        self._backoff.reset()
        return pause

    def _after_failure(self, what: str, error: Exception) -> float:
        """Wait without listening to the bell, which would turn an outage into a busy loop."""
        logger.warning(what, extra={"reason": str(error)})
        self._stopped.wait(self._backoff.next())
        return 0.0

    def _publish(self, rows: Sequence[Pending]) -> rules.Outcome:
        untold = [row for row in rows if not self._is_told(row)]
        payloads = store.payloads([row.id for row in untold]) if untold else {}
        messages, broken = _read_all(untold, payloads, self._max_bytes)
        wanted = set(rules.settle(rows, broken).done)
        sendable = [row for row in rows if row.id in wanted]
        fresh = [row for row in sendable if row.id in messages]
        hit("relay.before_publish")
        try:
            refusals = self._publisher.publish_many([(row.topic, payloads[row.id]) for row in fresh])
        except BusUnavailable:
            self.counters.retries += len(fresh)
            raise
        hit("relay.after_publish")
        self.counters.told += len(sendable) - len(fresh)
        refused = {row.id: why for row, why in zip(fresh, refusals, strict=True) if why is not None}
        outcome = rules.settle(rows, broken | refused)
        _log_failures(rows, outcome, broken | refused)
        done = set(outcome.done)
        for row in sendable:
            if row.id in done:
                self.board.note(row.topic, row.seq, messages.get(row.id, {}))
        return outcome

    def _is_told(self, row: Pending) -> bool:
        """Whether it was published by who wrote it; of an event, since what else a tick says is in the message."""
        return row.seq is not None and self._told is not None and row.id in self._told

    def _count(self, rows: Sequence[Pending], outcome: rules.Outcome, removed: int, parked: int) -> None:
        self.counters.rounds += 1
        self.counters.published += removed
        self.counters.parked += parked
        self.counters.retries += len(rows) - len(outcome.done) - parked

    def _next(self, streams: Sequence[UUID], rows: Sequence[Pending], *, removed: int, failed: int) -> float:
        """Decide where the next round begins, and when: a busy stream must not keep those behind it waiting."""
        started_inside = self._after is not None
        full = len(rows) >= self._max_rows or len(streams) >= self._max_streams
        self._after = (rows[-1].stream if rows else streams[-1]) if full else None
        cut_short = any(count >= self._per_stream for count in Counter(row.stream for row in rows).values())
        if started_inside or (removed and (full or cut_short)):
            return 0.0
        return _RETRY_SECONDS if failed else SWEEP_SECONDS

    def _measure_lag(self) -> None:
        if time.monotonic() - self._lag_at >= _LAG_EVERY_SECONDS:
            self.counters.lag_seconds = store.oldest_pending_seconds()
            self._lag_at = time.monotonic()


def _read_all(
    rows: Sequence[Pending], payloads: Mapping[int, bytes], max_bytes: int
) -> tuple[dict[int, dict[str, Any]], dict[int, str]]:
    """The messages of the rows that have one, and what is wrong with the others."""
    messages, broken = {}, {}
    for row in rows:
        try:
            messages[row.id] = rules.read(row.topic, payloads[row.id], max_bytes)
        except wire.BadMessage as error:
            broken[row.id] = str(error)
    return messages, broken


def _log_failures(rows: Sequence[Pending], outcome: rules.Outcome, reasons: dict[int, str]) -> None:
    failed = set(outcome.failed)
    for row in rows:
        if row.id in failed:
            logger.error(
                "A row of the outbox can't be published.",
                extra={"row": row.id, "topic": row.topic, "seq": row.seq, "reason": reasons[row.id]},
            )
