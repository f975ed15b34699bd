"""Places where a test can have a process die, to prove that dying there loses nothing (docs: the fault tests)."""

from __future__ import annotations

import os
import signal

ENVIRONMENT_NAME = "CHATIRE_FAULT_AT"


def hit(name: str) -> None:
    """Die here by SIGKILL if the environment names this place; otherwise do nothing.

    Args:
        name: `<part>.<place>`, for instance `relay.after_publish`.
    """
    if os.environ.get(ENVIRONMENT_NAME) == name:
        os.kill(os.getpid(), signal.SIGKILL)
