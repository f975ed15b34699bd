"""The real services as processes, each alone beside fakes of its neighbours."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from chatire_shared.testing.alone import Alone
from chatire_shared.testing.servers import free_port

SERVICES = Path(__file__).parents[2] / "services"


class House:
    """A running service."""

    def __init__(self, alone: Alone, log: Path) -> None:
        self.alone = alone
        self.folder = SERVICES / alone.service
        self.url = f"http://127.0.0.1:{free_port()}"
        self._environment = os.environ | alone.environment | {"CHATIRE_LIMITS": "off"}
        self._log = log
        self._running: list[subprocess.Popen[bytes]] = []

    def manage(self, *arguments: str) -> None:
        """Run one of its commands to its end."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self._environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()

    def start(self, *command: str, health: str | None = None) -> None:
        """Start one of its processes and wait until it can serve."""
        with self._log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=self._environment, stdout=log, stderr=log
            )
        self._running.append(started)
        deadline = time.monotonic() + 30
        while not _ready(health or self.url):
            assert started.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)


def _ready(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{url}/readyz", timeout=2).ok
    return False


@contextmanager
def living_in(service: str, folder: Path) -> Iterator[House]:
    """A service with an empty database, as its README starts it."""
    with Alone(service) as alone:
        house = House(alone, folder / f"{service}.log")
        try:
            if service == "auth":
                house.manage("ensure_keys")
            house.manage("migrate", "--verbosity", "0")
            bind = house.url.removeprefix("http://")
            options = ("-c", "gunicorn.conf.py", "--bind", bind, "--workers", "1")
            house.start("-m", "gunicorn", f"{service}_service.wsgi:application", *options)
            yield house
        finally:
            house.stop()
