"""Publishing from outside of the measured server: the same events, each in the wire format of who is to deliver them.

Knows the formats, not when to publish; see `saturating` and `pacing`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgpack
import redis

from chatire_shared.bus.groups import conversation_group
from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.contracts import envelopes

FRAME_BYTES = 320
_ACTOR = "01936b4e-7c1a-7000-8000-0123456789ab"


@dataclass(frozen=True, slots=True)
class Message:
    """One message that is to be published.

    Attributes:
        room: Index of its room.
        number: Its own number, which the load generator finds in the body.
        at_us: When it was due, `time.monotonic_ns() // 1000`.
    """

    room: int
    number: int
    at_us: int


class Publisher(Protocol):
    """Brings messages to the server that is measured."""

    def publish(self, messages: Sequence[Message]) -> None:
        """Publish some, in order."""

    def close(self) -> None:
        """Let go of connections."""


def event_text(conversation: str, seq: int, message: Message, frame_bytes: int = FRAME_BYTES) -> str:
    """An event of exactly so many bytes (or a few more, when they do not suffice): what every server delivers."""
    head = (
        f'{{"type":"event","conversation":"{conversation}","seq":{seq},"kind":"message.created",'
        f'"at":"2026-11-23T12:00:00.000000Z","actor":"{_ACTOR}","data":{{"body":"n^{message.number}={message.at_us}^ '
    )
    return head + "x" * (frame_bytes - len(head) - 3) + '"}}'


class Counting:
    """Numbers the messages of each room from its newest on."""

    def __init__(self, rooms: Sequence[str], newest: Sequence[int] = ()) -> None:
        self._rooms = rooms
        self._seqs = list(newest or [0] * len(rooms))

    def next(self, message: Message) -> tuple[str, int, str]:
        """Room, `seq` and text."""
        self._seqs[message.room] += 1
        room, seq = self._rooms[message.room], self._seqs[message.room]
        return room, seq, event_text(room, seq, message)


class ToChatire:
    """Through the relay's own publisher, in the channel layer's wire format."""

    def __init__(self, redis_url: str, rooms: Counting, epochs: dict[str, str]) -> None:
        self._publisher = LayerPublisher(redis_url, seconds=5.0)
        self._rooms = rooms
        self._epochs = epochs

    def publish(self, messages: Sequence[Message]) -> None:
        """In one round trip, as the relay does."""
        self._publisher.publish_many([self._item(message) for message in messages])

    def _item(self, message: Message) -> tuple[str, dict[str, Any]]:
        room, seq, text = self._rooms.next(message)
        envelope = envelopes.event(
            kind="message.created",
            conversation=room,
            seq=seq,
            epoch=self._epochs[room],
            at_us=0,
            body=text.encode(),
        )
        return conversation_group(room), envelope

    def close(self) -> None:
        """Let go of connections."""
        self._publisher.close()


Encode = Callable[[str, int, str], tuple[str, bytes | str]]


class ToRedis:
    """PUBLISH in pipelines, in the format that `encode` makes of room, `seq` and text."""

    def __init__(self, redis_url: str, rooms: Counting, encode: Encode) -> None:
        self._redis = redis.Redis.from_url(redis_url, protocol=2)
        self._rooms = rooms
        self._encode = encode

    def publish(self, messages: Sequence[Message]) -> None:
        """In one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for message in messages:
            channel, data = self._encode(*self._rooms.next(message))
            pipeline.publish(channel, data)
        pipeline.execute()

    def close(self) -> None:
        """Let go of connections."""
        self._redis.close()


def for_ws(room: str, _seq: int, text: str) -> tuple[str, bytes | str]:
    """What peers/node/ws.js subscribes to."""
    return f"room:{room}", text


def for_socketio(room: str, _seq: int, text: str) -> tuple[str, bytes | str]:
    """The Redis adapter's own format, as @socket.io/redis-emitter writes it."""
    packet = {"type": 2, "data": ["message", json.loads(text)], "nsp": "/"}
    options = {"rooms": [room], "except": [], "flags": {}}
    return f"socket.io#/#{room}#", bytes(msgpack.packb(["emitter", packet, options]))


def for_python_socketio(room: str, _seq: int, text: str) -> tuple[str, bytes | str]:
    """The Redis manager's own format."""
    emit = {
        "method": "emit",
        "event": "message",
        "binary": False,
        "data": json.loads(text),
        "namespace": "/",
        "room": room,
        "skip_sid": None,
        "callback": None,
        "host_id": "bench",
    }
    return "socketio", json.dumps(emit)


class ToChannels:
    """`group_send` of a stock channel layer, from an event loop of its own."""

    def __init__(self, layer: Any, rooms: Counting) -> None:
        self._layer = layer
        self._rooms = rooms
        self._loop = asyncio.new_event_loop()

    def publish(self, messages: Sequence[Message]) -> None:
        """One after the other: the layer has no way to send several."""
        self._loop.run_until_complete(self._send(messages))

    async def _send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            room, _seq, text = self._rooms.next(message)
            fields = json.loads(text)
            del fields["type"]
            await self._layer.group_send(f"chat_{room}", {"type": "chat.message", "message": fields})

    def close(self) -> None:
        """Let go of connections."""
        self._loop.run_until_complete(self._let_go())
        self._loop.close()

    async def _let_go(self) -> None:
        # Asked inside of the loop: the pub/sub layer has a different self for each loop.
        await self._layer.flush()
        if hasattr(self._layer, "close_pools"):
            await self._layer.close_pools()
