"""The Channels consumer: thin. It accepts, hands each frame on, and cleans up, whatever happens."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from uuid import uuid4

from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from chatire_shared.contracts import close_codes
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.frames_in import received
from gateway_service.realtime.gateway import MAX_OUTSTANDING_SENDS
from gateway_service.realtime.handshake import Handshake, read_handshake
from gateway_service.realtime.metrics import CONNECTION_LOST
from gateway_service.realtime.protocol import SUBPROTOCOL
from gateway_service.realtime.runtime import get_gateway
from gateway_service.realtime.session import Phase, Session
from gateway_service.realtime.transport import AsgiTransport
from gateway_service.realtime.uplink import FULL_PAUSE_SECONDS

_BREATH_SECONDS = 0.02
"""When not this socket but all together have too much waiting: thousands may be looking at the same time."""


class GatewayConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """One socket.

    It has no channel layer of its own: the process subscribes once per conversation. An alias that doesn't exist keeps
    Channels from making a private channel, and from a SUBSCRIBE, for each socket.
    """

    channel_layer_alias = "none"
    connection: Connection | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the socket to its end; cleaning up doesn't depend on a `disconnect` event arriving."""
        try:
            if "chatire.front" in scope:
                await self._let_in(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)
        finally:
            self._clean_up({})

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Handle one ASGI event, without the thread hop to the database that Channels makes for each (+210 µs)."""
        kind = message["type"]
        if kind == "websocket.receive":
            await self._receive(message)
        elif kind == "websocket.connect":
            await self._connect()
        elif kind == "websocket.disconnect":
            self._clean_up(message)
            raise StopConsumer

    async def _connect(self) -> None:
        gateway = get_gateway()
        facts = read_handshake(self.scope, trusted=settings.TRUSTED_PROXIES, allowed_origins=settings.SOCKET_ORIGINS)
        await self.send_accept(facts)
        transport = self.scope.get("chatire.transport") or AsgiTransport(self.base_send)
        session = Session(time.monotonic(), header_token=facts.token, limits=gateway.limits)
        self.connection = Connection(
            str(uuid4()), facts.address, session, transport, gateway.on_closed, gateway.backlog
        )
        gateway.entered(self.connection)
        refusal = _refusal(facts)
        if refusal is not None:
            gateway.metrics.handshakes["refused"] += 1
            self.connection.close(*refusal)

    async def _let_in(self, scope: Any, receive: Any, send: Any) -> None:
        """Handshake and `auth`; then the slim front keeps the socket, and this consumer, its task and its scope go."""
        self.scope, self.base_send = scope, send
        await receive()
        await self._connect()
        connection = self.connection
        while connection is not None and connection.is_open:
            if connection.session.phase is Phase.OPEN:
                scope["chatire.front"].keep(get_gateway(), connection)
                self.connection = None
                return
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self._clean_up(message)
                return
            await received(get_gateway(), connection, message.get("text"))

    async def send_accept(self, facts: Handshake) -> None:
        """Accept, with our subprotocol if it was offered: browsers see a refused handshake as nothing but a failure."""
        await self.base_send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL if facts.speaks else None})

    async def _receive(self, message: dict[str, Any]) -> None:
        connection = self.connection
        if connection is None:
            return
        gateway = get_gateway()
        await received(gateway, connection, message.get("text"))
        # What the server has read already waits in its queue; nothing is refused, it is just taken more slowly.
        while connection.is_open and connection.outstanding >= MAX_OUTSTANDING_SENDS:  # noqa: ASYNC110 (an event per idle socket would cost more)
            await asyncio.sleep(_BREATH_SECONDS)
        while connection.is_open and connection.outstanding and gateway.uplink.is_full:  # noqa: ASYNC110
            await asyncio.sleep(FULL_PAUSE_SECONDS)

    def _clean_up(self, end: dict[str, Any]) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            code = end.get("code") or CONNECTION_LOST
            get_gateway().left(connection, code, by_us=end.get("chatire.by_us", False))


def _refusal(facts: Handshake) -> tuple[int, str] | None:
    if not facts.speaks:
        return close_codes.MALFORMED, "offer the subprotocol chatire.v1"
    if not facts.origin_allowed:
        return close_codes.FORBIDDEN_ORIGIN, "this page's origin is not allowed"
    return None
