"""One relay, round by round, in the test's own process."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg2
import pytest
import redis
from django.db import connection, transaction

from chatire_shared.bus import wire
from chatire_shared.bus.groups import conversation_group, user_group
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.contracts import envelopes
from chatire_shared.outbox import store
from chatire_shared.outbox.models import OutboxRow
from chatire_shared.outbox.relay import SWEEP_SECONDS, Relay
from chatire_shared.outbox.services import OutboxEntry, record

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.fixture
def relay(publisher: Any) -> Relay:
    return Relay(publisher)


@contextmanager
def another_session() -> Iterator[Any]:
    """A second connection to the test's database, in a transaction of its own."""
    session = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    try:
        yield session.cursor()
    finally:
        session.rollback()
        session.close()


def put(stream: UUID, payload: bytes, topic: str | None = None, seq: int | None = None) -> None:
    """A row that `record` would have refused, or could not have made."""
    OutboxRow.objects.create(stream=stream, topic=topic or conversation_group(stream), seq=seq, payload=payload)


def drain(relay: Relay) -> None:
    """Do rounds until one has found nothing more to do at once."""
    while relay.round() != SWEEP_SECONDS:
        pass


def test_rows_are_published_in_order_and_removed(relay: Relay, ear: Any, write: Callable, until: Callable) -> None:
    write(FIRST, 1, 2)
    write(SECOND, 1)
    write(FIRST, 3)
    drain(relay)
    until(lambda: ear.seqs(FIRST) == [1, 2, 3] and ear.seqs(SECOND) == [1])
    assert OutboxRow.objects.count() == 0
    assert relay.counters.published == 4


def test_an_empty_outbox_is_looked_at_again_after_the_sweep_time(relay: Relay) -> None:
    assert relay.round() == SWEEP_SECONDS


def test_payloads_arrive_as_they_were_recorded(relay: Relay, ear: Any, make_event: Callable, until: Callable) -> None:
    entry = make_event(FIRST, 1, "Grüße 🌍".encode())
    with transaction.atomic():
        record([entry])
    drain(relay)
    until(lambda: ear.heard == [(entry.topic, wire.decode(entry.payload))])


def test_a_backlog_is_worked_off_in_bounded_rounds_without_waiting(
    publisher: Any, ear: Any, write: Callable, until: Callable
) -> None:
    relay = Relay(publisher, max_rows=10, max_streams=3)
    streams = [UUID(int=number) for number in range(1, 12)]
    for stream in streams:
        write(stream, *range(1, 8))
    drain(relay)
    until(lambda: all(ear.seqs(stream) == list(range(1, 8)) for stream in streams))
    assert OutboxRow.objects.count() == 0
    assert relay.counters.rounds > 7


def test_a_busy_stream_does_not_keep_those_behind_it_waiting(publisher: Any, write: Callable) -> None:
    relay = Relay(publisher, max_rows=10, max_streams=2)
    for stream in (FIRST, SECOND, THIRD):
        write(stream, *range(100))
    for _ in range(6):
        relay.round()
    left = [OutboxRow.objects.filter(stream=stream).count() for stream in (FIRST, SECOND, THIRD)]
    assert max(left) < 100


def test_a_row_that_cannot_be_published_is_parked_after_three_tries_and_stops_nobody(
    relay: Relay, ear: Any, write: Callable, until: Callable
) -> None:
    write(FIRST, 1)
    put(FIRST, b"\xc1 no msgpack", seq=2)
    write(FIRST, 3)
    write(SECOND, 1)
    relay.round()
    until(lambda: ear.seqs(FIRST) == [1] and ear.seqs(SECOND) == [1])
    assert [(row.seq, row.attempts) for row in OutboxRow.objects.order_by("id")] == [(2, 1), (3, 0)]
    drain(relay)
    until(lambda: ear.seqs(FIRST) == [1, 3])
    poison = OutboxRow.objects.get()
    assert (poison.seq, poison.attempts, poison.parked_at is not None) == (2, 3, True)
    assert relay.counters.parked == 1


@pytest.mark.parametrize(
    ("payload", "topic"),
    [
        (b"", None),
        (wire.encode({"v": 1}), None),
        (wire.encode({"type": "x", "body": b"x" * wire.MAX_MESSAGE_BYTES}), None),
        (wire.encode({"type": "x"}), "conv:1"),
    ],
    ids=["empty", "untyped", "too large", "bad topic"],
)
def test_every_kind_of_poison_is_parked(relay: Relay, payload: bytes, topic: str | None) -> None:
    put(FIRST, payload, topic)
    drain(relay)
    assert OutboxRow.objects.get().parked_at is not None


def test_what_redis_alone_refuses_is_parked_too(
    publisher: Any, valkey: Any, ear: Any, write: Callable, until: Callable
) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("proto-max-bulk-len", 1024 * 1024)  # Redis then closes the connection on it.
    relay = Relay(publisher, max_bytes=4_000_000)
    put(FIRST, wire.encode({"type": "x", "body": b"x" * 2_000_000}), seq=1)
    write(FIRST, 2)
    write(SECOND, 1)
    drain(relay)
    until(lambda: ear.seqs(SECOND) == [1] and ear.first_seqs(FIRST) == [2])
    assert [(row.seq, row.parked_at is None) for row in OutboxRow.objects.all()] == [(1, False)]


def test_a_refusal_of_everything_is_no_fault_of_the_rows(relay: Relay, valkey: Any, write: Callable) -> None:
    write(FIRST, 1)
    with redis.Redis.from_url(valkey.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "-publish")
        with pytest.raises(BusUnavailable):
            relay.round()
        client.execute_command("ACL", "SETUSER", "default", "+publish")
    assert OutboxRow.objects.get().attempts == 0


def test_while_redis_is_away_rows_stay_and_afterwards_they_go(
    relay: Relay, valkey: Any, ear: Any, write: Callable, until: Callable
) -> None:
    write(FIRST, 1, 2)
    valkey.kill()
    with pytest.raises(BusUnavailable):
        relay.round()
    assert OutboxRow.objects.count() == 2
    valkey.start()
    until(lambda: relay._publisher.healthy or _round(relay))
    drain(relay)
    assert OutboxRow.objects.count() == 0


def _round(relay: Relay) -> bool:
    try:
        relay.round()
    except BusUnavailable:
        return False
    return True


def test_a_stream_that_another_relay_holds_is_left_to_it(
    relay: Relay, ear: Any, write: Callable, until: Callable
) -> None:
    write(FIRST, 1)
    write(SECOND, 1)
    with another_session() as cursor:
        lock = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, %s))"
        cursor.execute(lock, [str(FIRST), store._LOCK_SEED])
        assert cursor.fetchone() == (True,)
        drain(relay)
        until(lambda: ear.seqs(SECOND) == [1])
        assert [row.stream for row in OutboxRow.objects.all()] == [FIRST]
    drain(relay)
    until(lambda: ear.seqs(FIRST) == [1])


def test_a_row_that_is_being_redacted_holds_nobody_up_and_goes_again_redacted(
    relay: Relay, ear: Any, write: Callable, until: Callable
) -> None:
    write(FIRST, 1, 2)
    with another_session() as cursor:
        cursor.execute("UPDATE outbox_row SET payload = payload WHERE seq = 1")
        relay.round()
        assert [row.seq for row in OutboxRow.objects.all()] == [1]
    drain(relay)
    until(lambda: ear.seqs(FIRST) == [1, 2, 1])
    assert OutboxRow.objects.count() == 0


def test_rows_that_are_not_committed_are_not_seen(relay: Relay, ear: Any, write: Callable, until: Callable) -> None:
    with another_session() as cursor:
        cursor.execute(
            "INSERT INTO outbox_row (stream, topic, seq, payload) VALUES (%s, 'conv.x', 1, %s)", [str(FIRST), b"\x80"]
        )
        assert relay.round() == SWEEP_SECONDS
    assert relay.counters.published == 0


def test_a_relay_works_from_its_first_good_round_on_and_not_while_redis_is_away(
    relay: Relay, valkey: Any, write: Callable, until: Callable
) -> None:
    assert not relay.works
    write(FIRST, 1)
    valkey.kill()
    relay._guarded_round()
    assert not relay.works
    valkey.start()
    until(lambda: relay._guarded_round() > 0 and relay.works)
    assert relay.counters.published == 1


def test_what_was_published_is_on_the_board_for_the_tick(relay: Relay, write: Callable) -> None:
    amira = "5f0c0000-0000-7000-8000-000000000001"
    write(FIRST, 1, 2)
    note = envelopes.left(user=amira, conversation=str(FIRST), seq=2, membership_version=9)
    with transaction.atomic():
        record([OutboxEntry.of(FIRST, user_group(amira), note, 2)])
    drain(relay)
    assert relay.board.heads() == [[str(FIRST), 2]]
    assert relay.board.members() == [[amira, 9]]


def test_the_age_of_the_oldest_pending_row_is_known(write: Callable) -> None:
    assert store.oldest_pending_seconds() == 0
    write(FIRST, 1)
    write(SECOND, 1)
    OutboxRow.objects.filter(stream=SECOND).update(created_at="2020-01-01T00:00:00Z")
    assert store.oldest_pending_seconds() > 1_000_000
    OutboxRow.objects.filter(stream=SECOND).update(parked_at="2020-01-01T00:00:00Z")
    assert store.oldest_pending_seconds() < 1_000_000
