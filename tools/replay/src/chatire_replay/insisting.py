"""Calling until it works, while a part of the stack is away: joining, leaving and reading may be repeated safely."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import requests

from chatire_client import Problem

PATIENCE_SECONDS = 180.0
PAUSE_SECONDS = 0.3
_SERVER_ERRORS = 500

Answer = TypeVar("Answer")


def insist(call: Callable[[], Answer]) -> Answer:
    """Call again while nobody answers, or somebody answers 5xx, for at most three minutes: a busy machine takes its time.

    Raises: Problem, requests.RequestException: the last refusal.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except (requests.ConnectionError, requests.Timeout):
            if time.monotonic() >= deadline:
                raise
        except Problem as problem:
            if problem.status < _SERVER_ERRORS or time.monotonic() >= deadline:
                raise
        time.sleep(PAUSE_SECONDS)
