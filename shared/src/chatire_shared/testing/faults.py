"""What happens at crash points while a test asks for it (see `chatire_shared.crash_points`).

A test arms a point by putting a file with its name into the folder `CHATIRE_FAULTS_DIR`; the first process that comes by
takes the file away, so one file is one fault, however many processes there are and however often they start again.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from chatire_shared.crash_points import FOLDER_NAME, SABOTAGE_NAME

DIE = "die"
"""A file's content: the process kills itself, as `kill -9` would."""

STALL = "stall"
"""A file's content, followed by seconds: the thread that came by sleeps, the event loop with it if it was that one."""


def arm(folder: Path, name: str, what: str = DIE, *, after: int = 1) -> None:
    """Have the process that comes by `name` for the `after`-th time die, or stall (`"stall 5"`)."""
    fresh = folder / f".{name}.{os.getpid()}"
    fresh.write_text(f"{after} {what}")
    fresh.rename(folder / name)


def is_armed(folder: Path, name: str) -> bool:
    """Whether nobody came by yet."""
    return (folder / name).exists()


def disarm(folder: Path, name: str) -> bool:
    """Take a fault back; False when it has happened."""
    with suppress(FileNotFoundError):
        (folder / name).unlink()
        return True
    return False


def hit(name: str) -> None:
    """Suffer what was put here, if anything was."""
    armed = Path(os.environ[FOLDER_NAME], name)
    if not armed.exists():
        return
    taken = armed.with_name(f".{name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        armed.rename(taken)  # Of several processes one succeeds.
        left, what = taken.read_text().split(maxsplit=1)
    except FileNotFoundError:
        return
    if int(left) > 1:
        taken.write_text(f"{int(left) - 1} {what}")
        taken.rename(armed)
        return
    taken.unlink()
    _suffer(what)


def _suffer(what: str) -> None:
    if what.startswith(STALL):
        time.sleep(float(what.removeprefix(STALL)))
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def sabotage(part: str) -> None:
    """Break a promise on purpose, for a test that must notice: `CHATIRE_SABOTAGE` is `module:function`, called with `part`."""
    module, function = os.environ[SABOTAGE_NAME].split(":")
    getattr(import_module(module), function)(part)
