"""Processes as the system sees them: who is who, how much they use, and how to end one and all of its children.

A pid alone says nothing, for it is used again; a pid together with its start time names one process for good.
"""

import functools
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# `ps` writes dates in the language of the environment.
PLAIN = {"PATH": os.defpath, "LC_ALL": "C"}
HAS_PROC = (PROC / "self" / "stat").exists()
# Each signal with the seconds to wait for its effect.
StopPlan = Sequence[tuple[signal.Signals, float]]


@dataclass(frozen=True)
class Process:
    """One process at one moment."""

    pid: int
    parent: int
    group: int
    started: str
    rss_bytes: int


def snapshot() -> dict[int, Process]:
    """All processes that can be seen, by pid; zombies are not among them."""
    if HAS_PROC:
        found = (_from_proc(entry) for entry in PROC.iterdir() if entry.name.isdigit())
        return {process.pid: process for process in found if process}
    return _from_ps()


def started(pid: int) -> str:
    """When a process started, in a form to compare only; an empty string when there is none."""
    process = _from_proc(PROC / str(pid)) if HAS_PROC else _from_ps().get(pid)
    return process.started if process else ""


def is_alive(pid: int, since: str) -> bool:
    """Whether exactly this process still runs."""
    return bool(since) and started(pid) == since


def rss_of_tree(pid: int, processes: dict[int, Process]) -> int:
    """The resident bytes of a process and all its descendants (memory they share is counted once for each)."""
    own = processes[pid].rss_bytes if pid in processes else 0
    return own + sum(rss_of_tree(child.pid, processes) for child in processes.values() if child.parent == pid)


def end(pid: int, since: str, plan: StopPlan) -> bool:
    """Stop a process that may not be our child, ever less politely. Says whether it went by itself."""
    polite = True
    for number, seconds in plan:
        if not is_alive(pid, since):
            break
        polite = number != signal.SIGKILL
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        _wait_until_gone(pid, since, seconds)
    return polite


def end_group(group: int, since: str) -> None:
    """Kill what remains of a group whose leader started at `since`, whether or not the leader is gone."""
    processes = snapshot()
    if group in processes and processes[group].started != since:
        return  # The number is used again: that is somebody else's group.
    for process in processes.values():
        if process.group == group:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _wait_until_gone(pid: int, since: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and is_alive(pid, since):
        time.sleep(0.02)


@functools.cache
def _boot() -> str:
    """Names this run of the machine: after the next one, the same pid and ticks may belong to another process."""
    return (PROC / "sys" / "kernel" / "random" / "boot_id").read_text()[:8]


def _from_proc(entry: Path) -> Process | None:
    try:
        text = (entry / "stat").read_text()
    except OSError:
        return None
    # The name stands in brackets and may hold anything, brackets and spaces too.
    fields = text[text.rindex(")") + 2 :].split()
    state, parent, group, ticks, pages = fields[0], int(fields[1]), int(fields[2]), fields[19], int(fields[21])
    if state in "ZX":
        return None
    return Process(int(entry.name), parent, group, f"{_boot()}-{ticks}", pages * os.sysconf("SC_PAGE_SIZE"))


def _from_ps() -> dict[int, Process]:
    """The same from `ps`, for systems without /proc (macOS)."""
    command = ["ps", "-axo", "pid=,ppid=,pgid=,rss=,stat=,lstart="]
    rows = subprocess.run(command, capture_output=True, text=True, env=PLAIN, check=False).stdout.splitlines()
    found = {}
    for row in rows:
        pid, parent, group, kilobytes, state, since = row.split(None, 5)
        if not state.startswith("Z"):
            found[int(pid)] = Process(int(pid), int(parent), int(group), since.strip(), int(kilobytes) * 1024)
    return found
