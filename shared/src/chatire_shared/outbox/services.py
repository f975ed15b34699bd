"""Writing to the outbox, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from chatire_shared.bus import wire
from chatire_shared.bus.groups import CONVERSATION_PREFIX, is_group_name
from chatire_shared.bus.publisher import publisher_for
from chatire_shared.crash_points import hit


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """What is to be published when the transaction commits.

    Attributes:
        stream: Entries of one stream are published in the order in which they were recorded. The caller holds a lock on
            whatever the stream stands for (the conversation's row) from before it records until it commits: otherwise a
            lower id could commit later.
        topic: Group of the channel layer (`bus.groups`).
        payload: The message's bytes (`bus.wire.encode`), at most `wire.MAX_MESSAGE_BYTES`.
        seq: The event's number in its conversation; None for anything that isn't an event.
    """

    stream: UUID
    topic: str
    payload: bytes
    seq: int | None = None

    @classmethod
    def of(cls, stream: UUID, topic: str, message: Mapping[str, Any], seq: int | None = None) -> OutboxEntry:
        """An entry for a message of `contracts.envelopes`."""
        return cls(stream, topic, wire.encode(message), seq)


class Announcement(NamedTuple):
    """A committed entry that is published at once: the id of its row, its topic and its payload (`OutboxEntry`)."""

    row: int
    topic: str
    payload: bytes


class NotInTransaction(RuntimeError):
    """The outbox was written to outside of a transaction, so it would not be atomic with anything."""


def record(rows: Sequence[OutboxEntry]) -> None:
    """Write entries in the current transaction, with one INSERT, and ring the relay once after its commit.

    Raises: NotInTransaction; ValueError for a topic that Channels would refuse (better here than at the relay).
    Guarantees: what is committed is published at least once, in this order within each stream.
    """
    if not rows:
        return
    for row in rows:
        if not is_group_name(row.topic):
            raise ValueError(f"Not a group name: {row.topic!r}")
    ring_after_commit()
    values = ", ".join(["(%s, %s, %s, %s)"] * len(rows))
    parameters = [value for row in rows for value in (row.stream, row.topic, row.seq, row.payload)]
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO outbox_row (stream, topic, seq, payload) VALUES {values}", parameters)  # noqa: S608


def redact(stream: UUID, replacements: Mapping[int, bytes]) -> int:
    """Rewrite events of a conversation that are not published yet, parked ones included; a deleted message's text goes.

    Args:
        stream: The stream they were recorded in.
        replacements: New payload by `seq`; only rows for the conversation's own group are touched, not the notes to
            people that share a `seq` with an event.

    Returns: how many rows were rewritten; what is published already is not here any more.
    Locks: waits for a relay that is just removing one of the rows, some milliseconds.
    """
    return sum(_redact(stream, replacements, parked=parked) for parked in (False, True)) if replacements else 0


def ring_after_commit() -> None:
    """Ring the relay when the current transaction commits, once however often this is called; for own INSERTs.

    Raises: NotInTransaction.
    """
    if not connection.in_atomic_block:
        raise NotInTransaction
    # One that is registered is enough: a savepoint that could still take it away encloses this call as well.
    if not any(entry[1] is ring for entry in connection.run_on_commit):
        transaction.on_commit(ring, robust=True)


def announce(rows: Sequence[Announcement]) -> None:
    """Publish committed entries at once, instead of ringing the relay; never raises.

    For entries that receivers put into order by themselves, since two processes may announce in another order than they
    committed: events, by their `seq`. The rows stay until a relay has seen them, so that nothing depends on this.
    """
    hit("messages.before_bell")
    publisher_for(settings.CHATIRE_REDIS_URL).announce(rows)


def ring() -> None:
    """Ring the relay for what is committed; never raises."""
    hit("messages.before_bell")
    publisher_for(settings.CHATIRE_REDIS_URL).ring()


def _redact(stream: UUID, replacements: Mapping[int, bytes], *, parked: bool) -> int:
    state = "IS NOT NULL" if parked else "IS NULL"  # Spelled out: each has its own partial index.
    values = ", ".join(["(%s::bigint, %s::bytea)"] * len(replacements))
    sql = f"""
        UPDATE outbox_row AS o SET payload = new.payload FROM (VALUES {values}) AS new (seq, payload)
        WHERE o.stream = %s AND o.parked_at {state} AND o.seq = new.seq AND o.topic LIKE %s
    """  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*_flatten(replacements.items()), stream, f"{CONVERSATION_PREFIX}%"])
        return int(cursor.rowcount)


def _flatten(pairs: Iterable[tuple[int, bytes]]) -> list[Any]:
    return [value for pair in pairs for value in pair]
