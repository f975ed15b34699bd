"""Caddy with the project's own Caddyfile in front of fake services, and a client that sends paths as they are written."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatire_local.checkout import CADDYFILE
from chatire_local.ports import free_ports

NOBODY_LISTENS = "127.0.0.1:1"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which has to be JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class ApiGateway:
    """A running Caddy."""

    port: int

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Iterator[bytes] | None = None,
    ) -> Answer:
        """Send one request; the path is not touched."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                method, path, body=body, headers=dict(headers or {}), encode_chunked=not isinstance(body, bytes)
            )
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """GET; underscores in the names of headers stand for dashes."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def raw(self, request: bytes) -> bytes:
        """Send bytes, and read until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def running_gateway(
    folder: Path,
    web_root: Path,
    *,
    auth: str = NOBODY_LISTENS,
    messages: str = NOBODY_LISTENS,
    gateways: str = NOBODY_LISTENS,
) -> Iterator[ApiGateway]:
    """Caddy for as long as the block lasts."""
    port = free_ports(1)[0]
    environment = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "CHATIRE_CADDY_LISTEN": f":{port}",
        "CHATIRE_CADDY_BIND": "127.0.0.1",
        "CHATIRE_CADDY_WS_ORIGIN": f"ws://localhost:{port}",
        "CHATIRE_AUTH_UPSTREAMS": auth,
        "CHATIRE_MESSAGES_UPSTREAMS": messages,
        "CHATIRE_GATEWAY_UPSTREAMS": gateways,
        "CHATIRE_WEB_ROOT": str(web_root),
    }
    command = [Path(sys.prefix) / "bin" / "caddy", "run", "--adapter", "caddyfile", "--config", CADDYFILE]
    with (folder / "caddy.log").open("wb") as log:
        caddy = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_listening(port, caddy, folder / "caddy.log")
        yield ApiGateway(port)
    finally:
        caddy.terminate()
        caddy.wait()


def _wait_until_listening(port: int, caddy: "subprocess.Popen[bytes]", log: Path) -> None:
    while caddy.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail(f"Caddy ended with {caddy.returncode}: {log.read_text()}")
