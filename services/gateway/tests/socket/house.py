"""A gateway process under one of the servers that it runs under, with fakes for neighbours."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from backstage import Backstage
from device import Device

from chatire_shared.testing.servers import ensure_redis
from chatire_shared.testing.tokens import TokenMint, public_jwk

_UVICORN = (
    *("-m", "uvicorn", "{application}", "--port", "{port}", "--log-level", "warning"),
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--lifespan", "on"),
)
_UVICORN_SLIM = (*_UVICORN, "--http", "gateway_service.front.uvicorn:Front")

COMMANDS = {
    "daphne": ["-m", "gateway_service.server", "--bind", "127.0.0.1", "--port", "{port}"],
    "slim": ["-m", "gateway_service.server", "--bind", "127.0.0.1", "--port", "{port}"],
    "stock": ["-m", "daphne", "-e", "chatire:tcp:port={port}:interface=127.0.0.1:backlog=4096", "{application}"],
    "uvicorn": _UVICORN,
    "uvicorn-slim": _UVICORN_SLIM,
}


FRONTS = {"daphne": "daphne", "slim": "slim"}
"""What stands before Daphne in our own server; under the stock command the endpoint says it."""


class House:
    """A running gateway with its neighbours."""

    def __init__(self, kind: str, backstage: Backstage, process: subprocess.Popen[bytes], port: int) -> None:
        self.kind = kind
        self.backstage = backstage
        self.process = process
        self.port = port
        self.ada = uuid4()
        self.grace = uuid4()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    async def device(self, user: UUID, **options: Any) -> Device:
        """A socket of `user`, let in."""
        device = await self.stranger()
        await device.send(type="auth", token=self.backstage.token(user), **options)
        device.ready = await device.gets("ready")
        return device

    async def stranger(self, **options: Any) -> Device:
        """A socket that has said nothing yet."""
        return await Device.connect(self.url, **options)

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())


@contextmanager
def running(
    kind: str, folder: Path, application: str = "gateway_service.asgi:application", **environment: str
) -> Iterator[House]:
    """A gateway, or another application, under the server of this kind."""
    key = TokenMint(kid="gateway")
    redis_url = environment.get("CHATIRE_REDIS_URL") or ensure_redis()
    backstage = Backstage(redis_url, key)
    (folder / "key.pem").write_bytes(key.pem())
    (folder / "secret").write_text("only for tests")
    (folder / "keys.json").write_text(json.dumps({"keys": [public_jwk(key.private_key.public_key(), "gateway")]}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {
        "CHATIRE_SECRET_KEY_FILE": str(folder / "secret"),
        "CHATIRE_SERVICE_KEY_FILE": str(folder / "key.pem"),
        "CHATIRE_SERVICE_KEYS_FILE": str(folder / "keys.json"),
        "CHATIRE_AUTH_URL": backstage.auth.url,
        "CHATIRE_MESSAGES_URL": backstage.url,
        "CHATIRE_REDIS_URL": redis_url,
        "CHATIRE_PUBLIC_ORIGIN": "http://chat.example",
        "CHATIRE_FRONT": FRONTS.get(kind, "daphne"),
        "DJANGO_SETTINGS_MODULE": "gateway_service.settings",
    }
    arguments = [part.format(port=port, application=application) for part in COMMANDS[kind]]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *arguments], env=os.environ | settings | environment, stderr=log)
    house = House(kind, backstage, process, port)
    stop = threading.Event()
    ticker = threading.Thread(target=_tick, args=(backstage, stop), daemon=True)
    ticker.start()
    try:
        _wait_until_ready(house, folder / "log")
        yield house
    finally:
        stop.set()
        process.send_signal(signal.SIGTERM)
        process.wait(25)
        ticker.join()
        backstage.close()


def _tick(backstage: Backstage, stop: threading.Event) -> None:
    while not stop.wait(1.0):
        backstage.tick()


def _wait_until_ready(house: House, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{house.port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())
