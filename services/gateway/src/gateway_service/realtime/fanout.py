"""Deliveries to many sockets, a slice at a time, so that a large conversation doesn't hold up the small ones.

A frame for more sockets than a slice holds is put into all their queues at once, which is cheap, and leaves them slice by
slice with a turn of the event loop in between. What comes later for one of these sockets, from wherever, finds the frame
in its queue and goes behind it, or takes it along; so the order of each socket is that of the hub, whatever the slices.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from chatire_shared.crash_points import hit
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.effects import Deliver, DeliverRun, Session
from gateway_service.realtime.frames import Piece
from gateway_service.realtime.metrics import Metrics

SLICE_SOCKETS = 64
SLICE_SECONDS = 0.002
MAX_AUDIENCES = 256
"""Of which is remembered who they are: those of conversations that are busy now."""


class Job(Protocol):
    """Work for many sockets, one step for each."""

    @property
    def is_done(self) -> bool:
        """Whether no step is left."""

    def step(self, now: float) -> None:
        """Serve one socket."""


class Delivery:
    """Frames on their way out of the queues of the same sockets."""

    def __init__(self, audience: Sequence[Session], connections: list[Connection]) -> None:
        self.audience = audience
        self.committed_us: list[int] = []
        self.has_begun = False
        self._connections = connections
        self._place = 0

    @property
    def is_done(self) -> bool:
        """See `Job`."""
        return self._place >= len(self._connections)

    def step(self, now: float) -> None:
        """See `Job`."""
        self.has_begun = True
        self._connections[self._place].flush(now)
        self._place += 1


class Pumping:
    """Sockets that lack something, in the order in which that was noticed."""

    def __init__(self, pump: Callable[[str], None]) -> None:
        self.is_queued = False
        self._pump = pump
        self._wanted: dict[str, None] = {}

    @property
    def is_done(self) -> bool:
        """See `Job`."""
        return not self._wanted

    def want(self, session: str) -> None:
        """Come to this one, too."""
        self._wanted[session] = None

    def step(self, now: float) -> None:
        """See `Job`."""
        session = next(iter(self._wanted))
        del self._wanted[session]
        self._pump(session)


class Fanout:
    """All deliveries of one process."""

    def __init__(self, find: Callable[[str], Connection | None], pump: Callable[[str], None], metrics: Metrics) -> None:
        """Prepare.

        Args:
            find: The socket with this id, if it is here.
            pump: Gives a socket what it lacks.
            metrics: Where deliveries are counted.
        """
        self._find = find
        self._metrics = metrics
        self._pumping = Pumping(pump)
        self._audiences: dict[int, tuple[Sequence[Session], list[Connection]]] = {}
        self._jobs: deque[Job] = deque()
        self._newest: Delivery | None = None
        self._is_scheduled = False

    @property
    def is_busy(self) -> bool:
        """Whether something is left for a later turn."""
        return bool(self._jobs)

    def deliver(self, effect: Deliver) -> None:
        """Send a frame to some sockets; to few of them at once, to many in slices."""
        self._deliver(effect.sessions, effect.frame, (effect.at_us,))

    def deliver_run(self, effect: DeliverRun) -> None:
        """The same with several frames."""
        self._deliver(effect.sessions, effect.run, effect.committed_us)

    def _deliver(self, sessions: Sequence[Session], piece: Piece, committed_us: Sequence[int]) -> None:
        now = time.monotonic()
        found = self._connections(sessions)
        self._metrics.deliveries += len(found) * len(committed_us)
        if len(found) <= SLICE_SOCKETS:
            middle = len(found) // 2
            for connection in found[:middle]:
                connection.send(piece, now)
            hit("gateway.in_fanout")
            for connection in found[middle:]:
                connection.send(piece, now)
            for at_us in committed_us:
                self._metrics.delivered(at_us)
            return
        for connection in found:
            connection.postpone(piece, now)
        self._pass_over(sessions, found).committed_us += committed_us

    def forget(self) -> None:
        """Somebody is gone: what is remembered of audiences may hold them."""
        self._audiences.clear()

    def _connections(self, audience: Sequence[Session]) -> list[Connection]:
        """Those of an audience that are here. A conversation says who they are by the same tuple until that changes."""
        known = self._audiences.get(id(audience))
        if known is not None:
            return known[1]
        found = [connection for name in audience if (connection := self._find(str(name))) is not None]
        if len(self._audiences) >= MAX_AUDIENCES:
            self._audiences.clear()
        self._audiences[id(audience)] = audience, found  # With the tuple, so that no other gets its id.
        return found

    def pump(self, session: Session) -> None:
        """Give a socket what it lacks, in its turn: thousands may lack the same page."""
        self._pumping.want(str(session))
        if not self._pumping.is_queued:
            self._pumping.is_queued = True
            self._queue(self._pumping)

    def _pass_over(self, audience: Sequence[Session], connections: list[Connection]) -> Delivery:
        """A pass over these sockets that has not begun: one takes along whatever waits."""
        newest = self._newest
        if newest is None or newest.audience is not audience or newest.has_begun:
            newest = self._newest = Delivery(audience, connections)
            self._queue(newest)
        return newest

    def _queue(self, job: Job) -> None:
        self._jobs.append(job)
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """One slice of one job; then it is the loop's turn, and that of the other conversations."""
        self._is_scheduled = False
        job = self._jobs.popleft()
        try:
            _work(job)
        finally:
            if job.is_done:
                self._finish(job)
            else:
                hit("gateway.in_fanout")
                self._jobs.append(job)
            if self._jobs:
                self._queue(self._jobs.pop())

    def _finish(self, job: Job) -> None:
        if isinstance(job, Delivery):
            for at_us in job.committed_us:
                self._metrics.delivered(at_us)
        else:
            self._pumping.is_queued = False


def _work(job: Job) -> None:
    now = time.monotonic()
    deadline = now + SLICE_SECONDS
    for _ in range(SLICE_SOCKETS):
        job.step(now)
        now = time.monotonic()
        if job.is_done or now >= deadline:
            return
