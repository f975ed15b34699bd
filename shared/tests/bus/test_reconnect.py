"""The bus when Redis dies, hangs, forgets or refuses."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis
import uvloop
from waiting import eventually

from chatire_shared.bus.channel_layer import LayerBus
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.testing.servers import ValkeyServer


def number(n: int) -> dict[str, object]:
    return {"type": "test", "n": n}


async def publish_until_taken(bus: LayerBus, group: str, n: int) -> None:
    """Publish past what is left of the breaker's pause."""
    while True:
        try:
            return await bus.publish(group, number(n))
        except BusUnavailable:
            await asyncio.sleep(0.02)


async def test_everything_is_subscribed_again_after_a_crash(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    ear = await listen(valkey.url)
    await ear.bus.subscribe([f"conv.{n}" for n in range(1500)])
    for _ in range(3):
        valkey.kill()
        await eventually(lambda: not ear.bus.connected)
        valkey.start()
        await eventually(lambda: ear.bus.connected)
    await publish_until_taken(ear.bus, "conv.1499", 1)
    await eventually(lambda: ear.numbers == [1])
    assert ear.states == [True, False, True, False, True, False, True]


async def test_what_is_wanted_during_an_outage_is_subscribed_after_it(
    valkey: ValkeyServer, listen: Callable[..., Any]
) -> None:
    ear = await listen(valkey.url, subscribe=0.05)
    await ear.bus.subscribe(["conv.1"])
    valkey.kill()
    await eventually(lambda: not ear.bus.connected)
    with pytest.raises(BusUnavailable):
        await ear.bus.subscribe(["conv.2"])
    with pytest.raises(BusUnavailable):
        await ear.bus.publish("conv.2", number(0))
    await ear.bus.unsubscribe(["conv.1"])
    valkey.start()
    await eventually(lambda: ear.bus.connected)
    await publish_until_taken(ear.bus, "conv.1", 1)
    await ear.bus.publish("conv.2", number(2))
    await eventually(lambda: ear.numbers == [2])


async def test_a_bus_starts_before_its_redis(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    valkey.stop()
    ear = await listen(valkey.url)
    waiting = asyncio.create_task(ear.bus.subscribe(["conv.1"]))
    valkey.start()
    await waiting
    await eventually(lambda: ear.states == [True])
    await publish_until_taken(ear.bus, "conv.1", 1)
    await eventually(lambda: ear.numbers == [1])


async def test_a_hung_redis_is_noticed_and_its_return_too(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    ear = await listen(valkey.url, idle=0.1, hung=0.2)
    await ear.bus.subscribe(["conv.1"])
    valkey.pause()
    with pytest.raises(BusUnavailable):
        await ear.bus.publish("conv.1", number(0))
    await eventually(lambda: ear.states == [True, False])
    valkey.resume()
    await eventually(lambda: ear.bus.connected)
    await publish_until_taken(ear.bus, "conv.1", 1)
    await eventually(lambda: 1 in ear.numbers)


async def test_a_quiet_connection_is_not_taken_for_a_hung_one(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    ear = await listen(valkey.url, idle=0.01, hung=0.02)
    await ear.bus.subscribe(["conv.1"])
    with redis.Redis.from_url(valkey.url) as client:
        await eventually(lambda: client.info("commandstats").get("cmdstat_ping", {}).get("calls", 0) >= 4)
    assert ear.states == [True]


async def test_killed_subscriber_connections_are_replaced(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    ear = await listen(valkey.url)
    await ear.bus.subscribe(["conv.1"])
    with redis.Redis.from_url(valkey.url) as client:
        assert client.client_kill_filter(_type="pubsub") == 1
    await eventually(lambda: ear.states == [True, False, True])
    await ear.bus.publish("conv.1", number(1))
    await eventually(lambda: ear.numbers == [1])


async def test_flushing_redis_changes_nothing(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    ear = await listen(valkey.url)
    await ear.bus.subscribe(["conv.1"])
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        client.script_flush()
    await ear.bus.publish("conv.1", number(1))
    await eventually(lambda: ear.numbers == [1])
    assert ear.states == [True]


async def test_a_subscriber_that_redis_cuts_for_slowness_comes_back(
    valkey: ValkeyServer, listen: Callable[..., Any]
) -> None:
    ear = await listen(valkey.url)
    await ear.bus.subscribe(["conv.1"])
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("client-output-buffer-limit", "pubsub 16kb 8kb 1")
        client.publish("chatire__group__conv.1", b"x" * 8_000_000)
        client.config_set("client-output-buffer-limit", "pubsub 32mb 8mb 60")
    await eventually(lambda: ear.states == [True, False, True])
    await ear.bus.publish("conv.1", number(1))
    await eventually(lambda: ear.numbers == [1])


async def test_stock_consumers_are_told_of_loss_and_return(valkey: ValkeyServer, layer_of: Callable[..., Any]) -> None:
    layer = layer_of(valkey.url, on_disconnect="redis.disconnect", on_reconnect="redis.reconnect")
    channel = await layer.new_channel()
    await layer.group_add("conv.1", channel)
    valkey.kill()
    assert await layer.receive(channel) == {"type": "redis.disconnect"}
    valkey.start()
    assert await layer.receive(channel) == {"type": "redis.reconnect"}
    await layer.group_send("conv.1", number(1))
    assert await layer.receive(channel) == number(1)


async def test_a_password_is_used_and_a_wrong_one_is_like_no_redis(listen: Callable[..., Any]) -> None:
    server = ValkeyServer("--requirepass", "s3cret")
    server.start()
    try:
        right = await listen(server.url.replace("redis://", "redis://:s3cret@"))
        await right.bus.subscribe(["conv.1"])
        await right.bus.publish("conv.1", number(1))
        await eventually(lambda: right.numbers == [1])
        wrong = await listen(server.url.replace("redis://", "redis://:wrong@"), subscribe=0.2)
        with pytest.raises(BusUnavailable):
            await wrong.bus.subscribe(["conv.1"])
        with pytest.raises(BusUnavailable):
            await wrong.bus.publish("conv.1", number(1))
    finally:
        server.destroy()


def test_the_bus_works_and_comes_back_on_uvloop_too(valkey: ValkeyServer) -> None:
    heard: list[dict[str, Any]] = []

    async def journey() -> None:
        bus = LayerBus.at(valkey.url)
        await bus.start(heard.append, lambda _: None)
        await bus.subscribe(["conv.1"])
        await bus.publish("conv.1", number(1))
        await eventually(lambda: len(heard) == 1)
        valkey.kill()
        await eventually(lambda: not bus.connected)
        valkey.start()
        await eventually(lambda: bus.connected)
        await publish_until_taken(bus, "conv.1", 2)
        await eventually(lambda: [message["n"] for message in heard] == [1, 2])
        await bus.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(journey())


async def test_a_redis_on_a_unix_socket_is_found(tmp_path: Path, listen: Callable[..., Any]) -> None:
    path = tmp_path / "redis.sock"
    server = ValkeyServer("--unixsocket", str(path))
    server.start()
    try:
        ear = await listen(f"unix://{path}")
        await ear.bus.subscribe(["conv.1"])
        await ear.bus.publish("conv.1", number(1))
        await eventually(lambda: ear.numbers == [1])
    finally:
        server.destroy()


async def test_publishing_does_not_wait_for_a_subscription(valkey: ValkeyServer, listen: Callable[..., Any]) -> None:
    ear = await listen(valkey.url, subscribe=20.0)
    await ear.bus.subscribe(["conv.1"])
    with redis.Redis.from_url(valkey.url) as client:
        client.execute_command("ACL", "SETUSER", "default", "-subscribe")
        waiting = asyncio.create_task(ear.bus.subscribe(["conv.2"]))
        await eventually(lambda: False in ear.states)
        await ear.bus.publish("conv.1", number(1))
        assert not waiting.done()
        client.execute_command("ACL", "SETUSER", "default", "+subscribe")
    await waiting
