"""What a process looks at a few times a second: who is due, who is stalled, whether it hears anything, what may go."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import UTC, datetime

from chatire_shared.bus.port import Bus
from chatire_shared.contracts import close_codes
from chatire_shared.contracts.times import rfc3339
from gateway_service.realtime import frames
from gateway_service.realtime.backlog import Backlog
from gateway_service.realtime.connection import Connection, TooSlow
from gateway_service.realtime.crowd import Crowd
from gateway_service.realtime.hearing import Hearing
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.metrics import Metrics
from gateway_service.realtime.runner import Runner
from gateway_service.realtime.wheel import Wheel

logger = logging.getLogger("chatire.gateway")

LOOK_SECONDS = 0.2
LATE_SECONDS = 0.5
"""A look that comes so late: the process has more to do than it can."""
LENIENT_SECONDS = 2.0
"""After a late look: what clients have sent meanwhile must be read before anybody is blamed for silence."""
DEAF_SECONDS = 1.25
"""A relay ticks each second: one that is this late may have been lost, and a removal with it, which has 2 s to get here."""
DEAF_POLL_SECONDS = 1.0
POSITION_SECONDS = 20.0
SWEEP_SECONDS = 5.0


class Watch:
    """The watch of one process."""

    def __init__(
        self,
        *,
        hub: Hub,
        bus: Bus,
        runner: Runner,
        hearing: Hearing,
        crowd: Crowd,
        backlog: Backlog,
        metrics: Metrics,
    ) -> None:
        """Prepare; `run` begins.

        Args:
            hub: Is swept.
            bus: Is it connected?
            runner: Does what the hub wants.
            hearing: When was something heard?
            crowd: The sockets.
            backlog: What they hold.
            metrics: Where it is counted how late the loop came to look.
        """
        self._hub = hub
        self._bus = bus
        self._runner = runner
        self._hearing = hearing
        self._crowd = crowd
        self._backlog = backlog
        self._metrics = metrics
        self._wheel: Wheel[Connection] = Wheel(time.monotonic())
        self._swept_at = 0.0
        self._looked_at = time.monotonic()
        self._lenient_until = 0.0

    def __len__(self) -> int:
        return len(self._wheel)

    def look_later(self, connection: Connection) -> None:
        """Look at a socket at the next moment at which something may have to happen to it."""
        if connection.is_open:
            self._wheel.put(connection, connection.session.next_look(time.monotonic(), time.time()))

    def forget(self, connection: Connection) -> None:
        """Look at it no more."""
        self._wheel.remove(connection)

    def is_deaf(self, now: float) -> bool:
        """Whether events may be published without our hearing them: no bus, or a tick is late."""
        return not self._bus.connected or now - self._hearing.ticked_at > DEAF_SECONDS

    async def run(self) -> None:
        """Look around, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._look_around(time.monotonic())
            except Exception:
                logger.exception("the watch failed; it goes on")

    def _look_around(self, now: float) -> None:
        late = now - self._looked_at - LOOK_SECONDS
        self._looked_at = now
        self._metrics.loop_lag.observe(max(0.0, late))
        self._crowd.is_breathless = late > LATE_SECONDS
        if late > LATE_SECONDS:
            self._lenient_until = now + late + LENIENT_SECONDS
        self._turn_wheel(now)
        pause = DEAF_POLL_SECONDS if self.is_deaf(now) else POSITION_SECONDS
        if now - self._hearing.looked_at >= pause and not self._runner.is_looking:
            self._hearing.look_at_everything()
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            self._cut_stalled(now)
            self._backlog.relieve(self._crowd)
            self._runner.run(self._hub.sweep(now))

    def _turn_wheel(self, now: float) -> None:
        unix_now = time.time()
        for connection in self._wheel.turn(now):
            session = connection.session
            if session.should_warn(unix_now):
                connection.send(frames.session(expires_at=rfc3339_of(session.expires_at)), now)
            end = session.overdue(now, unix_now)
            if end is not None and end.code == close_codes.NO_AUTH_IN_TIME and now < self._lenient_until:
                self._wheel.put(connection, self._lenient_until)
                continue
            if end is not None:
                connection.close(end.code, end.reason)
            self.look_later(connection)

    def _cut_stalled(self, now: float) -> None:
        for connection in self._crowd:
            if connection.is_stalled(now):
                connection.cut_off(TooSlow.STALLED)


def rfc3339_of(unix_seconds: float) -> str:
    """A Unix time on the wire."""
    return rfc3339(datetime.fromtimestamp(unix_seconds, UTC))
