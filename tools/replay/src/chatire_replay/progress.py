"""Telling how far it is, on standard error: in place on a terminal, a line for each tenth otherwise."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_EVERY_SECONDS = 0.5


class Progress:
    """One replay's progress."""

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        """Count to `total`."""
        self._total = max(1, total)
        self._stream = stream or sys.stderr
        self._tenths = 0
        self._shown_at = 0.0

    def say(self, text: str) -> None:
        """A line of its own."""
        self._stream.write(f"{self._home()}{text}\n")
        self._stream.flush()

    def at(self, done: int) -> None:
        """So many are done."""
        if self._stream.isatty():
            now = time.monotonic()
            if now - self._shown_at > _EVERY_SECONDS or done == self._total:
                self._shown_at = now
                self._stream.write(f"{self._home()}{done:,} of {self._total:,} lines sent")
                self._stream.flush()
        elif done * 10 // self._total > self._tenths:
            self._tenths = done * 10 // self._total
            self.say(f"{done:,} of {self._total:,} lines sent")

    def _home(self) -> str:
        return "\r\x1b[K" if self._stream.isatty() else ""
