"""Doing things at the same moment, each in a thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

Outcome = TypeVar("Outcome")


def at_once(deeds: Sequence[Callable[[], Outcome]]) -> list[Outcome]:
    """Do all of them, none before every thread is connected; results in order, the first exception raised."""
    barrier = threading.Barrier(len(deeds))

    def run(deed: Callable[[], Outcome]) -> Outcome:
        try:
            connection.ensure_connection()
            barrier.wait(30)
            return deed()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))
