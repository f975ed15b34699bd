"""How much a process holds for sockets that have not taken it yet, and who is let go when that is too much (G8).

Each connection says what it holds whenever that may have grown, and not each time it shrinks: so the count is never too
low, costs no pass over all sockets for a frame, and is made exact only where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

MAX_BYTES = 67_108_864
"""Of all sockets of a process together: our queues, and what the server's own buffers hold beyond the kernel's."""
ENOUGH_BYTES = MAX_BYTES - MAX_BYTES // 16
"""So much is left after a cut; the way from here to the bound pays for the next exact count."""


class Holding(Protocol):
    """A socket that may hold something."""

    @property
    def held_bytes(self) -> int:
        """What it held at its latest count."""

    @property
    def is_open(self) -> bool:
        """Whether frames still go out."""

    def recount(self) -> None:
        """Look again."""

    def cut_for_all(self) -> None:
        """Close it for the good of the others."""

    def abort(self) -> None:
        """Drop what a closed socket still holds."""


class Backlog:
    """The sum over one process.

    Attributes:
        counted: Bytes that are held, or a little more.
        went_without: Frames that sockets did without because they were behind.
    """

    __slots__ = ("_relieving", "counted", "on_excess", "went_without")

    def __init__(self) -> None:
        """Begin with nothing; `on_excess` is called when the count passes the bound."""
        self.counted = 0
        self.went_without = 0
        self.on_excess: Callable[[], None] = lambda: None
        self._relieving = False

    def add(self, change: int) -> None:
        """One socket holds so much more, or less."""
        self.counted += change
        if self.counted > MAX_BYTES and change > 0 and not self._relieving:
            self.on_excess()

    def relieve(self, sockets: Iterable[Holding]) -> None:
        """Count exactly; if it is still too much, drop what closed sockets hold and cut off those who hold the most."""
        self._relieving = True
        try:
            everybody = list(sockets)
            for each in everybody:
                each.recount()
            if self.counted > ENOUGH_BYTES:
                _relieve(everybody)
        finally:
            self._relieving = False


def _relieve(everybody: list[Holding]) -> None:
    for each in everybody:
        if not each.is_open:
            each.abort()
    staying = [each for each in everybody if each.is_open]
    held = sum(each.held_bytes for each in staying)
    for each in sorted(staying, key=lambda one: one.held_bytes, reverse=True):
        if held <= ENOUGH_BYTES:
            return
        held -= each.held_bytes
        each.cut_for_all()
