"""Buses and servers for the bus tests."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from chatire_shared.bus.channel_layer import ConfirmedPubSubChannelLayer, LayerBus
from chatire_shared.testing.servers import ValkeyServer, ensure_redis


class Ear:
    """A started bus with what it has heard."""

    def __init__(self, bus: LayerBus) -> None:
        self.bus = bus
        self.messages: list[dict[str, Any]] = []
        self.states: list[bool] = []

    @property
    def numbers(self) -> list[int]:
        return [message["n"] for message in self.messages]


@pytest.fixture
def redis_url() -> str:
    """The session's Redis: not to be flushed, hung or stopped."""
    return ensure_redis()


@pytest.fixture
def valkey() -> Iterator[ValkeyServer]:
    """A server of the test's own, to be maltreated."""
    server = ValkeyServer()
    server.start()
    yield server
    server.resume()
    server.destroy()


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Awaitable[Ear]]]:
    """Starts a bus at a URL; stopped after the test."""
    ears: list[Ear] = []

    async def start(redis_url: str, **timing: float) -> Ear:
        ear = Ear(LayerBus.at(redis_url, **timing))
        await ear.bus.start(ear.messages.append, ear.states.append)
        ears.append(ear)
        return ear

    yield start
    for ear in ears:
        await ear.bus.stop()


@pytest.fixture
async def layer_of() -> AsyncIterator[Callable[..., ConfirmedPubSubChannelLayer]]:
    """Makes channel layers of ours or any other class; flushed after the test."""
    layers: list[Any] = []

    def make(redis_url: str, kind: type = ConfirmedPubSubChannelLayer, **options: Any) -> Any:
        layers.append(kind(hosts=[redis_url], prefix="chatire", **options))
        return layers[-1]

    yield make
    for layer in layers:
        await layer.flush()
