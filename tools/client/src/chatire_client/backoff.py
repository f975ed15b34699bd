"""How long to wait before the next attempt: full jitter, 0.5 s doubling to 30 s (protocol.md section 5)."""

from __future__ import annotations

from random import Random

FIRST_SECONDS = 0.5
MOST_SECONDS = 30.0
_DOUBLINGS = 6  # 0.5 s doubled six times is past 30 s; a larger exponent would only overflow.


class Backoff:
    """The waits of one series of attempts; begins anew after a success."""

    def __init__(self, random: Random, *, most_seconds: float = MOST_SECONDS) -> None:
        """Draw from `random`, so that a seed repeats a run; the ceiling doubles up to `most_seconds`."""
        self._random = random
        self._most_seconds = most_seconds
        self._failures = 0

    def succeeded(self) -> None:
        """Begin anew."""
        self._failures = 0

    def next_seconds(self, *, at_least: float = 0.0) -> float:
        """The next wait: anything from nothing to the ceiling, on top of what the server asked for."""
        ceiling = min(self._most_seconds, FIRST_SECONDS * 2 ** min(self._failures, _DOUBLINGS))
        self._failures += 1
        return at_least + self._random.uniform(0, ceiling)
