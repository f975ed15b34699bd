"""The stock `daphne` command with the slim front and an application that echoes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from house import House, running

HERE = str(Path(__file__).parent)
STOCK = ("-m", "daphne", "-e", "chatire:tcp:port={port}:interface=127.0.0.1:backlog=4096", "echo_app:application")


@contextmanager
def echoing(folder: Path, **environment: str) -> Iterator[House]:
    """It runs; without limits, since tests open many sockets at once."""
    with running("stock", folder, STOCK, PYTHONPATH=HERE, CHATIRE_LIMITS="off", **environment) as house:
        yield house
