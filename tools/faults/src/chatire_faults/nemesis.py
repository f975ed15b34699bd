"""Breaks things at random moments, repeatably: the seed decides what, in which order, where, and how long the pauses are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from chatire_faults import faults_code as code
from chatire_faults import faults_limits as limits
from chatire_faults import faults_lines as lines
from chatire_faults import faults_partitions as partitions
from chatire_faults import faults_people as people
from chatire_faults import faults_poison as poison
from chatire_faults import faults_processes as processes
from chatire_faults import faults_servers as servers
from chatire_faults.errors import Futile, NotNow
from chatire_faults.world import World

Fault = Callable[[World, Random], Awaitable[str]]
TRIES = 20
PAUSE_BETWEEN_TRIES_SECONDS = 0.5

FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", "-"): fault
    for fault in (
        processes.kill_gateway,
        processes.kill_messages,
        processes.kill_messages_worker,
        processes.kill_relay,
        processes.kill_valkey,
        processes.kill_postgres,
        processes.kill_postgres_backend,
        processes.kill_auth,
        processes.kill_caddy,
        processes.freeze_valkey,
        processes.freeze_relay,
        processes.freeze_gateway,
        processes.freeze_messages_worker,
        processes.drain_gateway,
        processes.restart_messages,
        processes.restart_relay,
        servers.flush_valkey,
        servers.cut_subscribers,
        servers.terminate_backends,
        servers.lock_conversation,
        lines.slow_lines,
        lines.slice_lines,
        lines.black_hole_lines,
        lines.stall_lines,
        lines.reset_lines,
        lines.half_close_lines,
        people.remove_and_rejoin,
        people.duplicate_sends,
        processes.kill_auth_worker,
        processes.kill_two,
        processes.kill_both_gateways,
        processes.kill_valkey_and_relay,
        processes.freeze_auth,
        processes.freeze_postgres,
        processes.restart_auth,
        processes.restart_caddy,
        limits.exhaust_files,
        limits.exhaust_memory,
        servers.lock_table,
        servers.overflow_subscribers,
        servers.out_of_memory_valkey,
        poison.poison_outbox,
        poison.garbage_on_channels,
        poison.forge_events,
        poison.combining_marks,
        lines.lossy_lines,
        lines.dropped_lines,
        lines.half_open_lines,
        code.stall_gateway,
        code.stall_messages,
        code.stall_relay,
    )
}
FAULTS |= partitions.KINDS
FAULTS |= {point.kind: code.crash_at(point) for point in code.POINTS}


@dataclass(slots=True)
class Injected:
    """One fault as it happened; times are Unix seconds. `skipped`: why it could not be injected."""

    kind: str
    target: str
    began: float
    ended: float
    skipped: bool = False


class Nemesis:
    """Injects one fault after the other."""

    def __init__(
        self, world: World, kinds: Sequence[str], seed: int, every_seconds: float, tell: Callable[[str], None]
    ) -> None:
        """Draw from `kinds` without putting back until all have had their turn, with pauses of about `every_seconds`."""
        self._world = world
        self._kinds = list(kinds)
        self._random = Random(seed)
        self._every_seconds = every_seconds
        self._tell = tell
        self._deck: list[str] = []
        self.injected: list[Injected] = []

    async def rage(self, seconds: float) -> None:
        """Break things for so long; what was begun is ended and healed."""
        deadline = time.monotonic() + seconds
        while True:
            pause = self._random.uniform(0.4, 1.6) * self._every_seconds
            if time.monotonic() + pause > deadline:
                return
            await asyncio.sleep(pause)
            self._deck = self._deck or self._random.sample(self._kinds, len(self._kinds))
            # A random of its own for each: how much one draws must not change what the others are.
            await self._inject(self._deck.pop(), Random(self._random.random()))

    async def _inject(self, kind: str, random: Random) -> None:
        began, target, skipped = time.time(), "", True
        for _ in range(TRIES):
            began = time.time()
            try:
                target, skipped = await FAULTS[kind](self._world, random), False
                break
            except Futile as reason:
                target = str(reason)
                break
            except NotNow as reason:
                target = str(reason)
                await asyncio.sleep(PAUSE_BETWEEN_TRIES_SECONDS)
        self.injected.append(Injected(kind, target, began, time.time(), skipped))
        self._tell(f"{'could not ' if skipped else ''}{kind}: {target}")
