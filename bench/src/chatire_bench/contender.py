"""What all contenders have in common: they can be started for rooms of some shape, and are then a running server."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from chatire_bench import processes
from chatire_bench.loadgen import Line
from chatire_bench.publishing import Publisher


@dataclass(frozen=True)
class Shape:
    """How many rooms, and how many members each of them has; everybody is in one room."""

    rooms: int
    members: int

    @property
    def connections(self) -> int:
        """Sockets, one for each member."""
        return self.rooms * self.members


@dataclass
class Running:
    """A contender that can be measured.

    Attributes:
        protocol: What the load generator speaks to it.
        lines: Its connections, room by room.
        parts: First process of each part, by name.
        measured: Name of the part whose CPU counts where one process is meant.
        publisher: Makes the way in from outside, when it has one.
        stored: How many messages are in its database.
    """

    protocol: str
    lines: list[Line]
    parts: dict[str, int]
    measured: str
    publisher: Callable[[], Publisher] | None = None
    stored: Callable[[], int] | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The measured process."""
        return self.parts[self.measured]

    def cpu_seconds(self) -> float:
        """Of the measured part."""
        return processes.cpu_seconds(self.pid)

    def all_cpu_seconds(self) -> dict[str, float]:
        """Of every part."""
        return {name: processes.cpu_seconds(pid) for name, pid in self.parts.items()}


class Contender(Protocol):
    """Something that can be measured.

    Attributes:
        name: In tables.
        runs: In how many pairs it takes part at most: who needs minutes for what others do in seconds runs once.
    """

    name: str
    runs: int

    def running(self, shape: Shape) -> AbstractContextManager[Running]:
        """Start it with empty rooms of this shape; stop it afterwards."""
