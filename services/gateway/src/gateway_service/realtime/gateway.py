"""One gateway process: the hub in the middle, sockets on one side, the bus and the messages service on the other.

Everything here runs in the event loop's thread; slow things are done elsewhere and come back as calls.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from uuid import UUID

from chatire_shared.bus.groups import AUTH_CHANGES_GROUP, TICK_GROUP
from chatire_shared.bus.port import Bus
from chatire_shared.contracts import close_codes
from chatire_shared.identity.changes import Change, ChangeFeed
from chatire_shared.identity.jwks import JwksCache
from chatire_shared.identity.verify import Verifier
from gateway_service.realtime.backlog import Backlog
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.counted_bus import CountedBus
from gateway_service.realtime.crowd import Crowd
from gateway_service.realtime.effects import Deliver, Effect
from gateway_service.realtime.fanout import Fanout
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.gathering import Gathering
from gateway_service.realtime.healing import Tasks
from gateway_service.realtime.hearing import Hearing
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.metrics import CONNECTION_LOST, Metrics, Shed
from gateway_service.realtime.reading import ReadMarks
from gateway_service.realtime.runner import Runner
from gateway_service.realtime.transport import Unread
from gateway_service.realtime.uplink import Uplink
from gateway_service.realtime.upstream import Upstream
from gateway_service.realtime.watch import Watch

MAX_OUTSTANDING_SENDS = 64


class Gateway:
    """Serves all sockets of one process."""

    def __init__(
        self,
        *,
        bus: Bus,
        upstream: Upstream,
        verifier: Verifier,
        keys: JwksCache | None,
        feed: ChangeFeed,
        limits: bool,
    ) -> None:
        """Put the parts together; `start` begins.

        Args:
            bus: Where events are heard.
            upstream: The messages service.
            verifier: Verifies access tokens.
            keys: Auth's public keys, told when they rotate; None in tests that have their own.
            feed: Auth's change feed.
            limits: Whether connection caps and flood limits hold.
        """
        self.metrics = Metrics()
        self.bus = CountedBus(bus, self.metrics.subscriptions)
        self.upstream = upstream
        self.verifier = verifier
        self.feed = feed
        self.limits = limits
        self.hub = Hub()
        self.tasks = Tasks()
        self.backlog = Backlog()
        self.unread = Unread()
        self.crowd = Crowd(limits=limits, now=time.monotonic())
        self.fanout = Fanout(self.crowd.get, self._pump_id, self.metrics)
        self.runner = Runner(hub=self.hub, bus=self.bus, upstream=upstream, tasks=self.tasks, fanout=self.fanout)
        self.hearing = Hearing(
            hub=self.hub, runner=self.runner, crowd=self.crowd, metrics=self.metrics, on_auth_changed=feed.poke
        )
        self.watch = Watch(
            hub=self.hub,
            bus=self.bus,
            runner=self.runner,
            hearing=self.hearing,
            crowd=self.crowd,
            backlog=self.backlog,
            metrics=self.metrics,
        )
        self.uplink = Uplink(upstream, self._answered)
        self.gathering = Gathering(upstream, self.tasks)
        self.reads = ReadMarks(upstream, self.tasks, self.send)
        self.draining = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self.backlog.on_excess = lambda: self.backlog.relieve(self.crowd)
        # Bound once: each access would make a method anew, and ten thousand connections keep theirs.
        self.on_closed, self._on_room = self.closed, self._drained
        self._keys = keys
        self._started = False

    # Life

    async def start(self) -> None:
        """Listen to the bus and to auth's feed, and begin to watch."""
        if self._started:
            return
        self._started = True
        self.loop = asyncio.get_running_loop()
        await self.bus.start(self.hearing.on_message, self.hearing.on_state)
        self.tasks.start(self.runner.subscribe_groups([TICK_GROUP, AUTH_CHANGES_GROUP]))
        self.tasks.start(self.watch.run())
        self.feed.start()
        if self._keys is not None:
            self.tasks.start(self._prepare_keys(self._keys))

    async def stop(self) -> None:
        """End everything but the sockets, which the server closes."""
        self.tasks.stop()
        await asyncio.get_running_loop().run_in_executor(None, self.feed.stop)
        await self.bus.stop()
        self.upstream.stop()

    async def _prepare_keys(self, keys: JwksCache) -> None:
        while True:
            try:
                await self.upstream.run(keys.ready)
            except Exception:  # noqa: BLE001 (auth isn't up yet)
                await asyncio.sleep(1)
            else:
                return

    # Sockets

    def turns_away(self, now: float) -> int | None:
        """In how many seconds whoever knocks should come again; None when their handshake may begin."""
        why = Shed.HANDSHAKE_DRAINING if self.draining else self.crowd.no_room(now)
        if why is None:
            return None
        self.metrics.handshakes["later"] += 1
        self.metrics.shed[why] += 1
        return self.crowd.retry_after_seconds(now)

    def entered(self, connection: Connection) -> None:
        """A socket was accepted."""
        if not self.crowd.enter(connection):
            self.metrics.shed[Shed.ADDRESS_SOCKETS] += 1
            connection.close(close_codes.TOO_MANY_CONNECTIONS, "too many connections from this address")
        connection.on_room = self._on_room
        connection.transport.on_drained(connection.has_room)
        self.look_later(connection)

    def left(self, connection: Connection, code: int = CONNECTION_LOST, *, by_us: bool = False) -> None:
        """A socket is gone.

        Args:
            connection: It.
            code: With which it was closed.
            by_us: Whether the server closed it, below `connection`: the client broke the rules of frames.
        """
        if connection.is_open and by_us:
            self.metrics.closes[code] += 1
        elif connection.is_open:
            self.metrics.client_closed(code)
        connection.lost()
        self.hub.detach(connection.id)
        self.crowd.leave(connection)
        self.fanout.forget()
        self.watch.forget(connection)

    def closed(self, connection: Connection, code: int) -> None:
        """We closed a socket: nothing more is owed to it."""
        self.metrics.closes[code] += 1
        if connection.cut is not None:
            self.metrics.cuts[connection.cut.value] += 1
        self.crowd.settled(connection)
        self.hub.detach(connection.id)

    def send(self, connection: Connection, frame: Frame) -> None:
        """Send one frame to one socket."""
        connection.send(frame, time.monotonic())

    def look_later(self, connection: Connection) -> None:
        """Look at a socket at the next moment at which something may have to happen to it."""
        self.watch.look_later(connection)

    def run(self, effects: Sequence[Effect]) -> None:
        """Do what the hub asks for, in order."""
        self.runner.run(effects)

    def _drained(self, connection: Connection) -> None:
        connection.drained(time.monotonic())
        if connection.wants_pump and connection.is_open:
            self._pump(connection)

    def _pump(self, connection: Connection) -> None:
        """Give a socket what it lacks, as far as there is room; again whenever its queue has drained.

        And again soon after anything was given: who takes all of it at once has no queue that could drain.
        """
        connection.wants_pump = True
        effects = self.hub.pump(connection.id, connection.replay_room())
        self.run(effects)
        if any(isinstance(effect, Deliver) for effect in effects):
            self.fanout.pump(connection.id)

    def _pump_id(self, session: str) -> None:
        connection = self.crowd.get(session)
        if connection is not None and connection.is_open:
            self._pump(connection)

    def _answered(self, connection: Connection, frame: Frame, outcome: str) -> None:
        self.metrics.sends[outcome] += 1
        connection.outstanding -= 1
        if connection.outstanding == MAX_OUTSTANDING_SENDS // 2:
            connection.transport.resume()
        self.send(connection, frame)

    # What comes from auth

    def on_change(self, change: Change) -> None:
        """One change of auth's feed."""
        kind, data = change["kind"], change["data"]
        if kind == "session.revoked":
            self._revoke(self.crowd.of_session(UUID(data["session_id"])))
        elif kind == "user.disabled":
            self._revoke(self.crowd.of_user(UUID(data["user_id"])))
        elif kind == "keys.rotated" and self._keys is not None:
            self._keys.forget_age()
            self.verifier.forget()

    def _revoke(self, connections: Sequence[Connection]) -> None:
        for connection in connections:
            principal = connection.session.principal
            if principal is not None and self.feed.revocations.covers(principal):
                connection.close(close_codes.SESSION_REVOKED, "session revoked")
