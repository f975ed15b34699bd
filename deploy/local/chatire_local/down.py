"""`./chatire down`: stops the stack of one data folder, whether its launcher lives or not."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from . import processes
from .checkout import shown
from .console import Console
from .data_folder import DataFolder
from .errors import LauncherError
from .leftovers import stop_leftovers

# Longer than all stop plans of the parts together.
PATIENCE_SECONDS = 90.0


def stop_stack(path: Path, console: Console) -> int:
    """Stop the stack and wait until it is gone.

    Raises: LauncherError, when its launcher does not end.
    """
    data = DataFolder(path)
    run = data.read_run()
    if not run:
        console.line(f"Nothing runs on {shown(path)}.")
        return 0
    launcher = run["launcher"]
    if processes.is_alive(launcher["pid"], launcher["since"]):
        _end_launcher(launcher["pid"], launcher["since"], data)
    else:
        with data.locked():
            stop_leftovers(data, console)
    console.line(f"Stopped. Your data is in {shown(path)}.")
    return 0


def _end_launcher(pid: int, since: str, data: DataFolder) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while processes.is_alive(pid, since):
        if time.monotonic() > deadline:
            log = shown(data.log_of("launcher"))
            message = f"the launcher (pid {pid}) does not end; its log is {log}. To force it: kill -9 {pid}"
            raise LauncherError(message)
        time.sleep(0.02)
