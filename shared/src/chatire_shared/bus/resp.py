"""One asyncio connection to Redis, as thin as publish/subscribe needs: RESP2 through hiredis, pipelined.

redis-py's pub/sub spends 11 µs (hiredis) to 23 µs on each received message, most of it in a task switch and layers of
parsing; a protocol that feeds hiredis directly takes 2 µs, decoding included, and hands a message over in the turn in
which its bytes arrived. It also shows Redis's confirmations, which `PubSub.get_message` hides from the stock layer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis

from chatire_shared.bus.port import BusUnavailable

Push = Callable[[list[Any]], None]
_NOTHING = object()


class RespConnection(asyncio.Protocol):
    """A connection whose answers go to the calls in their order, and whose pub/sub messages go to `on_push`."""

    def __init__(self, on_push: Push | None = None, on_lost: Callable[[], None] | None = None) -> None:
        """Prepare for `loop.create_connection`.

        Args:
            on_push: Takes each `[b"message", channel, data]`, `[b"subscribe", channel, count]` and the like; without it
                every answer belongs to a call.
            on_lost: Called once, when the connection is over for whatever reason.
        """
        self._reader = hiredis.Reader(notEnoughData=_NOTHING, protocolError=ConnectionError, replyError=BusUnavailable)
        self._on_push = on_push
        self._on_lost = on_lost
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()

    @property
    def alive(self) -> bool:
        """Whether the connection is open, as far as the kernel has told us."""
        return self._transport is not None and not self._transport.is_closing()

    def call(self, *command: str | bytes) -> asyncio.Future[Any]:
        """Send a command; the future gets its answer, or BusUnavailable (also for an error that Redis answers)."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._transport is None:
            future.set_exception(BusUnavailable("The connection to Redis is lost."))
        else:
            self._waiting.append(future)
            self._transport.write(_packed(command))
        return future

    def send(self, *command: str | bytes) -> None:
        """Send a command whose answer is a push (SUBSCRIBE) or of no interest (PING in between)."""
        if self._transport is not None:
            self._transport.write(_packed(command))

    def abort(self) -> None:
        """Drop the connection without waiting for what is unsent: a hung server would never take it."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is open."""
        # A cast and no check: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes have come; every complete answer in them is dealt with now."""
        self.heard_at = self._loop.time()
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets(False)) is not _NOTHING:
                self._dispatch(reply)
        except ConnectionError:
            self.abort()  # Not RESP: nothing after it can be trusted.

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is over."""
        self._transport = None
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(BusUnavailable(f"The connection to Redis is lost: {exc or 'closed'}"))
        if self._on_lost is not None:
            self._on_lost()

    def _dispatch(self, reply: Any) -> None:
        if self._on_push is not None and isinstance(reply, list):
            self._on_push(reply)
        elif self._waiting:
            future = self._waiting.popleft()
            if future.done():
                return
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)
        elif isinstance(reply, Exception):
            self.abort()  # A refused SUBSCRIBE (ACL): start anew rather than believe to be subscribed.


def _packed(command: tuple[str | bytes, ...]) -> bytes:
    # Its stub allows a single word only.
    packed: bytes = hiredis.pack_command(command)  # type: ignore[arg-type]
    return packed


async def answer(future: asyncio.Future[Any], seconds: float) -> Any:
    """The answer to a call.

    `asyncio.wait` and not `wait_for`: when the loop itself was late, an answer that has arrived counts as arrived.

    Raises: BusUnavailable, also when there is none within `seconds`.
    """
    try:
        await asyncio.wait({future}, timeout=seconds)
    finally:
        future.cancel()  # Without effect once it is done; its place in the order of answers stays.
    if future.cancelled():
        raise BusUnavailable("Redis does not answer.")
    return future.result()
