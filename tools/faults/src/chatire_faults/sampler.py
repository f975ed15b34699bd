"""Looks at the memory and the open files of every part now and then: a leak shows in a long run."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from chatire_faults.stack import Stack

EVERY_SECONDS = 10.0
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_MIB = 1_048_576


@dataclass(slots=True)
class Life:
    """One process of a part from its first look to its last; seconds, MiB resident, open files."""

    looks: list[tuple[float, float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """How long it was looked at."""
        return self.looks[-1][0] - self.looks[0][0]

    def mib_per_minute(self) -> float:
        """The slope of its memory over the second half of its life, when it has warmed up (least squares)."""
        late = [(at, mib) for at, mib, _ in self.looks[len(self.looks) // 2 :]]
        middle = sum(at for at, _ in late) / len(late)
        spread = sum((at - middle) ** 2 for at, _ in late)
        return 60 * sum((at - middle) * mib for at, mib in late) / spread if spread else 0.0


class Sampler:
    """Of one stack. `sample` runs until it is cancelled."""

    def __init__(self, stack: Stack) -> None:
        """Look at the processes that `stack` names."""
        self._stack = stack
        self._lives: dict[str, dict[int, Life]] = {}

    async def sample(self) -> None:
        """Look around every 10 s."""
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(EVERY_SECONDS)

    def _look(self) -> None:
        for part, pid in self._stack.pids().items():
            with suppress(OSError, ValueError, IndexError):
                look = (time.monotonic(), _resident_mib(pid), _open_files(pid))  # Fails for one that has just ended.
                self._lives.setdefault(part, {}).setdefault(pid, Life()).looks.append(look)

    def figures(self) -> dict[str, dict[str, float]]:
        """By part: the most memory and files of any of its processes, and the slope of the one that lived longest."""
        return {part: _summed_up(list(lives.values())) for part, lives in sorted(self._lives.items()) if lives}


def _summed_up(lives: list[Life]) -> dict[str, float]:
    longest = max(lives, key=lambda life: life.seconds)
    return {
        "processes": len(lives),
        "most_mib": round(max(mib for life in lives for _, mib, _ in life.looks), 1),
        "most_files": max(files for life in lives for _, _, files in life.looks),
        "longest_life_seconds": round(longest.seconds),
        "its_mib_per_minute": round(longest.mib_per_minute(), 3),
    }


def _resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES / _MIB


def _open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
