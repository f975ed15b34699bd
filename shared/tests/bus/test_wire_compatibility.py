"""Whatever publishes, whatever listens: stock layer, our layer, our bus and our publisher understand each other."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
from waiting import eventually

from chatire_shared.bus.channel_layer import ConfirmedPubSubChannelLayer
from chatire_shared.bus.publisher import LayerPublisher

MESSAGE = {"type": "chatire.event", "v": 1, "seq": 7, "body": b"{}", "title": "Grüße"}
LAYERS = [RedisPubSubChannelLayer, ConfirmedPubSubChannelLayer]


async def confirmed(redis_url: str, group: str) -> None:
    """Wait until Redis counts a subscriber: the stock layer does not wait for that itself."""
    client = redis.Redis.from_url(redis_url)
    await eventually(lambda: client.pubsub_numsub(f"chatire__group__{group}")[0][1] > 0)
    client.close()


async def join(layer: Any, redis_url: str, group: str) -> str:
    channel: str = await layer.new_channel()
    await layer.group_add(group, channel)
    await confirmed(redis_url, group)
    return channel


@pytest.mark.parametrize("listener", LAYERS)
async def test_a_consumer_hears_the_publisher(redis_url: str, layer_of: Callable[..., Any], listener: type) -> None:
    layer = layer_of(redis_url, listener)
    channel = await join(layer, redis_url, "conv.p")
    publisher = LayerPublisher(redis_url)
    assert publisher.publish_many([("conv.p", MESSAGE)]) == [None]
    assert await layer.receive(channel) == MESSAGE
    publisher.close()


@pytest.mark.parametrize("listener", LAYERS)
@pytest.mark.parametrize("sender", LAYERS)
async def test_a_consumer_hears_a_layers_group_send(
    redis_url: str, layer_of: Callable[..., Any], listener: type, sender: type
) -> None:
    here, there = layer_of(redis_url, listener), layer_of(redis_url, sender)
    channel = await join(here, redis_url, "conv.g")
    await there.group_send("conv.g", MESSAGE)
    assert await here.receive(channel) == MESSAGE


@pytest.mark.parametrize("listener", LAYERS)
@pytest.mark.parametrize("sender", LAYERS)
async def test_a_consumer_hears_what_is_sent_to_its_own_channel(
    redis_url: str, layer_of: Callable[..., Any], listener: type, sender: type
) -> None:
    here, there = layer_of(redis_url, listener), layer_of(redis_url, sender)
    channel = await join(here, redis_url, "conv.s")  # Only to know that the connection is up.
    await there.send(channel, MESSAGE)
    assert await here.receive(channel) == MESSAGE


async def test_the_bus_hears_a_stock_layer_and_is_heard_by_it(
    redis_url: str, layer_of: Callable[..., Any], listen: Callable[..., Any]
) -> None:
    stock, ear = layer_of(redis_url, RedisPubSubChannelLayer), await listen(redis_url)
    channel = await join(stock, redis_url, "conv.b")
    await ear.bus.subscribe(["conv.b"])
    await stock.group_send("conv.b", {"type": "test", "n": 1})
    await ear.bus.publish("conv.b", {"type": "test", "n": 2})
    assert [(await stock.receive(channel))["n"] for _ in range(2)] == [1, 2]
    await eventually(lambda: ear.numbers == [1, 2])


async def test_the_bus_and_a_consumer_share_one_layer_without_cutting_each_other_off(
    redis_url: str, layer_of: Callable[..., Any]
) -> None:
    layer, heard = layer_of(redis_url, linger=0.0), []
    channel = await join(layer, redis_url, "conv.x")
    layer.set_receiver(heard.append)
    await layer.receive_groups(["conv.x"])
    await layer.group_discard("conv.x", channel)
    await layer.group_send("conv.x", MESSAGE)
    await eventually(lambda: heard == [MESSAGE])
    await layer.group_add("conv.x", channel)
    layer.discard_groups(["conv.x"])
    await layer.group_send("conv.x", MESSAGE)
    assert await layer.receive(channel) == MESSAGE
    assert heard == [MESSAGE]


async def test_a_django_project_can_name_the_layer_in_its_settings(redis_url: str) -> None:
    from channels.layers import ChannelLayerManager
    from django.test import override_settings

    backend = "chatire_shared.bus.channel_layer.ConfirmedPubSubChannelLayer"
    settings = {"default": {"BACKEND": backend, "CONFIG": {"hosts": [redis_url], "prefix": "chatire"}}}
    with override_settings(CHANNEL_LAYERS=settings):
        layer = ChannelLayerManager()["default"]
        channel = await layer.new_channel()
        await layer.send(channel, MESSAGE)
        assert await layer.receive(channel) == MESSAGE
        await layer.flush()
