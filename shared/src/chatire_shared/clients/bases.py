"""Where a service listens when several of it run, and whom to ask next. Knows no HTTP."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable

_SEPARATORS = re.compile(r"[\s,]+")
AVOID_SECONDS = 1.0
"""How long one that failed is asked last: about as long as it takes to find out whether it is back."""


def base_urls(text: str) -> tuple[str, ...]:
    """The base URLs in a setting, separated by spaces or commas.

    Raises:
        ValueError: there is none.
    """
    found = tuple(word.rstrip("/") for word in _SEPARATORS.split(text) if word)
    if not found:
        message = "no base URL given"
        raise ValueError(message)
    return found


class Bases:
    """Takes turns among instances; one that failed comes last for a second. Safe to share between threads.

    Turns rather than staying with one: callers are few (a gateway has one client for eight threads), so that two of them
    that stayed with a random one would burden the same instance half the time.
    """

    def __init__(self, text: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with a random one, so that not all callers begin with the same.

        Args:
            text: As in a setting, see `base_urls`.
            clock: Monotonic seconds.
        """
        self._urls = base_urls(text)
        self._clock = clock
        self._avoid_until = dict.fromkeys(self._urls, float("-inf"))
        self._turn = random.randrange(len(self._urls))  # noqa: S311 (no secret)
        self._lock = threading.Lock()

    def in_turn(self) -> tuple[str, ...]:
        """All of them, in the order to ask them in now."""
        with self._lock:
            self._turn = (self._turn + 1) % len(self._urls)
            turned = self._urls[self._turn :] + self._urls[: self._turn]
            now = self._clock()
            return tuple(sorted(turned, key=lambda url: self._avoid_until[url] > now))

    def failed(self, url: str) -> None:
        """Ask it last for a while."""
        with self._lock:
            self._avoid_until[url] = self._clock() + AVOID_SECONDS

    def worked(self, url: str) -> None:
        """Ask it in its turn again."""
        with self._lock:
            self._avoid_until[url] = float("-inf")
