"""The gateway's beginning and end under the stock `daphne` command, which has no ASGI lifespan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from twisted.internet import defer

from chatire_shared.serving.lasting import freeze
from gateway_service.realtime.draining import drain, stop_listening
from gateway_service.realtime.gateway import Gateway


class Life:
    """Starts the gateway once the port listens; at the end sends everybody away gently before Twisted stops."""

    def __init__(self, reactor: Any, gateway: Callable[[], Gateway]) -> None:
        self._reactor = reactor
        self._gateway = gateway
        self._port: Any = None
        self._starting: asyncio.Future[None] | None = None

    def begin(self, port: Any) -> Any:
        """Take the port that listens; gives it back."""
        self._port = port
        self._reactor.callWhenRunning(self._start)
        self._reactor.addSystemEventTrigger("before", "shutdown", self._stop)
        return port

    def _start(self) -> None:
        self._starting = asyncio.ensure_future(self._gateway().start())
        freeze()

    def _stop(self) -> Any:
        return defer.Deferred.fromFuture(asyncio.ensure_future(self._leave()))

    async def _leave(self) -> None:
        await stop_listening([self._port])
        await drain(self._gateway())
        await self._gateway().stop()
