"""The relay's sign of life: each second, the heads of what it has published lately.

A gateway that misses one asks the messages service instead; one that sees a head above its own knows that the last
message before a silence was lost, which no gap would ever show.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from chatire_shared.bus.groups import CONVERSATION_PREFIX, TICK_GROUP
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.publisher import LayerPublisher
from chatire_shared.contracts import envelopes

logger = logging.getLogger(__name__)

KEEP_SECONDS = 5.0
MAX_ENTRIES = 4000
"""Of heads, and of people; some 200 KB of tick. Above it the oldest are left to the gateways' own position checks."""


class Board:
    """The highest numbers published in the last seconds. Bounded; thread-safe."""

    def __init__(self, now: Callable[[], float] = time.monotonic, max_entries: int = MAX_ENTRIES) -> None:
        """Begin empty; `now` is a monotonic clock in seconds."""
        self._now = now
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._heads: dict[str, tuple[int, float]] = {}
        self._members: dict[str, tuple[int, float]] = {}

    def note(self, topic: str, seq: int | None, message: Mapping[str, Any]) -> None:
        """Take note of a published message: an event's `seq`, or the `membership_version` told to a person."""
        with self._lock:
            if topic.startswith(CONVERSATION_PREFIX) and seq is not None:
                self._put(self._heads, topic.removeprefix(CONVERSATION_PREFIX), seq)
            elif message.get("type") == envelopes.MEMBER and isinstance(message.get("membership_version"), int):
                self._put(self._members, str(message.get("user")), message["membership_version"])

    def heads(self) -> list[list[Any]]:
        """`[conversation, seq]` of each conversation published lately."""
        return self._recent(self._heads)

    def members(self) -> list[list[Any]]:
        """`[user, membership_version]` of each person told lately."""
        return self._recent(self._members)

    def _put(self, entries: dict[str, tuple[int, float]], key: str, number: int) -> None:
        before = entries.pop(key, (number, 0.0))[0]  # Popped: the dict stays in the order of its ages.
        entries[key] = (max(before, number), self._now())
        if len(entries) > self._max_entries:
            del entries[next(iter(entries))]

    def _recent(self, entries: dict[str, tuple[int, float]]) -> list[list[Any]]:
        with self._lock:
            oldest = self._now() - KEEP_SECONDS
            while entries and entries[first := next(iter(entries))][1] < oldest:
                del entries[first]
            return [[key, number] for key, (number, _) in entries.items()]


class Ticker(threading.Thread):
    """Publishes a tick each second while the relay works: it tells that what is committed is on its way.

    A relay that hangs or has lost PostgreSQL alone must not say so: gateways would wait for what it does not publish.
    """

    def __init__(
        self,
        publisher: LayerPublisher,
        board: Board,
        *,
        seconds: float = 1.0,
        works: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare; `start` begins. The relay's id is new for each process."""
        super().__init__(name="chatire-ticker", daemon=True)
        self._publisher = publisher
        self._board = board
        self._seconds = seconds
        self._works = works
        self._stopped = threading.Event()
        self._relay = str(uuid.uuid4())
        self.count = 0

    def run(self) -> None:
        """Tick until `stop`."""
        while not self._stopped.wait(self._seconds):
            try:
                if self._works():
                    self.tick()
            except BusUnavailable:
                continue  # The next one carries the same heads for five seconds.
            except Exception:
                logger.exception("A tick failed in an unexpected way.")

    def tick(self) -> None:
        """Publish one tick now; raises BusUnavailable."""
        self.count += 1
        message = envelopes.tick(
            relay=self._relay, n=self.count, heads=self._board.heads(), members=self._board.members()
        )
        self._publisher.publish_many([(TICK_GROUP, message)])

    def stop(self) -> None:
        """End after the tick that is under way."""
        self._stopped.set()
