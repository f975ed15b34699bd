"""One socket as the gateway holds it: its session, its way out, and a queue that can't grow beyond its bounds (G8)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from chatire_shared.contracts import close_codes
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.session import Phase, Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES, Transport

MAX_QUEUED_FRAMES = 256
MAX_QUEUED_BYTES = 1_048_576
MAX_STALLED_SECONDS = 15.0
REPLAY_ROOM_BYTES = 262_144
"""A replay fills at most this much; the rest of the queue is for what happens meanwhile."""


class Connection:
    """A socket with a bounded queue.

    Attributes:
        id: Names the socket to its client (`ready.connection`) and in notes.
        address: The client's address, "" when unknown.
        outstanding: Sends that were not answered yet.
        wants_pump: Whether the hub has more to give once there is room.
    """

    __slots__ = (
        "_closed",
        "_on_close",
        "_queue",
        "_queued_bytes",
        "_stalled_since",
        "address",
        "id",
        "outstanding",
        "session",
        "transport",
        "wants_pump",
    )

    def __init__(
        self,
        id: str,  # noqa: A002 (what it is called everywhere)
        address: str,
        session: Session,
        transport: Transport,
        on_close: Callable[[Connection, int], None],
    ) -> None:
        """Take a socket that was accepted; `on_close` is told when we close it, with the code."""
        self.id = id
        self.address = address
        self.session = session
        self.transport = transport
        self.outstanding = 0
        self.wants_pump = False
        self._on_close = on_close
        self._queue: deque[Frame] = deque()
        self._queued_bytes = 0
        self._stalled_since: float | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        """Whether frames still go out."""
        return not self._closed

    @property
    def is_behind(self) -> bool:
        """Whether something waits in our queue."""
        return bool(self._queue)

    def send(self, frame: Frame, now: float) -> None:
        """Send a frame, or queue it, or cut the socket off when it is too far behind."""
        if self._closed:
            return
        if not self._queue and self.transport.buffered_bytes() <= HIGH_WATER_BYTES:
            self.transport.send_frame(frame)
            return
        if frame.droppable:
            return
        self._queue.append(frame)
        self._queued_bytes += len(frame.payload)
        if self._stalled_since is None:
            self._stalled_since = now
        if len(self._queue) > MAX_QUEUED_FRAMES or self._queued_bytes > MAX_QUEUED_BYTES:
            self.close(close_codes.TOO_SLOW, "too slow")

    def drained(self, now: float) -> None:
        """The transport took what it had: give it what waits."""
        self._stalled_since = None
        while self._queue and self.transport.buffered_bytes() <= HIGH_WATER_BYTES:
            frame = self._queue.popleft()
            self._queued_bytes -= len(frame.payload)
            self.transport.send_frame(frame)
        if self._queue:
            self._stalled_since = now

    def is_stalled(self, now: float) -> bool:
        """Whether the other side has taken nothing for too long; call it every few seconds."""
        if self._closed or (not self._queue and self.transport.buffered_bytes() <= HIGH_WATER_BYTES):
            return False
        if self._stalled_since is None:
            self._stalled_since = now
        return now - self._stalled_since >= MAX_STALLED_SECONDS

    def replay_room(self) -> int:
        """Bytes that a replay may fill now."""
        return 0 if self._closed else REPLAY_ROOM_BYTES - self._queued_bytes - self.transport.buffered_bytes()

    def close(self, code: int, reason: str) -> None:
        """Close the socket; what waits in our queue is dropped, since cursors bring it back."""
        if self._closed:
            return
        self._closed = True
        self.session.phase = Phase.CLOSED
        self._queue.clear()
        self._queued_bytes = 0
        self.transport.close(code, reason)
        self._on_close(self, code)

    def lost(self) -> None:
        """The socket is gone already."""
        self._closed = True
        self.session.phase = Phase.CLOSED
        self._queue.clear()
        self._queued_bytes = 0
