"""`uvicorn --http gateway_service.front.uvicorn:Front --lifespan on gateway_service.asgi:application`.

Each connection is received here; our WebSockets stay with us, and anything else is left to uvicorn's own HTTP.

At SIGTERM uvicorn closes its listening socket at once: who is in the kernel's queue just then is cut off, as with any
application under it. Behind Daphne they are let in first.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast
from weakref import WeakKeyDictionary

from uvicorn.config import Config
from uvicorn.protocols.http.auto import AutoHTTPProtocol
from uvicorn.server import ServerState

from gateway_service.front.lobby import Lobby
from gateway_service.front.on_asyncio import AsyncioReception
from gateway_service.realtime.draining import drain
from gateway_service.realtime.runtime import get_gateway

_lobbies: WeakKeyDictionary[ServerState, Lobby] = WeakKeyDictionary()


class Front(AsyncioReception):
    """What uvicorn makes for each connection in the place of its own HTTP protocol."""

    __slots__ = ("_own",)

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """As uvicorn calls it."""
        super().__init__(_lobby(config, server_state))
        self._own = {"config": config, "server_state": server_state, "app_state": app_state, "_loop": _loop}

    def _hand_over(self, data: bytes) -> None:
        http = AutoHTTPProtocol(**self._own)
        self._transport.set_protocol(http)
        http.connection_made(self._transport)
        http.data_received(data)


class Farewell:
    """Among uvicorn's connections it stands for all of our sockets: at the end it is asked to go, and waited for."""

    def __init__(self, lobby: Lobby, server_state: ServerState) -> None:
        self._lobby = lobby
        self._connections = cast("set[Any]", server_state.connections)
        self._connections.add(self)

    def shutdown(self) -> None:
        """Send everybody away gently; uvicorn takes no more connections by now."""
        self._lobby.start(self._leave())

    async def _leave(self) -> None:
        try:
            await drain(self._lobby.gateway())
        finally:
            self._connections.discard(self)


def _lobby(config: Config, server_state: ServerState) -> Lobby:
    """The one of this server; made with its first connection, when the loop runs and the gateway is started."""
    lobby = _lobbies.get(server_state)
    if lobby is None:
        lobby = _lobbies[server_state] = Lobby(config.loaded_app, get_gateway, root_path=config.root_path)
        lobby.begin(asyncio.get_running_loop())
        Farewell(lobby, server_state)
    return lobby
