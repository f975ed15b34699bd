"""What a stack's processes take while something goes on: memory, what is held for sockets, PostgreSQL's connections."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from chatire_faults.errors import NotNow
from chatire_faults.stack import Stack

GAUGE_SECONDS = 1.0
_PAGE_BYTES = resource.getpagesize()
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1 << 20


@dataclass(slots=True)
class Gauges:
    """What was seen of the stack's processes while something went on."""

    rss: dict[str, int] = field(default_factory=dict)
    first_rss: dict[str, int] = field(default_factory=dict)
    outgoing_bytes: int = 0
    database_connections: int = 0

    def growth_mib(self) -> float:
        """The most by which one gateway has grown."""
        grown = [self.rss[name] - self.first_rss[name] for name in self.rss]
        return round(max(grown, default=0) / _MIB, 1)

    def peak_mib(self) -> float:
        """The most that one gateway held."""
        return round(max(self.rss.values(), default=0) / _MIB, 1)


@asynccontextmanager
async def gauged(stack: Stack) -> AsyncIterator[Gauges]:
    """Look each second at the gateways' memory and backlog and at PostgreSQL's connections."""
    gauges = Gauges()
    task = asyncio.create_task(_look(stack, gauges))
    try:
        yield gauges
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _look(stack: Stack, gauges: Gauges) -> None:
    while True:
        await asyncio.to_thread(_look_once, stack, gauges)
        await asyncio.sleep(GAUGE_SECONDS)


def _look_once(stack: Stack, gauges: Gauges) -> None:
    for name, pid in stack.pids().items():
        if name.startswith("gateway"):
            with suppress(OSError, ValueError):
                size = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
                gauges.first_rss.setdefault(name, size)
                gauges.rss[name] = max(size, gauges.rss.get(name, 0))
    outgoing = map(int, metrics(stack, "chatire_gateway_outgoing_bytes"))
    gauges.outgoing_bytes = max(gauges.outgoing_bytes, *outgoing, 0)
    with suppress(NotNow), stack.database() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        gauges.database_connections = max(gauges.database_connections, cursor.fetchone()[0])


def cpu_seconds(stack: Stack) -> dict[int, float]:
    """What each gateway process has used so far, by pid."""
    found = {}
    for name, pid in stack.pids().items():
        if name.startswith("gateway"):
            with suppress(OSError, ValueError):
                user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
                found[pid] = (int(user) + int(system)) / _TICKS
    return found


def metrics(stack: Stack, name: str) -> list[float]:
    """The values of a metric, or of each of its labels, at all gateways that answer."""
    found = []
    for address in stack.gateways:
        with suppress(requests.RequestException):
            text = requests.get(f"http://{address}/metrics", timeout=5).text
            found += [float(line.split()[-1]) for line in text.splitlines() if line.split("{")[0].split()[0] == name]
    return found
