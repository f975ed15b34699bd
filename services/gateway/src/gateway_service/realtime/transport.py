"""How frames leave: one port, two adapters.

The port has six methods and one callback; nothing above it knows which server is below.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from gateway_service.realtime.frames import Piece

HIGH_WATER_BYTES = 65_536
"""More than this in the server's own buffer, and the rest waits in ours, where it can be counted and dropped.

Twisted's own mark: only over it does `on_drained` call back.
"""
MAX_UNREAD_FRAMES = 64
MAX_UNREAD_BYTES = 524_288
MAX_UNREAD_OF_ALL_BYTES = 67_108_864
"""Of all sockets of a process; over it, who has anything unread is read from no more. A frame each is always let in."""


class Unread:
    """How much the server has read for all sockets of a process that nobody has looked at yet."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0

    @property
    def is_much(self) -> bool:
        """Whether it is too much."""
        return self.bytes >= MAX_UNREAD_OF_ALL_BYTES


class Transport(Protocol):
    """One socket's way out."""

    def send_frame(self, piece: Piece) -> None:
        """Hand a frame over, or several; never blocks, never raises for a socket that is gone."""

    def buffered_bytes(self) -> int:
        """How much of what was handed over has not gone to the kernel yet."""

    def close(self, code: int, reason: str) -> None:
        """Close with a code; what was handed over before goes first."""

    def abort(self) -> None:
        """Drop the connection and what is still buffered for it."""

    def pause(self) -> None:
        """Read nothing more from the socket."""

    def resume(self) -> None:
        """Go on reading."""

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Call back each time the buffer has emptied after it was full."""


class DaphneTransport:
    """Writes ready-made frames to Twisted's transport, past Autobahn's framing (see `gateway_service.server`).

    Uses `dataBuffer`, `offset` and `_tempDataLen` of Twisted's FileDescriptor, which are not public: the only way to
    know how much is queued. `tests/socket/test_delivery.py` (a reader that never reads) fails when they change.
    """

    broken_with: int | None = None
    """The code with which it was closed because of a frame that may not be; what Autobahn reports is the answer to that."""

    def __init__(self, protocol: Any, unread: Unread | None = None) -> None:
        self._protocol = protocol
        self._callback: Callable[[], None] | None = None
        self._unread = unread or Unread()
        self._unread_frames = 0
        self._unread_bytes = 0
        self._paused = False
        self._reads = True

    def send_frame(self, piece: Piece) -> None:
        """Write the shared bytes."""
        if self._is_open():
            self._protocol.transport.write(piece.wire)

    def buffered_bytes(self) -> int:
        """Bytes in Twisted's buffer."""
        transport = self._protocol.transport
        if transport is None:
            return 0
        return int(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)  # noqa: SLF001

    def close(self, code: int, reason: str) -> None:
        """Send the close frame; Autobahn drops the connection a second later if the other side doesn't answer."""
        if self._is_open():
            with contextlib.suppress(Exception):
                self._protocol.transport.unregisterProducer()
            self._protocol.sendCloseFrame(code=code, reasonUtf8=reason.encode()[:123], isReply=False)

    def abort(self) -> None:
        """Reset the connection; Twisted lets go of its buffer with it."""
        if self._protocol.transport is not None:
            self._protocol.transport.abortConnection()

    def pause(self) -> None:
        """Stop reading."""
        self._paused = True
        self._read_or_not()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self._read_or_not()

    def arrived(self, size: int) -> None:
        """A frame was put into Daphne's queue, which has no bound of its own: over ours, nothing more is read."""
        self._unread_frames += 1
        self._unread_bytes += size
        self._unread.bytes += size
        self._read_or_not()

    def taken(self, size: int) -> None:
        """A frame was taken out of that queue."""
        self._unread_frames -= 1
        self._unread_bytes -= size
        self._unread.bytes -= size
        self._read_or_not()

    def forgotten(self) -> None:
        """Nobody will take what is left."""
        self._unread.bytes -= self._unread_bytes
        self._unread_frames = self._unread_bytes = 0

    def _has_plenty(self) -> bool:
        """Too much of its own, or something where all together have too much: who has nothing unread is always heard."""
        if self._unread_frames >= MAX_UNREAD_FRAMES or self._unread_bytes >= MAX_UNREAD_BYTES:
            return True
        return self._unread_frames > 0 and self._unread.is_much

    def _read_or_not(self) -> None:
        reads = not self._paused and not self._has_plenty()
        transport = self._protocol.transport
        if reads is self._reads or transport is None or not transport.connected or transport.disconnecting:
            return
        self._reads = reads
        if reads:
            transport.resumeProducing()
        else:
            transport.pauseProducing()

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Become Twisted's producer, whose `resumeProducing` is called when the buffer is empty again."""
        self._callback = callback
        transport = self._protocol.transport
        # HTTPChannel registered itself and Daphne never takes it away (daphne#170): two can't be registered.
        transport.unregisterProducer()
        transport.registerProducer(self, True)

    def resumeProducing(self) -> None:  # noqa: N802 (Twisted's interface)
        """Twisted's buffer is empty."""
        if self._callback is not None:
            self._callback()

    def pauseProducing(self) -> None:  # noqa: N802
        """Twisted's buffer is over 64 KiB; what we send looks at its size itself."""

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost."""
        self._callback = None

    def _is_open(self) -> bool:
        return bool(self._protocol.state == self._protocol.STATE_OPEN and self._protocol.transport is not None)


class AsgiTransport:
    """Plain ASGI `send` for any server: a task writes while something is queued, and only then."""

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._queue: deque[tuple[dict[str, Any], int]] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._was_full = False
        self._callback: Callable[[], None] | None = None

    def send_frame(self, piece: Piece) -> None:
        """Queue it for the writer."""
        for frame in piece.each:
            self._put({"type": "websocket.send", "text": frame.text}, frame.size)

    def buffered_bytes(self) -> int:
        """Bytes that the writer hasn't handed to the server."""
        return self._bytes

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued."""
        self._put({"type": "websocket.close", "code": code, "reason": reason}, 0)

    def abort(self) -> None:
        """Forget what is queued; there is no harder end than `close` in ASGI."""
        kept = [(message, size) for message, size in self._queue if message["type"] == "websocket.close"]
        self._bytes -= sum(size for _, size in self._queue)
        self._queue = deque(kept)

    def pause(self) -> None:
        """The consumer stops calling `receive`, which is all that ASGI offers."""

    def resume(self) -> None:
        """See `pause`."""

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Remember whom to call."""
        self._callback = callback

    def _put(self, message: dict[str, Any], size: int) -> None:
        self._queue.append((message, size))
        self._bytes += size
        self._was_full = self._was_full or self._bytes > HIGH_WATER_BYTES
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._queue:
                message, size = self._queue.popleft()
                await self._send(message)
                self._bytes -= size
        except Exception:  # noqa: BLE001 (each server has its own exception for a socket that is gone)
            self._queue.clear()
            self._bytes = 0
        finally:
            self._task = None
        if self._was_full:
            self._was_full = False
            if self._callback is not None:
                self._callback()
