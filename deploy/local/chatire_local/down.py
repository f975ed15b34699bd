"""`./chatire down`: stops the stack of one data folder, whether its launcher lives or not."""

import signal
from pathlib import Path

from . import processes
from .checkout import shown
from .console import Console
from .data_folder import DataFolder
from .leftovers import stop_leftovers

# Longer than all stop plans of the parts together.
PATIENCE_SECONDS = 90.0


def stop_stack(path: Path, console: Console) -> int:
    """Stop the stack and wait until it is gone."""
    data = DataFolder(path)
    run = data.read_run()
    if not run:
        console.line(f"Nothing runs on {shown(path)}.")
        return 0
    launcher = run["launcher"]
    if not _end_launcher(launcher["pid"], launcher["since"]):
        console.line(f"Its launcher did not stop in {PATIENCE_SECONDS:.0f} s, and was killed.")
    with data.locked():
        stop_leftovers(data, console)
    console.line(f"Stopped. Your data is in {shown(path)}.")
    return 0


def _end_launcher(pid: int, since: str) -> bool:
    """Ask the launcher to stop its stack, and wait for its end; says whether it went by itself."""
    return processes.end(pid, since, ((signal.SIGTERM, PATIENCE_SECONDS), (signal.SIGKILL, 5)))
