"""A socket's way through the Channels application: routing, middleware, origin, `auth`. Then it stays without it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from chatire_shared.contracts import close_codes
from gateway_service.front import wire
from gateway_service.front.connection import SlimSocket
from gateway_service.front.head import Upgrade, refusal, switching
from gateway_service.front.lobby import Lobby
from gateway_service.front.resident import Resident
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.gateway import Gateway

logger = logging.getLogger("chatire.gateway")

Message = dict[str, Any]


class Visit:
    """The ASGI side of one socket, for as long as the application wants it."""

    def __init__(self, lobby: Lobby, socket: SlimSocket) -> None:
        self._lobby = lobby
        self._socket = socket
        self._key = b""
        self._is_connected = False
        self._is_accepted = False
        self._end: Message | None = None
        self._waiting: asyncio.Future[None] | None = None

    def begin(self, upgrade: Upgrade) -> None:
        """Run the application on this request."""
        self._key = upgrade.key
        self._socket.taken_by(self)
        self._lobby.start(self._run(self._lobby.application(self._scope(upgrade), self._receive, self._send)))

    def keep(self, gateway: Gateway, connection: Connection) -> None:
        """The application is done: from now on frames go straight to the gateway (`scope["chatire.front"]`)."""
        if self._end is not None:
            gateway.left(connection, self._end["code"], by_us=self._end["chatire.by_us"])
            return
        self._socket.taken_by(Resident(self._lobby, self._socket, gateway, connection))

    # As the socket's taker

    def ready(self) -> None:
        """Wake the application, if it waits."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def gone(self, code: int, *, by_us: bool) -> None:
        """Tell the application that nobody is there."""
        self._end = {"type": "websocket.disconnect", "code": code, "chatire.by_us": by_us}
        self.ready()

    # As the application's server

    def _scope(self, upgrade: Upgrade) -> Message:
        client, server = self._socket.addresses()
        return {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": unquote(upgrade.path.decode("ascii")),
            "raw_path": upgrade.path,
            "root_path": self._lobby.root_path,
            "query_string": upgrade.query,
            "headers": upgrade.headers,
            "client": client,
            "server": server,
            "subprotocols": upgrade.subprotocols(),
            "chatire.transport": self._socket,
            "chatire.front": self,
        }

    async def _run(self, application: Coroutine[Any, Any, None]) -> None:
        try:
            await application
        except Exception:
            logger.exception("the application failed on a handshake")
            if self._is_accepted:
                self._socket.close(close_codes.INTERNAL_ERROR, "")
        finally:
            if not self._is_accepted:
                self._socket.refuse(refusal(HTTPStatus.INTERNAL_SERVER_ERROR))

    async def _receive(self) -> Message:
        if not self._is_connected:
            self._is_connected = True
            return {"type": "websocket.connect"}
        while True:
            if self._end is not None:
                return self._end
            item = self._socket.take()
            if item is None:
                await self._until_ready()
            elif item[0] == wire.TEXT:
                return {"type": "websocket.receive", "text": item[1]}
            elif item[0] == wire.BINARY:
                return {"type": "websocket.receive", "bytes": item[1]}

    async def _until_ready(self) -> None:
        """Wait, unless it was the end that taking has just come upon (a broken frame): nobody would wake us again."""
        if self._end is None:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "websocket.accept":
            self._is_accepted = True
            self._socket.open(switching(self._key, message.get("subprotocol"), message.get("headers")))
        elif kind == "websocket.close" and not self._is_accepted:
            self._is_accepted = True
            self._socket.refuse(refusal(HTTPStatus.FORBIDDEN))
        elif kind == "websocket.close":
            self._socket.close(message.get("code") or wire.NORMAL, message.get("reason") or "")
        elif kind == "websocket.send":
            text = message.get("text")
            opcode = wire.BINARY if text is None else wire.TEXT
            self._socket.send(opcode, message["bytes"] if text is None else text.encode())
