"""Calling until it works, while parts of the stack are away. Only for calls that may be repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import requests

from chatire_client import Problem

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.3
_SERVER_ERRORS = 500

Answer = TypeVar("Answer")


async def insist(call: Callable[[], Answer]) -> Answer:
    """Call in a thread, again while nobody answers or somebody answers 5xx, for at most a minute.

    Raises: Problem, requests.RequestException: the last refusal.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(call)
        except (requests.RequestException, Problem) as refusal:
            final = isinstance(refusal, Problem) and refusal.status < _SERVER_ERRORS
            if final or time.monotonic() >= deadline:
                raise
        await asyncio.sleep(PAUSE_SECONDS)
