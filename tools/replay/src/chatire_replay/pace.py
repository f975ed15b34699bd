"""How fast a log is acted out."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """The clock of a replay: as fast as the stack takes it, or the log's own time made `speed` times faster."""

    def __init__(self, speed: float | None) -> None:
        """`None` waits for nothing; 1.0 is real time."""
        self._speed = speed
        self._began = time.monotonic()

    @classmethod
    def named(cls, name: str) -> Pace:
        """`max`, `real` or a number of times.

        Raises: ValueError.
        """
        if name == "max":
            return cls(None)
        speed = 1.0 if name == "real" else float(name)
        if not 0 < speed < float("inf"):
            raise ValueError("a speed is `max`, `real` or a number above 0")
        return cls(speed)

    def begin(self) -> None:
        """Now is the time of the first line."""
        self._began = time.monotonic()

    async def until(self, at_seconds: float) -> None:
        """Wait for a moment of the log."""
        if self._speed is None:
            return
        wait = self._began + at_seconds / self._speed - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
