"""The stack that the journeys run on: one that is there already, or one started as a user would, and stopped again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "chatire"


@contextmanager
def given_or_started(url: str | None) -> Iterator[str]:
    """The stack at `url`, that of CHATIRE_E2E_URL, or one of its own; yields its address."""
    given = url or os.environ.get("CHATIRE_E2E_URL")
    if given:
        yield given
    else:
        with started() as address:
            yield address


@contextmanager
def started() -> Iterator[str]:
    """Start a stack of its own; yields its address."""
    with tempfile.TemporaryDirectory(prefix="chatire-e2e-", ignore_cleanup_errors=True) as folder:
        port = _free_port()
        options = ["--data", folder, "--port", str(port), "--limits", "off", "--gateways", "2"]
        subprocess.run([sys.executable, LAUNCHER, "up", "--detach", *options], check=True, timeout=300)
        try:
            yield f"http://localhost:{port}"
        finally:
            subprocess.run([sys.executable, LAUNCHER, "down", "--data", folder], check=False, timeout=120)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
