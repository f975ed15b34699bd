"""The subscribing connection to one Redis: confirmed, batched, watched, and rebuilt when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from chatire_shared.bus.breaker import Backoff
from chatire_shared.bus.endpoint import Endpoint
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.resp import RespConnection
from chatire_shared.bus.subscriptions import SubscriptionTable
from chatire_shared.bus.waiters import Waiters

logger = logging.getLogger(__name__)

_WATCH_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient the connections are, all in seconds.

    Attributes:
        linger: How long a group stays subscribed after its last listener left: a page reload then costs Redis nothing.
        subscribe: How long `subscribe` waits for Redis's confirmation.
        publish: How long `publish` takes at most.
        idle: After how much silence the subscriber connection is asked for a sign of life.
        hung: How long that sign may take.
        first_retry: The first pause before connecting again (the stock layer always waits 1 s).
        most_retry: The longest one.
    """

    linger: float = 30.0
    subscribe: float = 5.0
    publish: float = 0.25
    idle: float = 1.0
    hung: float = 2.0
    first_retry: float = 0.05
    most_retry: float = 1.0


class Subscriber:
    """Keeps what is wanted subscribed on one Redis, whatever happens to the connection."""

    def __init__(
        self,
        endpoint: Endpoint,
        timing: Timing,
        *,
        deliver: Callable[[bytes, bytes], None],
        on_state: Callable[[bool], None],
    ) -> None:
        """Prepare; the connection is opened by the first `open` or `subscribe`.

        Args:
            endpoint: The Redis.
            timing: Patience.
            deliver: Takes channel and data of each message, in the turn of the loop in which it arrived.
            on_state: Takes False at each loss, True when everything wanted is confirmed (again).
        """
        self._endpoint = endpoint
        self._timing = timing
        self._deliver = deliver
        self._on_state = on_state
        self._loop = asyncio.get_running_loop()
        self._table = SubscriptionTable()
        self._waiters = Waiters()
        self._lingering: dict[bytes, float] = {}
        self._linger_timer: asyncio.TimerHandle | None = None
        self._flush_scheduled = False
        self._connection: RespConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self.connected = False

    def open(self) -> None:
        """Begin to connect, and stay connected until `close`."""
        if self._task is None:
            self._task = self._loop.create_task(self._supervise(), name="chatire-subscriber")

    async def subscribe(self, channels: Iterable[bytes]) -> None:
        """Return when all are confirmed; raise BusUnavailable when they aren't in time (they stay wanted)."""
        channels = list(channels)
        self.open()
        for channel in channels:
            self._lingering.pop(channel, None)
            self._table.want(channel)
        self._schedule_flush()
        missing = {channel for channel in channels if not self._table.is_confirmed(channel)}
        if not await self._waiters.wait_for(missing, self._timing.subscribe):
            raise BusUnavailable("Redis has not confirmed the subscription.")

    def unsubscribe(self, channels: Iterable[bytes], *, linger: bool) -> None:
        """Let go of channels: now, or after lingering a while."""
        for channel in channels:
            if linger and self._timing.linger > 0:
                self._lingering.pop(channel, None)  # To the end: the dict is in order of its deadlines.
                self._lingering[channel] = self._loop.time() + self._timing.linger
            else:
                self._drop(channel)
        self._schedule_flush()
        self._arm_linger_timer()

    async def close(self) -> None:
        """Close the connection and forget everything; it can be used again."""
        if self._linger_timer is not None:
            self._linger_timer.cancel()
            self._linger_timer = None
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._table = SubscriptionTable()
        self._lingering.clear()
        self._waiters.release_all()

    async def _supervise(self) -> None:
        backoff = Backoff(self._timing.first_retry, self._timing.most_retry)
        try:
            while True:
                try:
                    await self._serve(await self._connect(), backoff)
                except BusUnavailable as error:
                    logger.info("Redis is away.", extra={"reason": str(error)})
                except Exception:
                    logger.exception("The subscriber connection failed in an unexpected way.")
                await asyncio.sleep(backoff.next())
        finally:
            self._drop_connection()

    async def _connect(self) -> asyncio.Event:
        """Open the connection; the event tells that it is lost again."""
        lost = asyncio.Event()

        def make() -> RespConnection:
            return RespConnection(self._on_push, lost.set)

        self._connection = await self._endpoint.open(make, self._timing.hung)
        return lost

    async def _serve(self, lost: asyncio.Event, backoff: Backoff) -> None:
        """Re-subscribe, announce, and stay until the connection is lost."""
        self._table.connection_lost()
        watch = self._loop.create_task(self._watch())
        announce = self._loop.create_task(self._announce(backoff))
        self._flush()
        try:
            await lost.wait()
        finally:
            watch.cancel()
            announce.cancel()
            self._drop_connection()

    async def _announce(self, backoff: Backoff) -> None:
        """Say "connected" when all that is wanted at the reconnect is confirmed; later wishes wait by themselves."""
        # Looked up when this runs: on uvloop the confirmations may have come before this task's first step.
        await self._waiters.wait_for(self._table.unconfirmed, None)
        # Only now: a Redis that accepts and drops us at once must not be asked without a pause.
        backoff.reset()
        self._set_connected(True)

    async def _watch(self) -> None:
        """Notice a Redis that hangs (SIGSTOP, a dead network path): TCP alone would take minutes."""
        asked_at = 0.0
        while self._connection is not None:
            now, heard_at = self._loop.time(), self._connection.heard_at
            if asked_at > heard_at and now - asked_at >= self._timing.hung:
                logger.warning("Redis does not answer on the subscriber connection.")
                self._connection.abort()
                return
            if asked_at <= heard_at and now - heard_at >= self._timing.idle:
                asked_at = now
                self._connection.send("PING")
            await asyncio.sleep(_WATCH_SECONDS)

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None
        self._set_connected(False)

    def _set_connected(self, connected: bool) -> None:  # noqa: FBT001
        if self.connected != connected:
            self.connected = connected
            self._on_state(connected)

    def _on_push(self, reply: list[Any]) -> None:
        if reply[0] == b"message":
            self._deliver(reply[1], reply[2])
        elif reply[0] in (b"subscribe", b"unsubscribe") and self._table.answered(reply[1]):
            self._waiters.arrived(reply[1])

    def _drop(self, channel: bytes) -> None:
        self._lingering.pop(channel, None)
        self._table.drop(channel)
        self._waiters.arrived(channel)  # Nobody needs to wait for what nobody wants.

    def _schedule_flush(self) -> None:
        """Send what has changed at the end of this turn: a thousand joins then are two commands."""
        if not self._flush_scheduled:
            self._flush_scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self._connection is not None and self._connection.alive:
            for command in self._table.take_commands():
                self._connection.send(*command)

    def _arm_linger_timer(self) -> None:
        if self._linger_timer is None and self._lingering:
            self._linger_timer = self._loop.call_at(next(iter(self._lingering.values())), self._end_lingering)

    def _end_lingering(self) -> None:
        self._linger_timer = None
        now = self._loop.time()
        for channel in [channel for channel, deadline in self._lingering.items() if deadline <= now]:
            self._drop(channel)
        self._schedule_flush()
        self._arm_linger_timer()
