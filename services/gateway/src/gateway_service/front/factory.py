"""What all sockets of one listening port share, and the factory that makes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.interfaces import IProtocolFactory
from zope.interface import implementer

from gateway_service.front.connection import SlimSocket
from gateway_service.front.deadlines import Deadlines
from gateway_service.front.flusher import Flusher
from gateway_service.front.reception import Reception
from gateway_service.realtime.gateway import Gateway

ARRIVING_SECONDS = 10
CLOSING_SECONDS = 3


@implementer(IProtocolFactory)
class Front:
    """Stands before Daphne's own factory, which keeps serving everything but our sockets.

    Attributes:
        application: The ASGI application that handshakes go through.
        http: Daphne's factory.
        gateway: Gives the process's gateway.
        direct: Whether bytes may go straight to the kernel.
        root_path: ASGI's `root_path`.
        unread: What the process has read that nobody has taken.
        arriving: Those whose handshake isn't over.
        closing: Those that were told to close.
    """

    noisy = False

    def __init__(self, application: Any, http: Any, gateway: Callable[[], Gateway], *, direct: bool) -> None:
        self.application = application
        self.http = http
        self.gateway = gateway
        self.direct = direct
        self.root_path = str(getattr(getattr(http, "server", None), "root_path", ""))
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Use the loop that runs; when a port is made, Daphne hasn't set one yet."""
        loop = self._loop = asyncio.get_event_loop()
        self.unread = self.gateway().unread
        self.call_soon, self.call_later = loop.call_soon, loop.call_later
        self.flusher = Flusher(loop.call_soon)
        timing: dict[str, Any] = {"call_later": loop.call_later, "clock": time.monotonic}
        self.arriving: Deadlines[Reception | SlimSocket] = Deadlines(ARRIVING_SECONDS, _cut, **timing)
        self.closing: Deadlines[SlimSocket] = Deadlines(CLOSING_SECONDS, _cut, **timing)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something; it is kept until it is done, since the loop only has a weak hold of it."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Twisted's names

    def buildProtocol(self, addr: Any) -> Reception:  # noqa: N802
        """Receive one connection."""
        return Reception(self)

    def doStart(self) -> None:  # noqa: N802
        """The port listens."""
        self.http.doStart()

    def doStop(self) -> None:  # noqa: N802
        """The port is closed."""
        self.http.doStop()


def _cut(late: Reception | SlimSocket) -> None:
    late.abort()
