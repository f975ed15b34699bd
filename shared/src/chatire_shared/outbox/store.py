"""The relay's side of the table: claiming streams, reading what is pending, removing what is published.

Every statement is a walk along the partial index over pending rows: it stays as fast with a million parked or pending
rows as with none, and with the statistics of an empty table. (A plain join planned on an empty table once read the
whole event table at each wake. And `stream = x ORDER BY stream, id LIMIT n` lets the planner drop `stream` from the
order and walk the primary key through everybody else's rows; hence the BETWEEN.) `test_plans.py` holds that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

FIRST = UUID(int=0)
MAX_ATTEMPTS = 3

_LOCK_SEED = 0x6F7574626F78  # "outbox": keeps our advisory locks apart from others' in the same database.

SESSION = """
    SET synchronous_commit = off;  -- A removal that a crash undoes is one more publish.
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off;
    SET statement_timeout = '10s'; SET lock_timeout = '1s';
    SET idle_in_transaction_session_timeout = '3s'  -- A relay that hangs loses its locks to the others.
"""

_CLAIM = """
    WITH RECURSIVE walk (stream) AS (
        (SELECT stream FROM outbox_row WHERE parked_at IS NULL AND stream {comparison} %(after)s
         ORDER BY stream, id LIMIT 1)
        UNION ALL
        SELECT following.stream FROM walk CROSS JOIN LATERAL (
            SELECT o.stream FROM outbox_row o WHERE o.parked_at IS NULL AND o.stream > walk.stream
            ORDER BY o.stream, o.id LIMIT 1
        ) AS following
    )
    SELECT stream FROM walk WHERE pg_try_advisory_xact_lock(hashtextextended(stream::text, %(seed)s)) LIMIT %(limit)s
"""

CLAIM_FROM_THE_FIRST = _CLAIM.format(comparison=">=")
CLAIM_AFTER = _CLAIM.format(comparison=">")

PENDING = """
    SELECT pending.* FROM unnest(%(streams)s::uuid[]) WITH ORDINALITY AS claimed (stream, place) CROSS JOIN LATERAL (
        SELECT o.id, o.stream, o.topic, o.seq FROM outbox_row o
        WHERE o.parked_at IS NULL AND o.stream BETWEEN claimed.stream AND claimed.stream
        ORDER BY o.stream, o.id LIMIT %(per_stream)s
    ) AS pending LIMIT %(limit)s
"""

PAYLOADS = "SELECT id, payload FROM outbox_row WHERE id = ANY(%s)"

OLDEST = """
    WITH RECURSIVE walk (stream, created_at) AS (
        (SELECT stream, created_at FROM outbox_row WHERE parked_at IS NULL ORDER BY stream, id LIMIT 1)
        UNION ALL
        SELECT following.* FROM walk CROSS JOIN LATERAL (
            SELECT o.stream, o.created_at FROM outbox_row o WHERE o.parked_at IS NULL AND o.stream > walk.stream
            ORDER BY o.stream, o.id LIMIT 1
        ) AS following
    )
    SELECT extract(epoch FROM clock_timestamp() - min(created_at))
    FROM (SELECT created_at FROM walk LIMIT 1000) AS heads
"""

DELETE = """
    DELETE FROM outbox_row WHERE id IN (SELECT id FROM outbox_row WHERE id = ANY(%s) FOR UPDATE SKIP LOCKED)
"""

_FAIL = """
    UPDATE outbox_row SET attempts = attempts + 1, parked_at = CASE WHEN attempts + 1 >= %s THEN now() END
    WHERE id = ANY(%s) RETURNING parked_at IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Pending:
    """A row that is to be published."""

    id: int
    stream: UUID
    topic: str
    seq: int | None


def prepare_session() -> None:
    """Connect if need be, and make the session the relay's: fast to commit, quick to notice a dead server."""
    if connection.connection is None:
        options = connection.settings_dict.setdefault("OPTIONS", {})
        for name, value in {"connect_timeout": 3, "keepalives_idle": 5, "tcp_user_timeout": 10_000}.items():
            options.setdefault(name, value)
        with connection.cursor() as cursor:
            cursor.execute(SESSION)


def claim_streams(after: UUID | None, limit: int) -> list[UUID]:
    """Lock streams with pending rows for this transaction and return them in order; not those that others hold.

    Args:
        after: Begin behind this one; None begins at the first.
        limit: How many at most.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM_FROM_THE_FIRST if after is None else CLAIM_AFTER,
            {"after": after or FIRST, "limit": limit, "seed": _LOCK_SEED},
        )
        return [stream for (stream,) in cursor.fetchall()]


def pending_rows(streams: Sequence[UUID], *, per_stream: int, limit: int) -> list[Pending]:
    """The first rows of each claimed stream, in order.

    A statement of its own, after the claim: its snapshot is younger than the locks, so it can't show rows that the
    lock's previous holder has published and removed.
    """
    with connection.cursor() as cursor:
        cursor.execute(PENDING, {"streams": list(streams), "per_stream": per_stream, "limit": limit})
        return [Pending(*row) for row in cursor]


def payloads(ids: Sequence[int]) -> dict[int, bytes]:
    """What these rows carry. By itself, since most rows were published already, and only have to be removed."""
    with connection.cursor() as cursor:
        cursor.execute(PAYLOADS, [list(ids)])
        return {id_: bytes(payload) for id_, payload in cursor}


def remove(ids: Iterable[int]) -> int:
    """Delete published rows and say how many; one that a redaction holds is left, to be published once more."""
    with connection.cursor() as cursor:
        cursor.execute(DELETE, [list(ids)])
        return int(cursor.rowcount)


def note_failures(ids: Iterable[int]) -> int:
    """Count a failed try of these rows, park those that have had their last, and say how many were parked."""
    with connection.cursor() as cursor:
        cursor.execute(_FAIL, [MAX_ATTEMPTS, list(ids)])
        return sum(parked for (parked,) in cursor.fetchall())


def oldest_pending_seconds() -> float:
    """Age of the oldest pending row (of the first thousand streams); 0 when nothing is pending."""
    with connection.cursor() as cursor:
        cursor.execute(OLDEST)
        (age,) = cursor.fetchone()
        return max(0.0, float(age or 0.0))
