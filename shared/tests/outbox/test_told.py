"""What its writer has announced is published once, and what he has not, or nobody has heard of, by the relay all the same."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import redis

from chatire_shared.bus import wire
from chatire_shared.bus.groups import TOLD_CHANNEL, conversation_group
from chatire_shared.outbox.models import OutboxRow
from chatire_shared.outbox.relay import Relay
from chatire_shared.outbox.services import Announcement, announce
from chatire_shared.outbox.told import Told

pytestmark = pytest.mark.django_db(transaction=True)

STREAM = UUID(int=7)


@pytest.fixture
def told(valkey: Any) -> Iterator[Told]:
    told = Told(valkey.url)
    told.collect()
    yield told
    told.close()


@pytest.fixture
def relay(publisher: Any, told: Told) -> Relay:
    return Relay(publisher, told=told)


@pytest.fixture
def commit(write: Callable) -> Callable[..., list[Announcement]]:
    """Commits events of the stream; gives what `announce` takes."""

    def commit(*seqs: int) -> list[Announcement]:
        write(STREAM, *seqs)
        rows = OutboxRow.objects.filter(seq__in=seqs).order_by("id")
        return [Announcement(row.id, row.topic, bytes(row.payload)) for row in rows]

    return commit


def subscribed(valkey: Any) -> bool:
    with redis.Redis.from_url(valkey.url) as client:
        return dict(client.pubsub_numsub(TOLD_CHANNEL))[TOLD_CHANNEL.encode()] > 0


def test_what_was_announced_is_removed_and_not_published_again(
    relay: Relay, ear: Any, commit: Callable, until: Callable, valkey: Any
) -> None:
    until(lambda: subscribed(valkey))
    announce(commit(1, 2))
    until(lambda: ear.seqs(STREAM) == [1, 2])
    relay.round()
    assert OutboxRow.objects.count() == 0
    assert (relay.counters.told, relay.counters.published) == (2, 2)
    assert ear.seqs(STREAM) == [1, 2]
    assert relay.board.heads() == [[str(STREAM), 2]]


def test_what_was_committed_and_not_announced_is_published_in_its_place(
    relay: Relay, ear: Any, commit: Callable, until: Callable, valkey: Any
) -> None:
    until(lambda: subscribed(valkey))
    announce(commit(1))
    commit(2)
    announce(commit(3))
    until(lambda: ear.seqs(STREAM) == [1, 3])
    relay.round()
    until(lambda: ear.seqs(STREAM) == [1, 3, 2])
    assert OutboxRow.objects.count() == 0


def test_a_relay_that_has_not_heard_publishes_once_more(
    publisher: Any, ear: Any, commit: Callable, until: Callable
) -> None:
    announce(commit(1))
    Relay(publisher).round()
    until(lambda: ear.seqs(STREAM) == [1, 1])
    assert OutboxRow.objects.count() == 0


def test_redis_away_leaves_everything_to_the_relay(
    relay: Relay, ear: Any, commit: Callable, until: Callable, valkey: Any
) -> None:
    rows = commit(1)
    valkey.kill()
    announce(rows)
    valkey.start()
    until(lambda: ear.ready.is_set() and relay.round() is not None and ear.seqs(STREAM) == [1])
    assert OutboxRow.objects.count() == 0


def test_it_listens_again_after_a_restart_of_redis(told: Told, valkey: Any, until: Callable, publisher: Any) -> None:
    valkey.kill()
    told.collect()
    valkey.start()
    told.collect()
    until(lambda: subscribed(valkey))
    publisher.announce([(5, conversation_group(STREAM), b"x")])

    def heard() -> bool:
        told.collect()
        return 5 in told

    until(heard)
    told.forget([5])
    assert 5 not in told


def test_anything_else_on_its_channel_is_passed_over(told: Told, valkey: Any, until: Callable) -> None:
    until(lambda: subscribed(valkey))
    with redis.Redis.from_url(valkey.url) as client:
        for rubbish in (b"", b"\xc1", wire.encode({"type": "x"}), wire.encode_ids([True]), b"\x91\xa1x"):  # type: ignore[list-item]
            client.publish(TOLD_CHANNEL, rubbish)
        client.publish(TOLD_CHANNEL, wire.encode_ids([8]))

    def heard() -> bool:
        told.collect()
        return 8 in told

    until(heard)
    assert True not in told


def test_it_remembers_the_newest(valkey: Any, until: Callable, publisher: Any) -> None:
    told = Told(valkey.url, most_ids=3)
    told.collect()
    until(lambda: subscribed(valkey))
    publisher.announce([(number, conversation_group(STREAM), b"x") for number in range(2, 8)])

    def heard() -> bool:
        told.collect()
        return 7 in told

    until(heard)
    assert [number in told for number in range(2, 8)] == [False] * 3 + [True] * 3
    told.close()
