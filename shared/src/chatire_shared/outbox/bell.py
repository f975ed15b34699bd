"""Hearing the bell: a thread with its own subscription, which comes back after anything that happens to Redis."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import redis

from chatire_shared.bus.breaker import Backoff
from chatire_shared.bus.groups import BELL_CHANNEL
from chatire_shared.bus.publisher import connect

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.5


class BellListener(threading.Thread):
    """Calls `on_ring` for every ring, and for every (re-)connection, since rings may have been missed before it."""

    def __init__(self, redis_url: str, on_ring: Callable[[], None]) -> None:
        """Prepare; `start` begins.

        Args:
            redis_url: The Redis on which it is rung.
            on_ring: Quick and safe to call from this thread, such as `Event.set`.
        """
        super().__init__(name="chatire-bell", daemon=True)
        self._redis = connect(redis_url)
        self._on_ring = on_ring
        self._stopped = threading.Event()

    def run(self) -> None:
        """Listen until `stop`."""
        backoff = Backoff(0.05, 1.0)
        while not self._stopped.is_set():
            try:
                self._listen(backoff)
            except redis.RedisError as error:
                logger.info("The bell can't be heard.", extra={"reason": str(error)})
            except Exception:
                logger.exception("The bell listener failed in an unexpected way.")
            self._stopped.wait(backoff.next())
        self._redis.close()

    def stop(self) -> None:
        """End within half a second."""
        self._stopped.set()

    def _listen(self, backoff: Backoff) -> None:
        pubsub = self._redis.pubsub()  # type: ignore[no-untyped-call]
        try:
            pubsub.subscribe(BELL_CHANNEL)
            while not self._stopped.is_set():
                message = pubsub.get_message(timeout=_POLL_SECONDS)
                if message is not None:  # The confirmation of the subscription counts as well.
                    backoff.reset()
                    self._on_ring()
        finally:
            pubsub.close()
