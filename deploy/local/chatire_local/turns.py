"""Keeps two launchers of one checkout from installing or building over each other."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .checkout import ROOT
from .errors import LauncherError

INSTALLING = ROOT / ".chatire-install.lock"
BUILDING = ROOT / ".chatire-web.lock"
LOOK_EVERY_SECONDS = 0.1


@contextmanager
def one_at_a_time(lock: Path, while_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait for one's turn; the kernel passes it on however the holder ends.

    Args:
        lock: A file that is only there to be locked.
        while_waiting: Called again and again; may raise to give up.

    Raises: LauncherError, when the checkout cannot be written to.
    """
    try:
        handle = lock.open("w")
    except PermissionError as refused:
        message = (
            f"cannot write to {lock.parent}: this checkout belongs to someone else. "
            "Run ./chatire as its owner, or from a copy of your own."
        )
        raise LauncherError(message) from refused
    with handle:
        while not _take(handle.fileno()):
            while_waiting()
            time.sleep(LOOK_EVERY_SECONDS)
        yield


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
