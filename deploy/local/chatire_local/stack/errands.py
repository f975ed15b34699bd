"""Short commands on the way to a running stack (initdb, migrate, npm): run to their end, or cut off when asked to."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .flag import Flag

LOOK_EVERY_SECONDS = 0.1


class Stopped(Exception):
    """Somebody asked to stop before it was done."""


@dataclass(frozen=True)
class Done:
    """How a command ended, and all it said."""

    code: int
    output: str

    def tail(self, lines: int) -> str:
        """The last lines, indented, to be shown to the user."""
        return "\n".join(f"    {line}" for line in self.output.splitlines()[-lines:])


class Errands:
    """Runs commands that end by themselves. Safe to use from several threads."""

    def __init__(self, stop: Flag | None = None) -> None:
        """Cut every command off as soon as `stop` is set."""
        self._stop = stop or Flag()
        self._cancelled = Flag()

    def cancel(self) -> None:
        """Cut off what runs and refuse what would come: something else failed."""
        self._cancelled.set()

    def go_on_or_stop(self) -> None:
        """Do nothing, as long as nobody asked to stop.

        Raises: Stopped.
        """
        if self._stop.is_set() or self._cancelled.is_set():
            raise Stopped

    def run(self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Done:
        """Run a command in a session of its own, so that a Ctrl-C reaches it through us alone.

        Raises: Stopped.
        """
        self.go_on_or_stop()
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            output = self._output(child)
            return Done(child.returncode, output)
        finally:
            _kill_group(child)

    def _output(self, child: "subprocess.Popen[str]") -> str:
        while True:
            try:
                return child.communicate(timeout=LOOK_EVERY_SECONDS)[0]
            except subprocess.TimeoutExpired:
                self.go_on_or_stop()


def _kill_group(child: "subprocess.Popen[str]") -> None:
    """End what is still there: nothing after a good end, everything after an interruption."""
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
