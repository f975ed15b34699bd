"""The load generator as the runner sees it: a process that holds the connections, obeys lines and answers in JSON."""

from __future__ import annotations

import json
import mmap
import select
import struct
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Any, Self

from chatire_bench import processes
from chatire_bench.errors import BenchError

_PROGRESS = struct.Struct("5Q")
_ANSWER_SECONDS = 30.0
_LARGEST_NONCE = 2**31


@dataclass(frozen=True)
class Line:
    """One connection that is to be opened.

    Attributes:
        room: A number; all connections with the same one get the same messages.
        path: Of the URL.
        conversation: What a message is sent to.
        token: For `auth`, or for `Authorization` over HTTP.
    """

    port: int
    room: int
    path: str
    conversation: str = ""
    token: str = ""
    host: str = "127.0.0.1"

    def text(self) -> str:
        """As the load generator reads it."""
        return " ".join(
            [self.host, str(self.port), str(self.room), self.path or "-", self.conversation or "-", self.token or "-"]
        )


@dataclass(frozen=True)
class Progress:
    """What the load generator has seen since it began, read while it works without asking it."""

    deliveries: int
    ready: int
    acked: int
    closed: int
    sent: int


class Loadgen:
    """One running load generator; a context manager."""

    def __init__(
        self,
        command: list[str],
        protocol: str,
        lines: Iterable[Line],
        *,
        body_bytes: int = 100,
        cores: Iterable[int] | None = None,
    ) -> None:
        """Start it; nothing is connected yet.

        Args:
            command: See `building.load_generator`.
            protocol: `chatire`, `plain`, `socketio` or `http`.
            lines: The connections.
            body_bytes: Size of the bodies that it sends.
            cores: Where it may run; None: where the runner may.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="chatire-loadgen-")
        listed = list(lines)
        listing, progress = Path(self._folder.name) / "list", Path(self._folder.name) / "progress"
        listing.write_text("".join(f"{line.text()}\n" for line in listed))
        progress.write_bytes(bytes(mmap.PAGESIZE))
        self.count = len(listed)
        nonce = SystemRandom().randrange(1, _LARGEST_NONCE)
        self._process = subprocess.Popen(
            [*command, protocol, str(listing), str(progress), str(body_bytes), str(nonce)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with progress.open("r+b") as file:
            self._progress = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        if cores is not None:
            processes.pin(self._process.pid, set(cores))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self, at_once: int = 64, seconds: float = 60.0) -> dict[str, Any]:
        """Open all connections; returns when none is pending.

        Raises: BenchError, when one of them failed.
        """
        answer = self.ask(f"connect {at_once}", seconds)
        if answer["ready"] < self.count:
            raise BenchError(f"only {answer['ready']} of {self.count} connections opened: {answer}")
        return answer

    def tell(self, command: str) -> None:
        """Give a command that is done at once."""
        self.ask(command, _ANSWER_SECONDS)

    def ask(self, command: str, seconds: float = _ANSWER_SECONDS) -> dict[str, Any]:
        """Give a command and wait for the answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise BenchError("the load generator has no pipes")
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        # Each command is answered by exactly one line, so nothing else waits in Python's own buffer.
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            raise BenchError(f"the load generator did not answer `{command}` within {seconds:.0f} s: {self.progress()}")
        return dict(json.loads(line))

    def progress(self) -> Progress:
        """Where it is now."""
        return Progress(*_PROGRESS.unpack_from(self._progress))

    def report(self) -> dict[str, Any]:
        """Counters and histograms since the last `reset`."""
        return self.ask("report")

    def until(self, deliveries: int, seconds: float) -> bool:
        """Wait until so many deliveries came since it began; False when they did not come in time."""
        deadline = time.monotonic() + seconds
        while self.progress().deliveries < deliveries:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def until_answered(self, seconds: float) -> None:
        """Wait until nothing that was sent is without an answer, at most so long."""
        deadline = time.monotonic() + seconds
        while self.report()["outstanding"] and time.monotonic() < deadline:
            time.sleep(0.05)

    def until_quiet(self, seconds: float, quiet_seconds: float = 0.5) -> None:
        """Wait until nothing is delivered any more, at most so long."""
        deadline, before, since = time.monotonic() + seconds, -1, time.monotonic()
        while time.monotonic() < deadline:
            now = self.progress().deliveries
            if now != before:
                before, since = now, time.monotonic()
            elif time.monotonic() - since >= quiet_seconds:
                return
            time.sleep(0.02)

    def close(self) -> None:
        """Close all connections and end."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._progress.close()
        self._folder.cleanup()
