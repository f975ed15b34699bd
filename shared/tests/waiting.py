"""Waiting for a condition with a deadline, instead of sleeping and hoping."""

import asyncio
import time
from collections.abc import Callable

DEADLINE_SECONDS = 20


def wait_until(condition: Callable[[], bool], what: str = "the condition") -> None:
    """Return as soon as `condition()` holds; fail the test when it never does."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.01)


async def eventually(condition: Callable[[], bool], what: str = "the condition") -> None:
    """The same without holding up the loop."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come about"
        await asyncio.sleep(0.005)
