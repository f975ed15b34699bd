"""When to stop asking a server that does not answer, and when to ask again. Pure but for the clock it is given."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable


class Backoff:
    """Growing, jittered pauses: `first`, then double up to `most`, each taken at random from its upper half."""

    def __init__(self, first: float, most: float, jitter: Callable[[], float] = random.random) -> None:
        """Begin at the start.

        Args:
            first: Seconds.
            most: Seconds.
            jitter: Source of numbers in [0, 1); without it all processes that lost a server return at once.
        """
        self._first = first
        self._most = most
        self._jitter = jitter
        self._next = first

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        pause = self._next
        self._next = min(self._most, pause * 2)
        return pause * (0.5 + 0.5 * self._jitter())

    def reset(self) -> None:
        """It worked: start from `first` again."""
        self._next = self._first


class Breaker:
    """After a failure, answers "no" for a growing time; then lets a single caller try. Thread-safe.

    Without it every request of a service would wait for the full timeout while Redis hangs.
    """

    def __init__(
        self,
        *,
        first_seconds: float = 0.25,
        most_seconds: float = 2.0,
        probe_seconds: float = 0.25,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Begin closed: everything is allowed.

        Args:
            first_seconds: How long to refuse after the first failure.
            most_seconds: How long at most, after many.
            probe_seconds: How long the others are refused while one caller tries.
            now: Monotonic clock, in seconds.
            jitter: Source of numbers in [0, 1).
        """
        self._backoff = Backoff(first_seconds, most_seconds, jitter)
        self._probe_seconds = probe_seconds
        self._now = now
        self._lock = threading.Lock()
        self._refuse_until: float | None = None
        self._probing = False

    @property
    def closed(self) -> bool:
        """Whether the last attempt succeeded (or none was made yet)."""
        return self._refuse_until is None

    def allows(self) -> bool:
        """Whether the caller may try now; a caller who was allowed reports `succeeded` or `failed`."""
        with self._lock:
            if self._refuse_until is None:
                return True
            if self._now() < self._refuse_until:
                return False
            self._refuse_until = self._now() + self._probe_seconds
            self._probing = True
            return True

    def succeeded(self) -> None:
        """The server answered."""
        if self._refuse_until is not None:
            with self._lock:
                self._refuse_until = None
                self._probing = False
                self._backoff.reset()

    def failed(self) -> None:
        """The server is away or hangs."""
        with self._lock:
            if self._refuse_until is not None and not self._probing:
                return  # A straggler of a failure that is known: a hundred of them are still one outage.
            self._probing = False
            self._refuse_until = self._now() + self._backoff.next()
