"""One socket as the gateway holds it: its session, its way out, and a queue that can't grow beyond its bounds (G8)."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from chatire_shared.contracts import close_codes
from gateway_service.realtime.backlog import Backlog
from gateway_service.realtime.frames import Piece
from gateway_service.realtime.session import Phase, Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES, Transport

MAX_QUEUED_FRAMES = 256
MAX_QUEUED_BYTES = 1_048_576
MAX_STALLED_SECONDS = 15.0
MAX_POSTPONED = 8
MAX_POSTPONED_BYTES = 32_768
"""More than this waits for no slice: a process that can't keep up with its bus does the work at once, as the bus waits."""
REPLAY_ROOM_BYTES = 262_144
"""A replay fills at most this much; the rest of the queue is for what happens meanwhile."""


class TooSlow(Enum):
    """Why a socket was cut off with 4430."""

    QUEUE = "queue"
    """Its own queue was full."""
    STALLED = "stalled"
    """It took nothing for 15 s."""
    PROCESS = "process"
    """The process held too much, and it the most."""


class Connection:
    """A socket with a bounded queue.

    In the queue is what the way out has no room for, and what a large fan-out has postponed by some milliseconds. Either
    way frames leave in the order in which they came: a later one goes behind, or takes those before it along. A run that
    was postponed stays whole; where the way out has no room, it is the frames that wait, and are counted.

    Attributes:
        id: Names the socket to its client (`ready.connection`) and in notes.
        address: The client's address, "" when unknown.
        outstanding: Sends that were not answered yet.
        wants_pump: Whether the hub has more to give once there is room.
        cut: Why it was cut off, if it was.
        held_bytes: What it was counted with in the process's backlog.
        on_room: Called with it when its way out has room again.
    """

    __slots__ = (
        "_backlog",
        "_closed",
        "_on_close",
        "_queue",
        "_queued_bytes",
        "_stalled_since",
        "address",
        "cut",
        "held_bytes",
        "id",
        "on_room",
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
        backlog: Backlog | None = None,
    ) -> None:
        """Take a socket that was accepted.

        Args:
            id: Its name.
            address: The client's.
            session: Who it belongs to.
            transport: Its way out.
            on_close: Told when we close it, with the code.
            backlog: Of the process; one of its own when left out.
        """
        self.id = id
        self.address = address
        self.session = session
        self.transport = transport
        self.outstanding = 0
        self.wants_pump = False
        self.cut: TooSlow | None = None
        self.held_bytes = 0
        self.on_room: Callable[[Connection], None] | None = None
        self._on_close = on_close
        self._backlog = backlog or Backlog()
        # A list, for all that it is taken from its beginning: of 256 frames at most, and an empty deque has 760 bytes.
        self._queue: list[Piece] = []
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

    # Out

    def send(self, piece: Piece, now: float) -> None:
        """Send what is given, or queue it, or cut the socket off when it is too far behind."""
        if self._closed:
            return
        if not self._queue:
            held = self.transport.buffered_bytes()
            if held <= HIGH_WATER_BYTES:
                self.transport.send_frame(piece)
                held += piece.size
                if held != self.held_bytes:
                    self._count(held)
                return
            if self._stalled_since is None:
                self._stalled_since = now
        self.postpone(piece, now)
        self.flush(now)

    def postpone(self, piece: Piece, now: float) -> None:
        """Queue it for a `flush` that follows within moments."""
        if self._closed:
            return
        if piece.droppable and self._stalled_since is not None:
            self._backlog.went_without += 1
            return
        self._queued_bytes += piece.size
        if self._stalled_since is not None:
            self._queue += piece.each
            self._keep_bounds(self.transport.buffered_bytes())
            return
        self._queue.append(piece)
        if len(self._queue) > MAX_POSTPONED or self._queued_bytes > MAX_POSTPONED_BYTES:
            self._hand_over(now)

    def flush(self, now: float) -> None:
        """Send what was postponed; what waits because the way out is full goes on waiting for `drained`."""
        if self._queue and self._stalled_since is None:
            self._hand_over(now)

    def has_room(self) -> None:
        """The transport says that it took what it had."""
        if self.on_room is not None:
            self.on_room(self)

    def drained(self, now: float) -> None:
        """The transport took what it had: give it what waits."""
        self._stalled_since = None
        self._hand_over(now)

    def _hand_over(self, now: float) -> None:
        held = self.transport.buffered_bytes()
        while self._queue and held <= HIGH_WATER_BYTES:
            piece = self._queue.pop(0)
            self._queued_bytes -= piece.size
            self.transport.send_frame(piece)
            held = self.transport.buffered_bytes()
        if self._queue and self._stalled_since is None:
            self._queue = [frame for piece in self._queue for frame in piece.each]
        if self._queue:
            self._stalled_since = now
        self._keep_bounds(held)

    def _keep_bounds(self, held: int) -> None:
        self._count(held + self._queued_bytes)
        if len(self._queue) > MAX_QUEUED_FRAMES or self._queued_bytes > MAX_QUEUED_BYTES:
            self.cut_off(TooSlow.QUEUE)

    # How it stands

    def is_stalled(self, now: float) -> bool:
        """Whether the other side has taken nothing for too long; call it every few seconds."""
        if self._closed:
            return False
        self.flush(now)
        if not self._queue and self.transport.buffered_bytes() <= HIGH_WATER_BYTES:
            return False
        if self._stalled_since is None:
            self._stalled_since = now
        return now - self._stalled_since >= MAX_STALLED_SECONDS

    def replay_room(self) -> int:
        """Bytes that a replay may fill now."""
        return 0 if self._closed else REPLAY_ROOM_BYTES - self._queued_bytes - self.transport.buffered_bytes()

    def recount(self) -> None:
        """Say anew what is held; a closed socket holds what its close frame is behind."""
        self._count(self.transport.buffered_bytes() + self._queued_bytes)

    def _count(self, held: int) -> None:
        change = held - self.held_bytes
        self.held_bytes = held
        self._backlog.add(change)

    # The end

    def cut_off(self, why: TooSlow) -> None:
        """Close a socket that is too slow."""
        self.cut = self.cut or why
        self.close(close_codes.TOO_SLOW, "too slow")

    def cut_for_all(self) -> None:
        """Close it for the good of the others."""
        self.cut_off(TooSlow.PROCESS)

    def close(self, code: int, reason: str) -> None:
        """Close the socket after what was only postponed; what else waits is dropped, since cursors bring it back."""
        if self._closed:
            return
        self._closed = True
        self.session.phase = Phase.CLOSED
        while self._queue and self.transport.buffered_bytes() <= HIGH_WATER_BYTES and self._stalled_since is None:
            self.transport.send_frame(self._queue.pop(0))
        self._drop_queue()
        self.transport.close(code, reason)
        self.recount()
        self._on_close(self, code)

    def abort(self) -> None:
        """Drop what a closed socket still holds: its close frame would come too late for everybody else."""
        self.transport.abort()
        self._count(0)

    def lost(self) -> None:
        """The socket is gone already."""
        self._closed = True
        self.session.phase = Phase.CLOSED
        self._drop_queue()
        self._count(0)

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._queued_bytes = 0
