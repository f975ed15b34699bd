"""The slim front, under the stock `daphne` command or uvicorn's, and an application that echoes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from house import House, running

HERE = str(Path(__file__).parent)


@contextmanager
def echoing(folder: Path, kind: str = "stock", **environment: str) -> Iterator[House]:
    """It runs; without limits, since tests open many sockets at once."""
    with running(kind, folder, "echo_app:application", PYTHONPATH=HERE, CHATIRE_LIMITS="off", **environment) as house:
        yield house
