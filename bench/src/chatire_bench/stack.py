"""Our own stack, started as a user would start it, and the people and rooms in it.

Not the stack of `./chatire verify`: that one arms its services for faults, and what is armed is not what is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatire_bench.errors import BenchError
from chatire_bench.places import ROOT
from chatire_client import Account, Http
from chatire_local.parts.detours import FILE_NAME
from chatire_local.ports import free_ports

_START_SECONDS = 300
_STOP_SECONDS = 120
_MANAGE_SECONDS = 600


@dataclass(frozen=True)
class Processes:
    """How many processes of each kind to start, and how.

    Attributes:
        settings: Environment variables of single parts, by part and name, on top of what the stack gives them.
    """

    gateways: int = 1
    workers: int = 2
    limits: str = "off"
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Stack:
    """One data folder of ours, and the stack on it while it runs."""

    def __init__(self, data: Path, *, keeps: bool = False) -> None:
        """Name it; nothing runs yet.

        Args:
            data: Its folder.
            keeps: Whether it goes on running for whoever wants the same next, until `stop`: a start takes as long as a
                small measurement.
        """
        self.data = data
        (self.port,) = free_ports(1)
        self._keeps = keeps
        self._kept: Processes | None = None
        self._beginning: Future[None] | None = None

    def begin(self, counts: Processes) -> None:
        """Start it beside whatever else there is to do, to be kept; `running` waits until it is there."""
        pool = ThreadPoolExecutor(1)
        self._beginning, self._kept = pool.submit(self._start, counts), counts
        pool.shutdown(wait=False)

    @contextmanager
    def running(self, counts: Processes) -> Iterator[None]:
        """Start it, if it isn't running; stop it afterwards, if it isn't kept.

        Raises: BenchError.
        """
        try:
            self._have_begun()
            if self._kept != counts:
                if self._kept is not None:
                    self.stop()
                self._start(counts)
                self._kept = counts if self._keeps else None
            yield
        finally:
            if self._kept is None:
                self.stop()

    def stop(self) -> None:
        """Stop it, whether it runs or not."""
        with suppress(BenchError):
            self._have_begun()
        self._kept = None
        if self.data.exists():
            self._launcher("down", seconds=_STOP_SECONDS)

    def _have_begun(self) -> None:
        beginning, self._beginning = self._beginning, None
        if beginning is not None and beginning.exception() is not None:
            self._kept = None
            beginning.result()

    def _start(self, counts: Processes) -> None:
        options = ["--port", str(self.port), "--limits", counts.limits, "--detach"]
        options += ["--gateways", str(counts.gateways), "--workers", str(counts.workers)]
        self._tell_parts(counts.settings)
        done = self._launcher("up", *options, seconds=_START_SECONDS)
        if done.returncode:
            raise BenchError(f"the stack did not start:\n{done.stdout}{done.stderr}")

    def remake(self, part: str, settings: Mapping[str, str]) -> None:
        """Start a part of the running stack anew, with these settings and without those that it had from here before.

        Raises: BenchError.
        """
        told = {part: settings} if settings else {}
        if self._kept is not None and told != self._kept.settings:
            self._kept = None  # It isn't what the next one wants.
        self._tell_parts(told)
        done = self._launcher("restart", part, seconds=_START_SECONDS)
        if done.returncode:
            raise BenchError(f"{part} did not start anew:\n{done.stdout}{done.stderr}")

    def _tell_parts(self, settings: Mapping[str, Mapping[str, str]]) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self._parts_file.write_text(json.dumps(settings))

    @property
    def _parts_file(self) -> Path:
        return self.data / "bench-parts.json"

    def manage(self, *arguments: str, text: str | None = None) -> str:
        """What a management command of a service prints.

        Raises: BenchError.
        """
        done = self._launcher("manage", *arguments, seconds=_MANAGE_SECONDS, text=text)
        if done.returncode:
            raise BenchError(f"`./chatire manage {' '.join(arguments[:2])}` failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def _launcher(
        self, command: str, *arguments: str, seconds: int, text: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(ROOT / "chatire"), command, "--data", str(self.data), *arguments]
        # The launcher reads it whenever it starts a part.
        environment = {**os.environ, FILE_NAME: str(self._parts_file)}
        return subprocess.run(
            line, capture_output=True, text=True, timeout=seconds, check=False, input=text, env=environment
        )

    def http(self, connections: int = 10) -> Http:
        """Calls through the API gateway, as clients make them."""
        return Http(f"http://127.0.0.1:{self.port}", connections=connections)

    def sign_in(self, names: Sequence[str]) -> list[Account]:
        """People of these names, made when they are new, each with a fresh session."""
        batch = self.data / "bench-people.jsonl"
        batch.write_text("".join(json.dumps({"username": name}) + "\n" for name in names))
        made = self.manage("auth", "create_user", "--batch", str(batch), "--tokens")
        people = [json.loads(line) for line in made.splitlines() if line.startswith("{")]
        http = self.http()
        return [Account(http, person, person["access"], person["refresh"]) for person in people]

    @property
    def addresses(self) -> dict[str, Any]:
        """Where the parts listen."""
        return dict(self._run["addresses"])

    def ports(self, service: str) -> list[int]:
        """Where each process (or instance) of a service listens."""
        return [port for name, port in self._ports.items() if name.partition("-")[0] == service]

    @property
    def _ports(self) -> dict[str, int]:
        return {
            name: int(part["address"].rsplit(":", 1)[1]) for name, part in self._run["parts"].items() if part["address"]
        }

    @property
    def pids(self) -> dict[str, int]:
        """The first process of each part."""
        return {name: int(part["pid"]) for name, part in self._run["parts"].items() if part["pid"]}

    @property
    def _run(self) -> dict[str, Any]:
        return dict(json.loads((self.data / "run.json").read_text()))
