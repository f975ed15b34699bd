"""What the user sees while parts start and stop: one line for each, plain text, colour only on a terminal."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

NAME_WIDTH = 14
BOLD, RED, GREEN, RESET = "\033[1m", "\033[31m", "\033[32m", "\033[0m"


class Console:
    """Writes whole lines, from any thread, to the terminal and (when given) to the launcher's own log."""

    def __init__(self, stream: TextIO | None = None, log: TextIO | None = None) -> None:
        """Write to `stream`, by default the standard output, and a dated copy to `log`."""
        self._stream: TextIO | None = stream or sys.stdout
        self._log = log
        self._lock = threading.Lock()
        self._colour = self._stream.isatty() and "NO_COLOR" not in os.environ

    def keep_log(self, log: TextIO) -> None:
        """Copy every later line, dated, to `log`."""
        self._log = log

    def let_go_of_terminal(self) -> None:
        """Say everything to the log alone from now on: the terminal belongs to somebody else."""
        with self._lock:
            self._stream = None

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print one line."""
        painted = f"{style}{text}{RESET}" if style and self._colour else text
        with self._lock:
            self._print(painted)
            if self._log and text.strip():
                self._log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text.strip()}\n")
                self._log.flush()

    def _print(self, text: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, OSError):
            # The terminal is gone (closed window, `| head`): the stack is worth more than its commentary.
            self._stream = None

    def title(self, text: str) -> None:
        """Print a heading."""
        self.line(text, style=BOLD)

    def part(self, name: str, text: str) -> None:
        """Print what one part is doing."""
        self.line(f"  {name:<{NAME_WIDTH}} {text}")

    def trouble(self, name: str, text: str) -> None:
        """Print what went wrong with one part."""
        self.line(f"  {name:<{NAME_WIDTH}} {text}", style=RED)

    @contextmanager
    def step(self, name: str, doing: str, done: str) -> Iterator[None]:
        """Say that something slow begins and, when it is through, how long it took."""
        self.part(name, f"{doing} ...")
        started = time.monotonic()
        yield
        self.part(name, f"{done} in {time.monotonic() - started:.1f} s")


def complain(text: str) -> None:
    """Tell the user on standard error why nothing happened."""
    sys.stderr.write(f"chatire: {text}\n")
