"""Writing to the outbox, within a transaction."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from chatire_shared.bus import wire
from chatire_shared.bus.groups import user_group
from chatire_shared.outbox.models import OutboxRow
from chatire_shared.outbox.services import NotInTransaction, OutboxEntry, record, redact, ring_after_commit

pytestmark = pytest.mark.django_db(transaction=True)

STREAM = UUID(int=7)


def payload(text: str) -> bytes:
    return wire.encode({"type": "chatire.event", "body": text})


def record_and_roll_back(entry: OutboxEntry) -> None:
    with transaction.atomic():
        record([entry])
        transaction.set_rollback(True)


def test_entries_are_there_after_the_commit_in_their_order(valkey: Any, make_event: Callable) -> None:
    entries = [make_event(STREAM, seq) for seq in (3, 4, 5)]
    with transaction.atomic():
        record(entries)
    rows = OutboxRow.objects.order_by("id")
    assert [(row.stream, row.topic, row.seq, bytes(row.payload)) for row in rows] == [
        (entry.stream, entry.topic, entry.seq, entry.payload) for entry in entries
    ]
    assert {(row.attempts, row.parked_at) for row in rows} == {(0, None)}
    assert all(row.created_at is not None for row in rows)


def test_a_rolled_back_transaction_leaves_nothing_and_rings_nobody(
    ear: Any, make_event: Callable, write: Callable, until: Callable
) -> None:
    record_and_roll_back(make_event(STREAM, 1))
    assert OutboxRow.objects.count() == 0
    write(STREAM, 1)  # The ring that does come.
    until(lambda: ear.rings > 0)
    assert ear.rings == 1


def test_many_records_of_a_transaction_are_one_ring(ear: Any, make_event: Callable, until: Callable) -> None:
    with transaction.atomic():
        for seq in range(50):
            with transaction.atomic():
                record([make_event(STREAM, seq)])
        assert len(connection.run_on_commit) == 1
    until(lambda: ear.rings == 1)


def test_a_savepoint_that_rolls_back_does_not_take_the_others_ring_with_it(
    ear: Any, make_event: Callable, until: Callable
) -> None:
    with transaction.atomic():
        record_and_roll_back(make_event(STREAM, 1))
        record([make_event(STREAM, 2)])
    until(lambda: ear.rings == 1)
    assert [row.seq for row in OutboxRow.objects.all()] == [2]


def test_redis_away_does_not_fail_the_commit(valkey: Any, write: Callable) -> None:
    valkey.kill()
    write(STREAM, 1)
    assert OutboxRow.objects.count() == 1


def test_the_outbox_refuses_to_be_written_outside_of_a_transaction(valkey: Any, make_event: Callable) -> None:
    with pytest.raises(NotInTransaction):
        record([make_event(STREAM, 1)])
    with pytest.raises(NotInTransaction):
        ring_after_commit()


def test_a_topic_that_channels_would_refuse_is_refused_here(valkey: Any) -> None:
    with pytest.raises(ValueError, match="group name"), transaction.atomic():
        record([OutboxEntry(STREAM, "conv:1", payload("x"))])


def test_recording_nothing_is_nothing() -> None:
    record([])
    assert redact(STREAM, {}) == 0


def test_redaction_rewrites_what_is_pending_and_what_is_parked(valkey: Any, write: Callable) -> None:
    other = uuid4()
    write(STREAM, 1, 2, 3)
    write(other, 1)
    OutboxRow.objects.filter(stream=STREAM, seq=2).update(parked_at="2026-01-01T00:00:00Z")
    with transaction.atomic():
        assert redact(STREAM, {1: payload("gone"), 2: payload("gone"), 9: payload("gone")}) == 2
    texts = {(row.stream, row.seq): wire.decode(bytes(row.payload))["body"] for row in OutboxRow.objects.all()}
    assert texts == {(STREAM, 1): "gone", (STREAM, 2): "gone", (STREAM, 3): b"{}", (other, 1): b"{}"}


def test_redaction_leaves_notes_to_people_alone(valkey: Any, make_event: Callable) -> None:
    note = OutboxEntry(STREAM, user_group(uuid4()), payload("note"), 1)
    with transaction.atomic():
        record([make_event(STREAM, 1), note])
        assert redact(STREAM, {1: payload("gone")}) == 1
    assert bytes(OutboxRow.objects.get(topic=note.topic).payload) == note.payload
