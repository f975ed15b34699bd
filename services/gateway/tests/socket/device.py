"""A client that hides nothing: frames as they come, close codes as they are."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import websockets

PATIENCE_SECONDS = 8


class Device:
    """One WebSocket."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.ready: dict[str, Any] = {}
        self.seen: list[dict[str, Any]] = []

    @classmethod
    async def connect(cls, url: str, *, subprotocols: tuple[str, ...] = ("chatire.v1",), **options: Any) -> Device:
        socket = await websockets.connect(
            url,
            subprotocols=list(subprotocols) or None,
            compression=None,
            ping_interval=None,
            max_size=2**24,
            **options,
        )
        return cls(socket)

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def receive(self) -> dict[str, Any]:
        text = await asyncio.wait_for(self.socket.recv(), PATIENCE_SECONDS)
        frame: dict[str, Any] = json.loads(text)
        assert next(iter(frame)) == "type"
        self.seen.append(frame)
        return frame

    async def gets(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The next frame of a kind with these fields; others on the way are kept in `seen`."""
        while True:
            frame = await self.receive()
            if frame["type"] == kind and fields.items() <= frame.items():
                return frame

    async def hears(self, count: int) -> list[dict[str, Any]]:
        """The next `count` events, from whatever frames they come in."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            frame = await self.receive()
            events += [frame] if frame["type"] == "event" else frame.get("events", [])
        return events

    async def code(self) -> int:
        """The close code; what comes before it is kept in `seen`."""
        try:
            while True:
                await self.receive()
        except websockets.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    async def close(self) -> None:
        await self.socket.close()
