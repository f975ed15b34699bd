"""Processes as the kernel sees them: their CPU time, their memory, the cores they may run on."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_UTIME = 13
"""Place of `utime` in /proc/PID/stat, counted from 0; `stime`, `cutime` and `cstime` follow."""


def family(pid: int) -> list[int]:
    """A process and all that come from it, the first first."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            parents.setdefault(int(_words(stat)[3]), []).append(int(stat.parent.name))
    found = [pid]
    for member in found:
        found += sorted(parents.get(member, []))
    return found


def cpu_seconds(pid: int) -> float:
    """What a process, all that come from it, and those of them that have ended, have used."""
    return sum(_own_cpu(member) for member in family(pid))


def resident_bytes(pid: int) -> int:
    """Memory of one process that is in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def pin(pid: int, cores: Collection[int]) -> None:
    """Keep all threads of a process, and of those that come from it, on some cores."""
    for member in family(pid):
        for thread in Path(f"/proc/{member}/task").glob("[0-9]*"):
            with suppress(OSError):
                os.sched_setaffinity(int(thread.name), cores)


def _own_cpu(pid: int) -> float:
    try:
        words = _words(Path(f"/proc/{pid}/stat"))
    except OSError:
        return 0.0
    # With the time of children that have ended and were waited for: PostgreSQL's backends come and go.
    return sum(map(int, words[_UTIME : _UTIME + 4])) / _TICKS


def _words(stat: Path) -> list[str]:
    """The words of a `stat`; the name, in brackets, may hold anything and is left out of the cutting."""
    head, _, tail = stat.read_text().rpartition(")")
    return [*head.split("(", 1), *tail.split()]
