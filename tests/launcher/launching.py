"""Runs `./chatire` as a user does: as a process of its own, on a data folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chatire_local import processes
from chatire_local.checkout import LAUNCHER, ROOT
from chatire_local.data_folder import DataFolder
from chatire_local.ports import free_ports
from chatire_local.status import can_serve, stack_status

PATIENCE_SECONDS = 120


@dataclass
class Stack:
    """One data folder and the launcher on it."""

    data: Path
    port: int = field(default_factory=lambda: free_ports(1)[0])
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run one command on this data folder to its end."""
        line = [sys.executable, LAUNCHER, command, "--data", str(self.data), *arguments]
        return subprocess.run(
            line,
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def _environment(self) -> dict[str, str]:
        """Ours, without the servers that the test runner may have meant for other suites."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("CHATIRE_")}
        return own | dict(self.environment)

    def up(self, *options: str) -> str:
        """Start it in the background; return what the launcher said."""
        done = self.run("up", "--detach", "--port", str(self.port), *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @contextmanager
    def in_foreground(self) -> Iterator["subprocess.Popen[str]"]:
        """Run `up` on this terminal, so to say, for as long as the block lasts."""
        line = [sys.executable, LAUNCHER, "up", "--data", str(self.data), "--port", str(self.port)]
        said: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        with subprocess.Popen(line, cwd=ROOT, env=self._environment(), process_group=0, **said) as launcher:
            try:
                yield launcher
            finally:
                launcher.terminate()
                launcher.communicate(timeout=PATIENCE_SECONDS)

    def said_status(self) -> dict[str, Any]:
        """What `status --json` says."""
        return dict(json.loads(self.run("status", "--json").stdout))

    def status(self) -> dict[str, Any]:
        """The same without the command's own process, for who asks often."""
        return stack_status(DataFolder(self.data))

    def pid(self, part: str) -> int:
        """The process of one part."""
        return int(self.status()["parts"][part]["pid"])

    def is_ready(self) -> bool:
        """Whether every part can serve."""
        return can_serve(self.status())

    def kill_launcher(self) -> None:
        """End the launcher as a power cut would, without a word to its parts."""
        pid = int(self.status()["launcher"])
        since = processes.started(pid)
        os.kill(pid, signal.SIGKILL)
        until(lambda: not processes.is_alive(pid, since))

    def processes(self) -> list[int]:
        """Every process that has to do with this data folder, by command line and environment."""
        mark = str(self.data).encode()
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and _mentions(entry, mark)]


def _mentions(entry: Path, mark: bytes) -> bool:
    try:
        return any(mark in (entry / name).read_bytes() for name in ("cmdline", "environ"))
    except OSError:
        return False


def until(condition: Callable[[], object]) -> None:
    """Wait for something that has to come; the deadline is only there to end a hopeless run."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("it did not come to pass")
        time.sleep(0.05)
