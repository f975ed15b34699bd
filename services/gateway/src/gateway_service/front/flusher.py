"""Writing at the end of the loop's turn: what falls into one turn leaves in one write per socket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

SLICE = 256
"""So many sockets are written to before others have a turn: 256 system calls are some 3 ms."""


class Writer(Protocol):
    """One who has something to write.

    Attributes:
        is_queued: Whether the flusher will come to it.
    """

    is_queued: bool

    def flush(self) -> None:
        """Write it."""


class Flusher:
    """Calls back, once each, those who asked during a turn."""

    __slots__ = ("_call_soon", "_joined", "_parts", "_waiting")

    def __init__(self, call_soon: Callable[[Callable[[], None]], Any]) -> None:
        self._call_soon = call_soon
        self._waiting: deque[Writer] = deque()
        self._parts: list[bytes] = []
        self._joined = b""

    def soon(self, writer: Writer) -> None:
        """Flush it when this turn is over; once, however often it asks, or who writes much would hold up who writes little."""
        if writer.is_queued:
            return
        writer.is_queued = True
        if not self._waiting:
            self._call_soon(self._flush)
        self._waiting.append(writer)

    def joined(self, parts: list[bytes]) -> bytes:
        """The parts in one; in a room everybody gets the same ones, and they are joined once."""
        if len(parts) == 1:
            return parts[0]
        if parts != self._parts:
            self._parts, self._joined = parts, b"".join(parts)
        return self._joined

    def _flush(self) -> None:
        for _ in range(min(SLICE, len(self._waiting))):
            writer = self._waiting.popleft()
            writer.is_queued = False
            writer.flush()
        if self._waiting:
            self._call_soon(self._flush)
        else:
            self._parts, self._joined = [], b""
