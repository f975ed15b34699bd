"""Processes that a launcher left behind when it was killed: recognised by pid and start time, then stopped in order."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import processes
from .console import Console
from .data_folder import DataFolder


def stop_leftovers(data: DataFolder, console: Console) -> int:
    """Stop what the run file names and still runs. Only for a holder of the data folder's lock.

    Returns: how many parts were still running.
    """
    parts = list(data.read_run().get("parts", {}).items())
    alive = [(name, part) for name, part in parts if processes.is_alive(part["pid"], part["since"])]
    if alive:
        console.part("left over", f"the last launcher was killed; stopping {', '.join(name for name, _ in alive)}")
    for tier in sorted({part["tier"] for _, part in parts}):
        going = [part for _, part in parts if part["tier"] == tier]
        with ThreadPoolExecutor(len(going)) as pool:
            list(pool.map(_stop, going))
    data.forget_run()
    return len(alive)


def _stop(part: dict[str, Any]) -> None:
    plan = [(signal.Signals(number), seconds) for number, seconds in part["stop_plan"]]
    processes.end(part["pid"], part["since"], plan)
    processes.end_group(part["pid"], part["since"])
