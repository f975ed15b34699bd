"""A Channels layer in the wire format of `channels_redis.pubsub` that knows whether it is subscribed.

Usable wherever the stock one is:

    CHANNEL_LAYERS = {"default": {
        "BACKEND": "chatire_shared.bus.channel_layer.ConfirmedPubSubChannelLayer",
        "CONFIG": {"hosts": [redis_url], "prefix": "chatire"},
    }}
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from channels_redis.utils import _wrap_close

from chatire_shared.bus.groups import PREFIX
from chatire_shared.bus.loop_layer import ConfirmedLoopLayer
from chatire_shared.bus.port import OnMessage, OnState


class ConfirmedPubSubChannelLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """The layer object that Django settings name; the work is done per event loop, as in the stock one.

    What differs from the stock layer: `group_add` and `new_channel` return when Redis has confirmed the subscription;
    `on_disconnect` and `on_reconnect` are called (channels_redis#406), everything is re-subscribed within milliseconds
    (#256); a hung Redis is noticed; publishing does not queue behind subscribing. Not changed: a stock consumer's queue
    has no bound (#276); a hub uses `set_receiver` instead.
    """

    def _get_layer(self) -> ConfirmedLoopLayer:
        loop = asyncio.get_running_loop()
        layer: ConfirmedLoopLayer | None = self._layers.get(loop)
        if layer is None:
            layer = ConfirmedLoopLayer(*self._args, channel_layer=self, **self._kwargs)
            self._layers[loop] = layer
            _wrap_close(self, loop)
        return layer


class LayerBus:
    """`port.Bus` on the layer: one subscription per group and process, whatever the number of sockets."""

    def __init__(self, layer: ConfirmedPubSubChannelLayer) -> None:
        """Use `layer`, and be the only one who sets its receiver."""
        self._layer = layer
        self._on_loop: ConfirmedLoopLayer | None = None

    @classmethod
    def at(cls, redis_url: str, *, prefix: str = PREFIX, **timing: float) -> LayerBus:
        """A bus on the Redis at `redis_url`; `timing` are fields of `subscriber.Timing`."""
        return cls(ConfirmedPubSubChannelLayer(hosts=[redis_url], prefix=prefix, **timing))

    @property
    def connected(self) -> bool:
        """See `Bus.connected`."""
        return self._on_loop is not None and self._on_loop.connected

    async def start(self, on_message: OnMessage, on_state: OnState) -> None:
        """See `Bus.start`."""
        self._on_loop = self._layer._get_layer()  # noqa: SLF001 (it is our own)
        self._on_loop.set_receiver(on_message, on_state)
        self._on_loop.open()

    async def subscribe(self, groups: Iterable[str]) -> None:
        """See `Bus.subscribe`."""
        await self._started().receive_groups(groups)

    async def unsubscribe(self, groups: Iterable[str]) -> None:
        """See `Bus.unsubscribe`."""
        self._started().discard_groups(groups)

    async def publish(self, group: str, message: Mapping[str, Any]) -> None:
        """See `Bus.publish`."""
        await self._started().group_send(group, message)

    async def stop(self) -> None:
        """See `Bus.stop`."""
        if self._on_loop is not None:
            on_loop, self._on_loop = self._on_loop, None
            on_loop.set_receiver(None)
            await on_loop.flush()

    def _started(self) -> ConfirmedLoopLayer:
        if self._on_loop is None:
            raise RuntimeError("Start the bus first.")
        return self._on_loop
