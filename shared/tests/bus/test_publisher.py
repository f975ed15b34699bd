"""Publishing from synchronous code."""

import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from waiting import wait_until

from chatire_shared.bus import wire
from chatire_shared.bus.groups import BELL_CHANNEL, TOLD_CHANNEL, group_channel
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.publisher import LayerPublisher, publisher_for
from chatire_shared.testing.servers import ValkeyServer

MESSAGE = {"type": "test", "n": 1}


@pytest.fixture
def publisher(valkey: ValkeyServer) -> Iterator[LayerPublisher]:
    publisher = LayerPublisher(valkey.url)
    yield publisher
    publisher.close()


@pytest.fixture
def hear(valkey: ValkeyServer) -> Iterator[Callable[[str], Callable[[], bytes]]]:
    """Subscribes to a channel; returns a function that waits for the next message on it."""
    client = redis.Redis.from_url(valkey.url)
    opened = []

    def subscribe(channel: str) -> Callable[[], bytes]:
        pubsub = client.pubsub()
        opened.append(pubsub)
        pubsub.subscribe(channel)
        assert pubsub.get_message(timeout=10)["type"] == "subscribe"
        return lambda: pubsub.get_message(timeout=10)["data"]

    yield subscribe
    for pubsub in opened:
        pubsub.close()
    client.close()


def published_again(publisher: LayerPublisher) -> bool:
    try:
        return publisher.publish_many([("conv.1", MESSAGE)]) == [None]
    except BusUnavailable:
        return False


def test_maps_and_ready_bytes_are_published_in_order(publisher: LayerPublisher, hear: Callable) -> None:
    heard = hear(group_channel("conv.1"))
    assert publisher.publish_many([("conv.1", MESSAGE), ("conv.1", wire.encode({"type": "x"}))]) == [None, None]
    assert [wire.decode(heard()), wire.decode(heard())] == [MESSAGE, {"type": "x"}]


def test_publishing_nothing_needs_no_redis(publisher: LayerPublisher, valkey: ValkeyServer) -> None:
    valkey.kill()
    assert publisher.publish_many([]) == []


def test_the_bell_rings(publisher: LayerPublisher, hear: Callable) -> None:
    heard = hear(BELL_CHANNEL)
    publisher.ring()
    assert heard() == b""


def test_an_announcement_is_published_and_the_relays_are_told_of_it(publisher: LayerPublisher, hear: Callable) -> None:
    heard, told = hear(group_channel("conv.1")), hear(TOLD_CHANNEL)
    for id_ in (7, 8):
        publisher.announce([(id_, "conv.1", wire.encode({**MESSAGE, "n": id_}))])
        assert wire.decode(heard())["n"] == id_
        assert wire.decode_ids(told()) == [id_]
    assert published_again(publisher)


def test_a_restart_between_two_announcements_is_not_even_noticed(
    publisher: LayerPublisher, valkey: ValkeyServer, hear: Callable
) -> None:
    publisher.announce([(1, "conv.1", wire.encode(MESSAGE))])
    valkey.kill()
    valkey.start()
    heard = hear(group_channel("conv.1"))
    publisher.announce([(2, "conv.1", wire.encode(MESSAGE))])
    assert wire.decode(heard()) == MESSAGE


def test_what_redis_refuses_of_an_announcement_is_logged_with_the_next_and_hinders_nothing(
    publisher: LayerPublisher, valkey: ValkeyServer, hear: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    heard = hear(group_channel("conv.1"))
    with redis.Redis.from_url(valkey.url) as client:
        client.acl_setuser("default", enabled=True, nopass=True, commands=["-publish"])
        publisher.announce([(1, "conv.1", wire.encode(MESSAGE))])
        wait_until(client.acl_log)
        client.acl_setuser("default", enabled=True, nopass=True, commands=["+publish"])
    publisher.announce([(2, "conv.1", wire.encode({**MESSAGE, "n": 2}))])
    assert "Redis refused a message." in caplog.messages
    assert wire.decode(heard())["n"] == 2


def test_it_gives_up_on_an_absent_redis_and_comes_back_by_itself(
    publisher: LayerPublisher, valkey: ValkeyServer
) -> None:
    assert published_again(publisher)
    valkey.kill()
    with pytest.raises(BusUnavailable):
        publisher.publish_many([("conv.1", MESSAGE)])
    assert not publisher.healthy
    with pytest.raises(BusUnavailable, match="lately"):
        publisher.publish_many([("conv.1", MESSAGE)])
    valkey.start()
    wait_until(lambda: published_again(publisher))
    assert publisher.healthy


def test_a_restart_between_two_publishes_is_not_even_noticed(publisher: LayerPublisher, valkey: ValkeyServer) -> None:
    assert published_again(publisher)
    valkey.kill()
    valkey.start()
    assert published_again(publisher)


def test_a_hung_redis_costs_a_time_out_and_then_nothing(publisher: LayerPublisher, valkey: ValkeyServer) -> None:
    assert published_again(publisher)
    valkey.pause()
    for _ in range(1000):
        with pytest.raises(BusUnavailable):
            publisher.publish_many([("conv.1", MESSAGE)])
    valkey.resume()
    wait_until(lambda: published_again(publisher))


def test_ringing_never_raises(publisher: LayerPublisher, valkey: ValkeyServer) -> None:
    valkey.pause()
    publisher.ring()
    publisher.ring()
    valkey.resume()
    valkey.kill()
    publisher.ring()
    LayerPublisher("redis://nowhere.invalid:1/0").ring()


def test_one_message_that_redis_will_not_take_does_not_stop_the_others(hear: Callable, valkey: ValkeyServer) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("proto-max-bulk-len", 1024 * 1024)
    heard, publisher = hear(group_channel("conv.1")), LayerPublisher(valkey.url, seconds=2)
    huge = wire.encode({"type": "x", "body": b"x" * 2_000_000})
    first, second, third = publisher.publish_many([("conv.1", MESSAGE), ("conv.1", huge), ("conv.1", MESSAGE)])
    assert (first, third) == (None, None)
    assert second is not None
    assert wire.decode(heard()) == MESSAGE
    publisher.close()


def test_threads_share_a_publisher(publisher: LayerPublisher, hear: Callable) -> None:
    heard = hear(group_channel("conv.1"))
    threads = [threading.Thread(target=published_again, args=[publisher]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [wire.decode(heard()) for _ in threads] == [MESSAGE] * 8


def test_a_process_has_one_publisher_per_redis(redis_url: str) -> None:
    assert publisher_for(redis_url) is publisher_for(redis_url)
