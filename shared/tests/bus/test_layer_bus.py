"""The bus on Redis while all is well."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import redis
from waiting import eventually

from chatire_shared.bus.channel_layer import LayerBus
from chatire_shared.bus.groups import group_channel
from chatire_shared.bus.publisher import LayerPublisher


def subscribers(redis_url: str, group: str) -> int:
    with redis.Redis.from_url(redis_url) as client:
        return int(client.pubsub_numsub(group_channel(group))[0][1])


def number(n: int) -> dict[str, object]:
    return {"type": "test", "n": n}


async def test_what_is_published_right_after_subscribe_always_arrives(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear, publisher = await listen(redis_url), LayerPublisher(redis_url)
    for n in range(500):
        await ear.bus.subscribe([f"conv.{n}"])
        publisher.publish_many([(f"conv.{n}", number(n))])
    await eventually(lambda: ear.numbers == list(range(500)))
    publisher.close()


async def test_messages_of_a_group_arrive_in_the_order_of_publishing(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear, publisher = await listen(redis_url), LayerPublisher(redis_url)
    await ear.bus.subscribe(["conv.1"])
    for start in range(0, 5000, 500):
        publisher.publish_many([("conv.1", number(n)) for n in range(start, start + 500)])
    await eventually(lambda: ear.numbers == list(range(5000)))
    publisher.close()


async def test_publishes_of_one_task_after_the_other_keep_their_order(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear = await listen(redis_url)
    await ear.bus.subscribe(["conv.1"])
    await ear.bus.publish("conv.1", number(0))
    await asyncio.gather(*(ear.bus.publish("conv.1", number(n)) for n in range(1, 300)))
    await eventually(lambda: ear.numbers == list(range(300)))


async def test_many_groups_are_subscribed_in_one_call(redis_url: str, listen: Callable[..., Any]) -> None:
    ear = await listen(redis_url)
    groups = [f"conv.many{n}" for n in range(2000)]
    await ear.bus.subscribe(groups)
    assert all(subscribers(redis_url, group) == 1 for group in groups[::100])


async def test_nothing_arrives_after_unsubscribe_though_the_subscription_lingers(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear = await listen(redis_url)
    await ear.bus.subscribe(["conv.1", "conv.2"])
    await ear.bus.unsubscribe(["conv.1"])
    await ear.bus.publish("conv.1", number(1))
    await ear.bus.publish("conv.2", number(2))
    await eventually(lambda: ear.numbers == [2])
    assert subscribers(redis_url, "conv.1") == 1


async def test_a_group_that_nobody_wants_is_unsubscribed_after_lingering(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear = await listen(redis_url, linger=0.05)
    await ear.bus.subscribe(["conv.l1", "conv.l2"])
    await ear.bus.unsubscribe(["conv.l1"])
    await ear.bus.unsubscribe(["conv.l2"])
    await ear.bus.subscribe(["conv.l2"])
    await eventually(lambda: subscribers(redis_url, "conv.l1") == 0)
    assert subscribers(redis_url, "conv.l2") == 1


async def test_subscribing_again_right_after_unsubscribing_loses_nothing(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear = await listen(redis_url, linger=0.0)
    for n in range(200):
        await ear.bus.subscribe(["conv.1"])
        await ear.bus.publish("conv.1", number(n))
        await eventually(lambda n=n: ear.numbers[-1:] == [n])
        await ear.bus.unsubscribe(["conv.1"])
    assert ear.numbers == list(range(200))


async def test_bytes_that_are_no_message_are_counted_and_do_not_stop_the_next(
    redis_url: str, listen: Callable[..., Any]
) -> None:
    ear = await listen(redis_url)
    await ear.bus.subscribe(["conv.1"])
    with redis.Redis.from_url(redis_url) as client:
        for data in [b"\xc1", b"", b"\x81\x90\x01", b"\x07"]:
            client.publish(group_channel("conv.1"), data)
    await ear.bus.publish("conv.1", number(1))
    await eventually(lambda: ear.numbers == [1])


async def test_a_receiver_that_fails_does_not_stop_the_next_message(redis_url: str) -> None:
    heard: list[int] = []

    def fragile(message: dict[str, int]) -> None:
        heard.append(message["n"])
        raise ZeroDivisionError

    bus = LayerBus.at(redis_url)
    await bus.start(fragile, lambda _: None)
    await bus.subscribe(["conv.1"])
    await bus.publish("conv.1", number(1))
    await bus.publish("conv.1", number(2))
    await eventually(lambda: heard == [1, 2])
    await bus.stop()


async def test_a_stopped_bus_can_be_started_again(redis_url: str, listen: Callable[..., Any]) -> None:
    ear = await listen(redis_url)
    await ear.bus.subscribe(["conv.1"])
    await ear.bus.stop()
    assert not ear.bus.connected
    await ear.bus.start(ear.messages.append, ear.states.append)
    await ear.bus.subscribe(["conv.2"])
    await ear.bus.publish("conv.1", number(1))
    await ear.bus.publish("conv.2", number(2))
    await eventually(lambda: ear.numbers == [2])


async def test_an_unstarted_bus_says_so(redis_url: str) -> None:
    with pytest.raises(RuntimeError, match="Start the bus"):
        await LayerBus.at(redis_url).subscribe(["conv.1"])
