"""One gateway process: the hub in the middle, sockets on one side, the bus and the messages service on the other.

Everything here runs in the event loop's thread; slow things are done elsewhere and come back as calls.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from chatire_shared.bus.groups import AUTH_CHANGES_GROUP, TICK_GROUP, conversation_group, user_group
from chatire_shared.bus.port import Bus, BusUnavailable
from chatire_shared.contracts import close_codes
from chatire_shared.contracts.times import rfc3339
from chatire_shared.identity.changes import Change, ChangeFeed
from chatire_shared.identity.jwks import JwksCache
from chatire_shared.identity.verify import Verifier
from gateway_service.realtime import effects as fx
from gateway_service.realtime import frames, subscriber
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.crowd import Crowd
from gateway_service.realtime.effects import Effect
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.healing import Heads, Ranges, Refreshing, Tasks
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.metrics import Metrics
from gateway_service.realtime.people import Memberships, Note
from gateway_service.realtime.reading import ReadMarks
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.uplink import Uplink
from gateway_service.realtime.upstream import Upstream
from gateway_service.realtime.wheel import Wheel

logger = logging.getLogger("chatire.gateway")

HOLD_SECONDS = 0.2
DEAF_SECONDS = 3.0
DEAF_POLL_SECONDS = 2.0
POSITION_SECONDS = 20.0
SWEEP_SECONDS = 5.0
MAX_OUTSTANDING_SENDS = 64
MICROSECONDS = 1_000_000


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
        self.bus = bus
        self.upstream = upstream
        self.verifier = verifier
        self.feed = feed
        self.limits = limits
        self.hub = Hub()
        self.metrics = Metrics()
        self.tasks = Tasks()
        self.crowd = Crowd(limits=limits, now=time.monotonic())
        self.wheel: Wheel[Connection] = Wheel(time.monotonic())
        self.uplink = Uplink(upstream, self._answered)
        self.reads = ReadMarks(upstream, self.tasks, self.send)
        self.draining = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self._keys = keys
        self._ranges = Ranges(upstream, self.tasks, self._on_fetched)
        self._heads = Heads(upstream, self.tasks, self._on_heads)
        self._refreshing = Refreshing(upstream, self.tasks, self._on_members)
        self._subscribing: dict[str, None] = {}
        self._ticked_at = time.monotonic()
        self._polled_at = 0.0
        self._swept_at = 0.0
        self._started = False

    # Life

    async def start(self) -> None:
        """Listen to the bus and to auth's feed, and begin to turn the wheel."""
        if self._started:
            return
        self._started = True
        self.loop = asyncio.get_running_loop()
        await self.bus.start(self._on_bus_message, self._on_bus_state)
        self.tasks.start(self.subscribe_groups([TICK_GROUP, AUTH_CHANGES_GROUP]))
        self.tasks.start(self._watch())
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

    def entered(self, connection: Connection) -> None:
        """A socket was accepted."""
        if not self.crowd.enter(connection):
            connection.close(close_codes.TOO_MANY_CONNECTIONS, "too many connections from this address")
        connection.transport.on_drained(lambda: self._drained(connection))
        self.look_later(connection)

    def left(self, connection: Connection) -> None:
        """A socket is gone."""
        connection.lost()
        self.hub.detach(connection.id)
        self.crowd.leave(connection)
        self.wheel.remove(connection)

    def closed(self, connection: Connection, code: int) -> None:
        """We closed a socket: nothing more is owed to it."""
        self.metrics.closes[code] += 1
        self.hub.detach(connection.id)

    def send(self, connection: Connection, frame: Frame) -> None:
        """Send one frame to one socket."""
        connection.send(frame, time.monotonic())

    def look_later(self, connection: Connection) -> None:
        """Put a socket on the wheel for the next moment at which something may have to happen."""
        if connection.is_open:
            self.wheel.put(connection, connection.session.next_look(time.monotonic(), time.time()))

    def _drained(self, connection: Connection) -> None:
        connection.drained(time.monotonic())
        if connection.wants_pump and connection.is_open:
            self._pump(connection)

    def _pump(self, connection: Connection) -> None:
        """Give a socket what it lacks, as far as there is room; again whenever its queue has drained."""
        connection.wants_pump = True
        room = connection.replay_room()
        if room > 0:
            self.run(self.hub.pump(connection.id, room))

    def _answered(self, connection: Connection, frame: Frame, outcome: str) -> None:
        self.metrics.sends[outcome] += 1
        connection.outstanding -= 1
        if connection.outstanding == MAX_OUTSTANDING_SENDS // 2:
            connection.transport.resume()
        self.send(connection, frame)

    # What the hub wants

    def run(self, effects: Sequence[Effect]) -> None:
        """Do what the hub asks for, in order."""
        for effect in effects:
            if isinstance(effect, fx.Deliver):
                self._deliver(effect)
            elif isinstance(effect, fx.Pump):
                self._pump_id(str(effect.session))
            elif isinstance(effect, fx.Fetch):
                self._ranges.want(effect.conversation, effect.after, effect.delay_seconds)
            elif isinstance(effect, fx.Hold):
                asyncio.get_running_loop().call_later(HOLD_SECONDS, self._hold_expired, effect.conversation)
            elif isinstance(effect, fx.CheckHeads):
                self._heads.want(effect.conversations)
            elif isinstance(effect, fx.RefreshMembers):
                self._refreshing.want(effect.user)
            elif isinstance(effect, fx.Subscribe):
                self._subscribe_soon(effect.conversation)
            else:
                self._unsubscribe(effect)

    def _deliver(self, effect: fx.Deliver) -> None:
        now = time.monotonic()
        for session in effect.sessions:
            connection = self.crowd.get(str(session))
            if connection is not None:
                connection.send(effect.frame, now)
        self.metrics.deliveries += len(effect.sessions)
        if effect.at_us:
            self.metrics.commit_to_socket.observe(max(0.0, time.time() - effect.at_us / MICROSECONDS))

    def _pump_id(self, session: str) -> None:
        connection = self.crowd.get(session)
        if connection is not None and connection.is_open:
            self._pump(connection)

    def _hold_expired(self, conversation: str) -> None:
        self.run(self.hub.hold_expired(conversation))

    def _subscribe_soon(self, conversation: str) -> None:
        if not self._subscribing:
            asyncio.get_running_loop().call_soon(self._subscribe_now)
        self._subscribing[conversation] = None

    def _subscribe_now(self) -> None:
        conversations, self._subscribing = list(self._subscribing), {}
        self.tasks.start(self._subscribe_conversations(conversations))

    async def _subscribe_conversations(self, conversations: list[str]) -> None:
        """Once it is confirmed, look at the heads: what was published before that is lost to us."""
        await self.subscribe_groups([conversation_group(name) for name in conversations])
        self._heads.want(conversations)

    async def subscribe_groups(self, groups: Sequence[str]) -> None:
        """Subscribe, and wait for Redis's word on it if Redis is there."""
        try:
            await self.bus.subscribe(groups)
        except BusUnavailable:
            logger.info("Redis is away; heads are polled until it is back.")

    def _unsubscribe(self, effect: fx.Unsubscribe) -> None:
        self.tasks.start(self._unsubscribe_unwanted(effect))

    async def _unsubscribe_unwanted(self, effect: fx.Unsubscribe) -> None:
        """Looked at once more: a socket may have come, and subscribed, since the sweep."""
        groups = [conversation_group(name) for name in effect.conversations if not self.hub.follows(name)]
        groups += [user_group(name) for name in effect.users if not self.hub.knows(name)]
        await self.bus.unsubscribe(groups)

    # What comes from the messages service

    def _on_fetched(self, conversation: str, after: int, answer: Mapping[str, Any], entries: Sequence[Entry]) -> None:
        epoch = answer["epoch"]
        self.run(
            self.hub.fetched(
                conversation,
                after,
                epoch=None if epoch is None else str(epoch),
                last_seq=int(answer["last_seq"]),
                expired=bool(answer["expired"]),
                entries=entries,
            )
        )

    def _on_heads(
        self, heads: Mapping[str, tuple[str, int]], asked: Sequence[str], versions: Mapping[str, int]
    ) -> None:
        self.run(self.hub.heads(heads, asked))
        self.run(self.hub.versions(versions.items()))

    def _on_members(self, memberships: Memberships) -> None:
        self.run(self.hub.members(memberships))

    # What comes over the bus (subscriber.Listener)

    def _on_bus_message(self, message: dict[str, Any]) -> None:
        try:
            subscriber.dispatch(message, self)
        except subscriber.Garbage as garbage:
            self.metrics.garbage += 1
            logger.warning("a message on the bus isn't what it says", extra={"type": str(garbage)})

    def _on_bus_state(self, connected: bool) -> None:  # noqa: FBT001 (the port's signature)
        logger.info("the bus is connected" if connected else "the bus is lost")
        if connected:
            self._check_everything()

    def on_event(self, conversation: str, epoch: str, entry: Entry) -> None:
        """An event."""
        self.run(self.hub.event(conversation, epoch, entry))

    def on_note(self, note: Note) -> None:
        """Somebody joined or left."""
        self.run(self.hub.note(note))

    def on_read(self, user: str, conversation: str, seq: int, origin: str | None) -> None:
        """Somebody has read: their other sockets are told."""
        frame = frames.read(conversation=conversation, user=user, seq=seq)
        for session in self.hub.sessions_of(user):
            connection = self.crowd.get(str(session))
            if connection is not None and connection.id != origin:
                self.send(connection, frame)

    def on_typing(self, conversation: str, user: str, state: bool | str) -> None:  # noqa: FBT001
        """Somebody types."""
        self.run(self.hub.typing(conversation, user, state))

    def on_tick(self, heads: Mapping[str, int], members: list[tuple[str, int]]) -> None:
        """A relay lives."""
        self._ticked_at = time.monotonic()
        self.run(self.hub.ticked(heads))
        self.run(self.hub.versions(members))

    def on_auth_changed(self) -> None:
        """Auth's feed has grown."""
        self.feed.poke()

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

    # The watch

    async def _watch(self) -> None:
        """Once a second: the wheel, deafness, positions, what nobody needs any more."""
        while True:
            await asyncio.sleep(1.0)
            try:
                self._look_around(time.monotonic())
            except Exception:
                logger.exception("the watch failed; it goes on")

    def _look_around(self, now: float) -> None:
        self._turn_wheel(now)
        pause = DEAF_POLL_SECONDS if self.is_deaf(now) else POSITION_SECONDS
        # A tenth less: the loop comes by once a second and a bit, and 2 s shall not become 3.
        if now - self._polled_at >= pause * 0.9 and not self._heads.busy:
            self._check_everything()
        if now - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = now
            self._cut_stalled(now)
            self.run(self.hub.sweep(now))

    def is_deaf(self, now: float) -> bool:
        """Whether events may be published without our hearing them: no bus, or no tick for 3 s."""
        return not self.bus.connected or now - self._ticked_at > DEAF_SECONDS

    def _check_everything(self) -> None:
        self._polled_at = time.monotonic()
        self._heads.want(self.hub.watched(), self.hub.people())

    def _turn_wheel(self, now: float) -> None:
        unix_now = time.time()
        for connection in self.wheel.turn(now):
            session = connection.session
            if session.should_warn(unix_now):
                self.send(connection, frames.session(expires_at=rfc3339_of(session.expires_at)))
            end = session.overdue(now, unix_now)
            if end is not None:
                connection.close(end.code, end.reason)
            self.look_later(connection)

    def _cut_stalled(self, now: float) -> None:
        for connection in self.crowd:
            if connection.is_stalled(now):
                connection.close(close_codes.TOO_SLOW, "too slow")


def rfc3339_of(unix_seconds: float) -> str:
    """A Unix time on the wire."""
    return rfc3339(datetime.fromtimestamp(unix_seconds, UTC))
