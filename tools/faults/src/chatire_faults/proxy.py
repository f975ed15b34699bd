"""A TCP proxy that behaves as badly as it is told: slow, narrow, sliced, silent, half closed, reset.

What it does to bytes under way is in `Conditions`, which may change at any moment and holds for all its connections.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

CHUNK_BYTES = 16_384
_NO_LINGER = struct.pack("ii", 1, 0)  # Closing now sends RST instead of FIN.


@dataclass(frozen=True, slots=True)
class Conditions:
    """The state of a line; as it comes, a good one.

    Attributes:
        latency_ms: What every chunk waits, each way.
        jitter_ms: At most so much more or less, drawn for each chunk; order is kept.
        bytes_per_second: The bandwidth of each direction; None: no limit.
        slice_bytes: Bytes go on in pieces of at most this size.
        stalled: Nothing goes on (a black hole: no byte, no FIN), until that changes.
        reset_after_bytes: A connection is reset once it has carried so many more bytes, both ways together.
        refused: What is open is reset, and so is whatever is opened: nobody is there.
    """

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    bytes_per_second: float | None = None
    slice_bytes: int | None = None
    stalled: bool = False
    reset_after_bytes: int | None = None
    refused: bool = False


GOOD = Conditions()
Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class FaultProxy:
    """One listening port in front of one server."""

    def __init__(self, host: str, port: int, random: Random) -> None:
        """Prepare for `host:port`; jitter comes from `random`."""
        self.dial: Dial = partial(asyncio.open_connection, host, port)
        self._random = random
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._conditions = GOOD
        self.carried = 0
        self.port = 0

    @property
    def conditions(self) -> Conditions:
        """What the lines are like now."""
        return self._conditions

    def become(self, conditions: Conditions) -> None:
        """Change the lines, those that are open too."""
        self._conditions = conditions
        for line in self._lines:
            line.budget = conditions.reset_after_bytes
        self._changed.set()
        self._changed = asyncio.Event()
        if conditions.refused:
            self.reset_all()

    @property
    def open_lines(self) -> int:
        """Connections through it now."""
        return len(self._lines)

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more and cut what is open."""
        if self._server:
            self._server.close()
        self.reset_all()
        if self._serving:
            await asyncio.wait(self._serving)

    def reset_all(self) -> None:
        """Reset every connection, both ends."""
        for line in list(self._lines):
            line.reset()

    def deaden_all(self) -> Callable[[], None]:
        """Let nothing through what is open now, in silence; what is opened later is well. Returns how to end it: cut them."""
        dead = list(self._lines)
        for line in dead:
            line.dead = True

        def cut() -> None:
            for line in dead:
                line.reset()

        return cut

    def half_close_all(self) -> None:
        """Tell every server that its client will send no more, and go on bringing the server's bytes to the client."""
        for line in list(self._lines):
            line.half_close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._conditions.refused:
            _reset(writer)
            return
        try:
            far_reader, far_writer = await self.dial()
        except OSError:
            _reset(writer)
            return
        line = _Line(writer, far_writer, self._conditions.reset_after_bytes)
        self._lines.add(line)
        pumps = [
            asyncio.create_task(self._pump(reader, far_writer, line)),
            asyncio.create_task(self._pump(far_reader, writer, line)),
        ]
        line.pumps = pumps
        try:
            await asyncio.wait(pumps)
        finally:
            self._lines.discard(line)
            line.reset()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, line: _Line) -> None:
        try:
            while data := await source.read(CHUNK_BYTES):
                for piece in self._slices(data):
                    await self._hold(len(piece))
                    await self._while_silent(line)
                    if not line.carry(len(piece)):
                        return
                    self.carried += len(piece)
                    sink.write(piece)
                    await sink.drain()
            await self._while_silent(line)
            if sink.can_write_eof():
                sink.write_eof()
        except OSError:
            line.reset()  # One end was reset: the other must hear of it, or it waits for ever.

    def _slices(self, data: bytes) -> list[bytes]:
        size = self._conditions.slice_bytes or len(data)
        return [data[start : start + size] for start in range(0, len(data), size)]

    async def _hold(self, size: int) -> None:
        """Wait as long as this line makes so many bytes wait."""
        now = self._conditions
        milliseconds = now.latency_ms + self._random.uniform(-now.jitter_ms, now.jitter_ms)
        seconds = max(0.0, milliseconds / 1000) + (size / now.bytes_per_second if now.bytes_per_second else 0.0)
        if seconds or now.slice_bytes:
            await asyncio.sleep(seconds)  # 0 for slices: each goes out as a segment of its own.

    async def _while_silent(self, line: _Line) -> None:
        while self._conditions.stalled or line.dead:
            await self._changed.wait()


class _Line:
    """One connection, both ends."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter, budget: int | None) -> None:
        self._ends = (near, far)
        self._far = far
        self.budget = budget
        self.dead = False
        self.pumps: list[asyncio.Task[None]] = []

    def carry(self, size: int) -> bool:
        """Count bytes; False when they were the last straw, and the line is gone."""
        if self.budget is None:
            return True
        self.budget -= size
        if self.budget > 0:
            return True
        self.reset()
        return False

    def half_close(self) -> None:
        with suppress(OSError, RuntimeError):
            self._far.write_eof()
        if self.pumps:
            self.pumps[0].cancel()

    def reset(self) -> None:
        for end in self._ends:
            _reset(end)
        for pump in self.pumps:
            pump.cancel()


def _reset(writer: asyncio.StreamWriter) -> None:
    raw: socket.socket | None = writer.get_extra_info("socket")
    if raw is not None and not writer.transport.is_closing():
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    writer.transport.abort()
