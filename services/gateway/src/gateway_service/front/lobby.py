"""What all sockets of one server share, whichever server that is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from gateway_service.front.deadlines import Deadlines
from gateway_service.front.flusher import Flusher
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.metrics import Shed

ARRIVING_SECONDS = 10
CLOSING_SECONDS = 3


class Cuttable(Protocol):
    """Whatever has a connection."""

    def abort(self) -> None:
        """Cut it."""


class Lobby:
    """Where connections are received, and let go.

    Attributes:
        application: The ASGI application that handshakes go through.
        gateway: Gives the process's gateway.
        root_path: ASGI's `root_path`.
        unread: What the process has read that nobody has taken.
        arriving: Those whose handshake isn't over.
        closing: Those that were told to close.
    """

    def __init__(self, application: Any, gateway: Callable[[], Gateway], *, root_path: str = "") -> None:
        self.application = application
        self.gateway = gateway
        self.root_path = root_path
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use this loop."""
        self.loop = loop
        self.unread = self.gateway().unread
        self.call_soon, self.call_later = loop.call_soon, loop.call_later
        self.flusher = Flusher(loop.call_soon)
        timing: dict[str, Any] = {"call_later": loop.call_later, "clock": time.monotonic}
        self.arriving: Deadlines[Cuttable] = Deadlines(ARRIVING_SECONDS, self._give_up, **timing)
        self.closing: Deadlines[Cuttable] = Deadlines(CLOSING_SECONDS, _cut, **timing)

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something; it is kept until it is done, since the loop only has a weak hold of it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _give_up(self, late: Cuttable) -> None:
        """Its handshake takes too long."""
        self.gateway().metrics.shed[Shed.HANDSHAKE_SLOW] += 1
        late.abort()


def _cut(late: Cuttable) -> None:
    late.abort()
