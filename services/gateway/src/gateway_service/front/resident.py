"""An open socket of the gateway: each frame goes straight to `frames_in`, without task, queue or timer."""

from __future__ import annotations

import asyncio
import logging

from chatire_shared.contracts import close_codes
from gateway_service.front import wire
from gateway_service.front.connection import SlimSocket
from gateway_service.front.lobby import Lobby
from gateway_service.realtime import frames_in
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.uplink import FULL_PAUSE_SECONDS

logger = logging.getLogger("chatire.gateway")

SLICE = 64
"""So many frames of one socket are taken before others have a turn: a read of 64 KiB may hold ten thousand."""


class Resident:
    """Takes one socket's frames in order; the few that have to wait for something run as a task, and those behind wait."""

    __slots__ = ("_connection", "_gateway", "_goes_on_later", "_lobby", "_socket", "_task")

    def __init__(self, lobby: Lobby, socket: SlimSocket, gateway: Gateway, connection: Connection) -> None:
        self._lobby = lobby
        self._socket = socket
        self._gateway = gateway
        self._connection = connection
        self._goes_on_later = False
        self._task: asyncio.Task[None] | None = None

    def ready(self) -> None:
        """Take what there is."""
        if not self._goes_on_later:
            self._take()

    def gone(self, code: int, *, by_us: bool) -> None:
        """Clean up; a task that still runs sees that the connection is closed."""
        self._gateway.left(self._connection, code, by_us=by_us)

    def _take(self) -> None:
        self._goes_on_later = self._connection.outstanding > 0 and self._gateway.uplink.is_full
        if self._goes_on_later:
            self._lobby.call_later(FULL_PAUSE_SECONDS, self._take)
            return
        for _ in range(SLICE):
            item = self._socket.take() if self._task is None else None
            if item is None:
                return
            if item[0] in (wire.TEXT, wire.BINARY):
                self._act(item[1] if item[0] == wire.TEXT else None)
        self._goes_on_later = True
        self._lobby.call_soon(self._take)

    def _act(self, text: str | None) -> None:
        try:
            more = frames_in.take(self._gateway, self._connection, text)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is logged, and costs this socket only)
            self._failed(error)
            return
        if more is not None:
            self._task = self._lobby.start(more)
            self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._failed(error)
        self.ready()

    def _failed(self, error: BaseException) -> None:
        """What should not happen ends this one socket, and no other."""
        logger.error("a frame could not be handled", exc_info=error)
        self._connection.close(close_codes.INTERNAL_ERROR, "")
