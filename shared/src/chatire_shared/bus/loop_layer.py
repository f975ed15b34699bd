"""The part of the channel layer that belongs to one event loop: stock groups and channels over our own connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from channels_redis.pubsub import RedisPubSubLoopLayer
from channels_redis.utils import _consistent_hash, decode_hosts

from chatire_shared.bus.endpoint import Endpoint
from chatire_shared.bus.groups import PREFIX
from chatire_shared.bus.port import OnMessage, OnState
from chatire_shared.bus.sender import Sender
from chatire_shared.bus.subscriber import Subscriber, Timing

if TYPE_CHECKING:
    from chatire_shared.bus.channel_layer import ConfirmedPubSubChannelLayer

logger = logging.getLogger(__name__)

Notice = str | Callable[[], None] | None
"""What `on_disconnect` and `on_reconnect` may be: a message type for every local channel (as channels_redis documents,
and stopped sending with 4.0: channels_redis#406), or a function."""


class Shard:
    """One Redis of the layer, with the names by which the stock layer calls it."""

    def __init__(self, host: Mapping[str, Any], layer: ConfirmedLoopLayer, timing: Timing) -> None:
        endpoint = Endpoint(host)
        self.subscriber = Subscriber(endpoint, timing, deliver=layer.deliver, on_state=layer.shard_changed)
        self._sender = Sender(endpoint, timing.publish)

    async def publish(self, channel: str, message: bytes) -> None:
        """Publish; never waits for a subscription (the stock layer shares one lock for both)."""
        await self._sender.publish(channel.encode(), message)

    async def subscribe(self, channel: str) -> None:
        """Subscribe and wait for the confirmation (the stock layer returns before it is effective)."""
        await self.subscriber.subscribe([channel.encode()])

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe; a group lingers, a channel of one consumer will never be used again."""
        self.subscriber.unsubscribe([channel.encode()], linger="__group__" in channel)

    async def flush(self) -> None:
        """Close both connections; they are opened again when needed."""
        self._sender.close()
        await self.subscriber.close()


class ConfirmedLoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """The stock loop layer with other connections, and a way past its queues for a gateway's hub.

    The stock one loses messages at a reconnect without telling anybody (channels_redis#256, #406).
    """

    def __init__(
        self,
        hosts: Any = None,
        prefix: str = PREFIX,
        on_disconnect: Notice = None,
        on_reconnect: Notice = None,
        *,
        channel_layer: ConfirmedPubSubChannelLayer,
        **timing: float,
    ) -> None:
        """Prepare the shards; no connection is opened before it is needed. `timing`: fields of `Timing`."""
        super().__init__(prefix=prefix, on_disconnect=on_disconnect, on_reconnect=on_reconnect)
        self.channel_layer: ConfirmedPubSubChannelLayer = channel_layer
        self.undecodable = 0
        self._receiver: OnMessage | None = None
        self._state_listener: OnState | None = None
        self._receiver_channels: set[bytes] = set()
        self._was_connected = False
        self._ever_connected = False
        self._shards = [Shard(host, self, Timing(**timing)) for host in decode_hosts(hosts)]

    @property
    def connected(self) -> bool:
        """Whether every shard has everything that is wanted of it subscribed."""
        return all(shard.subscriber.connected for shard in self._shards)

    def open(self) -> None:
        """Begin to connect, before anything is subscribed."""
        for shard in self._shards:
            shard.subscriber.open()

    def set_receiver(self, receiver: OnMessage | None, on_state: OnState | None = None) -> None:
        """Have the messages of `receive_groups` handed to a function, decoded, in the turn in which they arrive.

        Args:
            receiver: Takes each message; None ends it.
            on_state: Takes False at each loss of a connection, True when all is subscribed (again).
        """
        self._receiver, self._state_listener = receiver, on_state

    async def receive_groups(self, groups: Iterable[str]) -> None:
        """Hand messages of `groups` to the receiver; return when confirmed.

        Raises: BusUnavailable when that takes too long; the groups stay wanted and are subscribed when Redis returns.
        """
        by_shard = self._by_shard(self._get_group_channel_name(group) for group in groups)
        for raw in by_shard.values():
            self._receiver_channels.update(raw)
        if len(by_shard) == 1:  # As nearly always; `gather` would make a task of it.
            ((shard, raw),) = by_shard.items()
            await shard.subscriber.subscribe(raw)
            return
        results = await asyncio.gather(
            *(shard.subscriber.subscribe(raw) for shard, raw in by_shard.items()), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def discard_groups(self, groups: Iterable[str]) -> None:
        """Hand nothing more of `groups` to the receiver; the subscriptions linger unless a consumer needs them."""
        channels = [self._get_group_channel_name(group) for group in groups]
        self._receiver_channels.difference_update(channel.encode() for channel in channels)
        unused = [channel for channel in channels if channel not in self.groups]
        for shard, raw in self._by_shard(unused).items():
            shard.subscriber.unsubscribe(raw, linger=True)

    async def _subscribe_to_channel(self, channel: str) -> None:
        try:
            await super()._subscribe_to_channel(channel)
        except BaseException:  # Nobody will learn the name of this channel, so nobody could ever discard it.
            self.channels.pop(channel, None)
            await self._get_shard(channel).unsubscribe(channel)
            raise

    async def group_discard(self, group: str, channel: str) -> None:
        """As the stock one, but a group that the receiver wants stays subscribed."""
        group_channel = self._get_group_channel_name(group)
        members = self.groups.get(group_channel, set())
        if channel not in members:
            return
        members.remove(channel)
        if not members:
            del self.groups[group_channel]
            if group_channel.encode() not in self._receiver_channels:
                await self._get_shard(group_channel).unsubscribe(group_channel)

    async def flush(self) -> None:
        """Forget every channel and group and close the connections; the layer can be used again."""
        self._receiver_channels.clear()
        self._was_connected = self._ever_connected = False
        await super().flush()

    def deliver(self, channel: bytes, data: bytes) -> None:
        """Take a message from a shard."""
        if channel in self._receiver_channels:
            self._hand_over(data)
        if self.channels:
            self._enqueue(channel.decode(errors="replace"), data)

    def shard_changed(self, connected: bool) -> None:  # noqa: FBT001
        """Take a shard's news, and pass on what it means for the whole layer."""
        if connected and not self.connected:
            return  # Another shard is still away.
        was, self._was_connected = self._was_connected, connected
        if was == connected:
            return
        if not connected:
            self._notify(self.on_disconnect)
        elif self._ever_connected:
            self._notify(self.on_reconnect)
        self._ever_connected = True
        if self._state_listener is not None:
            self._guarded(self._state_listener, connected)

    def _by_shard(self, channels: Iterable[str]) -> dict[Shard, list[bytes]]:
        shards: dict[Shard, list[bytes]] = {}
        for channel in channels:
            shard = self._shards[_consistent_hash(channel, len(self._shards))]
            shards.setdefault(shard, []).append(channel.encode())
        return shards

    def _hand_over(self, data: bytes) -> None:
        if self._receiver is None:
            return
        try:
            message = self.channel_layer.deserialize(data)
        except Exception:  # noqa: BLE001 (what a hostile or broken publisher can make msgpack raise has no common base)
            self.undecodable += 1
            logger.warning("A message on the channel layer can't be decoded.")
            return
        if isinstance(message, dict):
            self._guarded(self._receiver, message)

    def _enqueue(self, name: str, data: bytes) -> None:
        if name in self.channels:
            self.channels[name].put_nowait(data)
        for channel in self.groups.get(name, ()):
            if channel in self.channels:
                self.channels[channel].put_nowait(data)

    def _notify(self, notice: Notice) -> None:
        if callable(notice):
            self._guarded(notice)
        elif notice is not None:
            data = self.channel_layer.serialize({"type": notice})
            for queue in self.channels.values():
                queue.put_nowait(data)

    @staticmethod
    def _guarded(function: Callable[..., None], *args: Any) -> None:
        """Call back without letting an error of the callee end the reader, and with it all delivery."""
        try:
            function(*args)
        except Exception:
            logger.exception("A receiver of the channel layer failed.")
