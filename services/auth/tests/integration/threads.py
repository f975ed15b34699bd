"""Running the same deed many times at once, each thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(deeds: list[Callable[[], T]], *, database: bool = True) -> list[T | Exception]:
    """The results of all `deeds`, begun together; what one raises is its result."""
    gate = threading.Barrier(len(deeds))

    def run(deed: Callable[[], T]) -> T | Exception:
        try:
            if database:
                connection.ensure_connection()
            gate.wait(20)
            return deed()
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a result)
            return error
        finally:
            if database:
                connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))
