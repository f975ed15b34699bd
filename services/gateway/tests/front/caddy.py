"""Caddy as the local stack runs it, before one gateway."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CADDYFILE = Path(__file__).parents[4] / "deploy" / "caddy" / "Caddyfile"


@contextmanager
def caddy_before(gateway_port: int, folder: Path) -> Iterator[int]:
    """The port of a Caddy that has this gateway behind `/ws`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    nobody = "127.0.0.1:1"
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "CHATIRE_CADDY_LISTEN": f":{port}",
        "CHATIRE_CADDY_BIND": "127.0.0.1",
        "CHATIRE_CADDY_WS_ORIGIN": f"ws://localhost:{port}",
        "CHATIRE_AUTH_UPSTREAMS": nobody,
        "CHATIRE_MESSAGES_UPSTREAMS": nobody,
        "CHATIRE_GATEWAY_UPSTREAMS": f"127.0.0.1:{gateway_port}",
        "CHATIRE_WEB_ROOT": str(folder),
    }
    command = [str(Path(sys.prefix) / "bin" / "caddy"), "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)]
    with (folder / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_listening(port, caddy, folder / "caddy.log")
        yield port
    finally:
        caddy.terminate()
        caddy.wait()


def _wait_until_listening(port: int, caddy: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 20
    while caddy.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(log.read_text())
