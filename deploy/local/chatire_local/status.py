"""`./chatire status`: every part of the running stack, asked now. Works without `.venv`."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import processes
from .checkout import shown
from .data_folder import DataFolder
from .stack.probes import accepts_connections, http_ready

MEBIBYTE = 1024 * 1024
COLUMNS = ("PART", "PID", "HEALTH", "MEMORY", "RESTARTS", "VERSION", "ADDRESS")
# These answer no HTTP; a connection is what can be had without their passwords.
WITHOUT_HTTP = ("postgres", "valkey")


def show_status(path: Path, *, as_json: bool) -> int:
    """Print the state of the stack on one data folder; 0 only if every part can serve."""
    found = stack_status(DataFolder(path))
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_as_text(found)) + "\n")
    return 0 if can_serve(found) else 1


def can_serve(found: dict[str, Any]) -> bool:
    """Whether the stack, whose state was `found`, has every part ready."""
    return found["state"] == "ready" and all(part["health"] == "ready" for part in found["parts"].values())


def stack_status(data: DataFolder) -> dict[str, Any]:
    """The state of the stack: `state` is starting, ready, stopping, crashed (parts may still run) or stopped."""
    run = data.read_run()
    if not run:
        return {"state": "stopped", "data": str(data.path), "parts": {}}
    launcher = run["launcher"]
    alive = processes.is_alive(launcher["pid"], launcher["since"])
    seen = processes.snapshot()
    with ThreadPoolExecutor(len(run["parts"]) or 1) as pool:
        found = pool.map(lambda name: _part_status(name, run["parts"][name], seen), run["parts"])
        parts = dict(zip(run["parts"], found, strict=True))
    return {
        "state": run["state"] if alive else "crashed",
        "address": run["address"],
        "limits": run["limits"],
        "data": run["data"],
        "launcher": launcher["pid"],
        "parts": parts,
    }


def _part_status(name: str, part: dict[str, Any], seen: dict[int, processes.Process]) -> dict[str, Any]:
    alive = processes.is_alive(part["pid"], part["since"])
    return {
        "pid": part["pid"] if alive else None,
        "health": _health(name, part["address"]) if alive else "down",
        "version": part["version"],
        "rss_bytes": processes.rss_of_tree(part["pid"], seen) if alive else 0,
        "address": part["address"],
        "restarts": part["restarts"],
    }


def _health(name: str, address: str) -> str:
    if name in WITHOUT_HTTP:
        reason = accepts_connections(address)
    else:
        reason = http_ready(address, "/" if name == "caddy" else "/readyz")
    return "ready" if reason is None else f"not ready: {reason}"


def _as_text(found: dict[str, Any]) -> list[str]:
    data = DataFolder(Path(found["data"]))
    where = shown(data.path)
    if found["state"] == "stopped":
        return [f"Nothing runs on {where}. Start it with {data.command('up')}"]
    head = f"Chatire at {found['address']}: {found['state']}; limits {found['limits']}, data in {where}"
    rows = [COLUMNS, *(_row(name, part) for name, part in found["parts"].items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if found["state"] == "crashed":
        lines += ["", f"Its launcher was killed. {data.command('up')} cleans up and starts again."]
    return [head, "", *lines]


def _row(name: str, part: dict[str, Any]) -> tuple[str, ...]:
    memory = f"{part['rss_bytes'] / MEBIBYTE:.0f} MiB"
    return (
        name,
        str(part["pid"] or "-"),
        part["health"],
        memory,
        str(part["restarts"]),
        part["version"] or "-",
        part["address"],
    )
