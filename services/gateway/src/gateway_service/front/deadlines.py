"""Things that must be over within a fixed time: one timer for all of them, and none while there are none. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
STANDSTILL_SECONDS = 1.0
CallLater = Callable[[float, Callable[[], None]], Any]


class Deadlines(Generic[Item]):
    """Whoever is watched for `seconds` without being forgotten is late.

    When everything stood still for a while, what would have been in time may wait to be read: then nobody is late yet.
    """

    def __init__(
        self, seconds: float, late: Callable[[Item], None], *, call_later: CallLater, clock: Callable[[], float]
    ) -> None:
        """Watch nobody yet.

        Args:
            seconds: How long each has; the same for all, so that the first in is the first out.
            late: Called with each that is late.
            call_later: Calls back after some seconds.
            clock: Monotonic seconds.
        """
        self._seconds = seconds
        self._late = late
        self._call_later = call_later
        self._clock = clock
        self._ends: dict[Item, float] = {}
        self._timed_for = 0.0
        self._is_timed = False

    def __len__(self) -> int:
        return len(self._ends)

    def watch(self, item: Item) -> None:
        """Give it `seconds` from now, if it isn't watched already."""
        self._ends.setdefault(item, self._clock() + self._seconds)
        self._set_timer(self._seconds)

    def forget(self, item: Item) -> None:
        """It is done in time."""
        self._ends.pop(item, None)

    def _set_timer(self, seconds: float) -> None:
        if not self._is_timed:
            self._is_timed = True
            self._timed_for = self._clock() + seconds
            self._call_later(seconds, self._look)

    def _look(self) -> None:
        self._is_timed = False
        now = self._clock()
        if now - self._timed_for > STANDSTILL_SECONDS:
            self._set_timer(STANDSTILL_SECONDS)
            return
        while self._ends:
            item, end = next(iter(self._ends.items()))
            if end > now:
                self._set_timer(end - now)
                return
            del self._ends[item]
            self._late(item)
