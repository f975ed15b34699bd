"""One connection of the load generator in Python."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import websockets
from websockets.asyncio.client import ClientConnection

from chatire_bench.seen_in_python import Order, Seen, now_us

_ID = re.compile(r'"id": ?"[0-9a-f-]{24}([0-9a-f]{12})"')
_TYPE = re.compile(r'\{"type": ?"([^"]*)"')
_RETRY_SECONDS = 1.0


@dataclass
class Shared:
    """What all connections have in common."""

    protocol: str
    seen: Seen
    random: Random


class Connection:
    """One line of the list, and its socket while there is one."""

    def __init__(self, shared: Shared, line: str) -> None:
        host, port, room, path, conversation, token = ("" if word == "-" else word for word in line.split(" "))
        self.room = int(room)
        self.order = Order(shared.seen)
        self.ready = False
        self._shared = shared
        self._url = f"ws://{host}:{port}{path}"
        self.conversation, self._token = conversation, token
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self, *, resuming: bool) -> None:
        """Connect, greet, and be ready; a refusal with 503 is tried again."""
        protocols = [websockets.Subprotocol("chatire.v1")] if self._shared.protocol == "chatire" else None
        began, greeted = now_us(), asyncio.get_running_loop().create_future()
        try:
            self._socket = await websockets.connect(
                self._url, subprotocols=protocols, compression=None, ping_interval=None, max_size=None, proxy=None
            )
        except websockets.InvalidStatus as refused:
            await self._come_again(refused, resuming=resuming)
            return
        except (OSError, websockets.WebSocketException):
            self._shared.seen.count("failed")
            return
        self._reading = asyncio.create_task(self._read(self._socket, greeted))
        await self._greet(greeted, resuming=resuming)
        with suppress(ConnectionError):
            await greeted
            self.ready = True
            self._shared.seen.times["handshake"].append(now_us() - began)

    async def _come_again(self, refused: websockets.InvalidStatus, *, resuming: bool) -> None:
        if refused.response.status_code != 503:
            self._shared.seen.count("failed")
            return
        self._shared.seen.count("later")
        wait = float(refused.response.headers.get("Retry-After", _RETRY_SECONDS))
        await asyncio.sleep(wait * self._shared.random.uniform(0.5, 1.0))
        await self.open(resuming=resuming)

    async def _greet(self, greeted: asyncio.Future[None], *, resuming: bool) -> None:
        if self._shared.protocol == "plain" or (self._shared.protocol == "chatire" and not self._token):
            greeted.set_result(None)
        elif self._shared.protocol == "chatire":
            cursors = {self.conversation: self.order.last_seq} if resuming and self.order.last_seq >= 0 else None
            more = {"cursors": cursors} if cursors else {}
            await self.write(json.dumps({"type": "auth", "token": self._token, **more}))

    async def _read(self, socket: ClientConnection, greeted: asyncio.Future[None]) -> None:
        with suppress(websockets.ConnectionClosed):
            async for message in socket:
                text = message if isinstance(message, str) else message.decode()
                self._shared.seen.count("bytes", len(text))
                if self._shared.protocol == "socketio":
                    await self._socketio(text, greeted)
                else:
                    self._typed(text, greeted)
        if self.ready:
            self._shared.seen.count("closed")
        elif not greeted.done():
            self._shared.seen.count("failed")
            greeted.set_exception(ConnectionError())
        self.ready = False

    def _typed(self, text: str, greeted: asyncio.Future[None]) -> None:
        found = _TYPE.match(text)
        kind = found[1] if found else ""
        if kind == "event":
            self.order.event(text)
        elif kind == "events":
            self.order.bundle(text)
        elif kind in {"ack", "error"}:
            of = _ID.search(text)
            self._shared.seen.acked(int(of[1], 16) if of else -1, refused=kind == "error")
        elif kind == "ready":
            self.order.ready(text)
            if not greeted.done():
                greeted.set_result(None)

    async def _socketio(self, text: str, greeted: asyncio.Future[None]) -> None:
        if text.startswith("42"):
            self.order.event(text)
        elif text.startswith("43"):
            self._shared.seen.acked(int(text[2 : text.index("[")]))
        elif text.startswith("40") and not greeted.done():
            greeted.set_result(None)
        elif text.startswith("2"):
            await self.write("3")
        elif text.startswith("0"):
            await self.write("40")

    async def write(self, text: str) -> None:
        """Send, unless the other side is gone: reading finds that out."""
        with suppress(websockets.ConnectionClosed):
            if self._socket is not None:
                await self._socket.send(text)

    def drop(self) -> None:
        """Cut the line."""
        self.ready = False
        if self._socket is not None:
            self._socket.transport.abort()
