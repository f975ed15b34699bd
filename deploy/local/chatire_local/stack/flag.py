"""A yes that is said once and may be said by a signal handler."""

import time

LOOK_EVERY_SECONDS = 0.05


class Flag:
    """What threading.Event is, but for signal handlers.

    An Event deadlocks there: a handler runs in the main thread, and if that is inside the Event's own `wait` at the moment,
    `set` waits for a lock that only the interrupted code could give back.
    """

    def __init__(self) -> None:
        """Not said yet."""
        self._said = False

    def set(self) -> None:
        """Say it, for good."""
        self._said = True

    def is_set(self) -> bool:
        """Whether it was said."""
        return self._said

    def wait(self, seconds: float) -> bool:
        """Wait until it is said or the time is over; whether it was."""
        deadline = time.monotonic() + seconds
        while not self._said and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_EVERY_SECONDS))
        return self._said
