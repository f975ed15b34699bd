"""The writing half of a socket: what falls into one turn of the loop leaves in one write."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from gateway_service.front.lobby import Lobby
from gateway_service.realtime.transport import HIGH_WATER_BYTES

JOINED_BYTES = 32_768
"""So much leaves without waiting for the end of the turn: more in one write gains nothing, and counts as held meanwhile."""


class Outlet(ABC):
    """Bytes on their way out of one socket; how they are written is its adapter's (`on_kernel`, `on_twisted`, `on_asyncio`).

    Attributes:
        transport: What the adapter reads from and writes to; None when the connection is over.
    """

    __slots__ = ("_callback", "_is_full", "_is_spilt", "_lobby", "_out", "_out_bytes", "is_queued", "transport")

    def __init__(self, lobby: Lobby, transport: Any) -> None:
        self._lobby = lobby
        self._callback: Callable[[], None] | None = None
        self._out: list[bytes] | None = None
        self._out_bytes = 0
        self._is_full = self._is_spilt = self.is_queued = False
        self.transport = transport

    def buffered_bytes(self) -> int:
        """What hasn't gone to the kernel: of this turn, and what the kernel had no room for.

        Who is told of more than `HIGH_WATER_BYTES` waits for `on_drained`, and is called.
        """
        if not self._is_spilt or self.transport is None:
            return self._out_bytes
        left = self._unsent_bytes()
        self._is_spilt = left > 0
        waiting = left + self._out_bytes
        # The adapter calls when its own part is gone; of the sum nobody knows but we.
        self._is_full = self._is_full or waiting > HIGH_WATER_BYTES
        return waiting

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Call back each time there is room after there was none."""
        self._callback = callback

    def _put(self, data: bytes) -> None:
        if self._out is None:
            self._out = [data]
            self._lobby.flusher.soon(self)
        else:
            self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes >= JOINED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what this turn has brought."""
        out, self._out, self._out_bytes = self._out, None, 0
        if out is None or self.transport is None:
            return
        self._write(self._lobby.flusher.joined(out))
        if self._is_full and self.buffered_bytes() <= HIGH_WATER_BYTES:
            self._drained()

    def _drained(self) -> None:
        """There is room; an adapter says so when all that it kept is gone."""
        self._is_full = False
        if self._callback is not None:
            self._callback()

    @abstractmethod
    def _write(self, data: bytes) -> None:
        """Write; what the kernel doesn't take is kept, and `_is_spilt` set."""

    @abstractmethod
    def _unsent_bytes(self) -> int:
        """How much is kept."""

    @abstractmethod
    def _end_connection(self, *, wait_for_theirs: bool = False) -> None:
        """Close TCP behind what was written; or only our direction, and go on reading until they close theirs."""

    @abstractmethod
    def abort(self) -> None:
        """Cut the connection."""
