"""Breaks things at random moments, repeatably: the seed decides what, in which order, where, and how long the pauses are."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random

from chatire_faults import faults_lines as lines
from chatire_faults import faults_people as people
from chatire_faults import faults_processes as processes
from chatire_faults import faults_servers as servers
from chatire_faults.errors import NotNow
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
    )
}


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
        self.injected: list[Injected] = []

    async def rage(self, seconds: float) -> None:
        """Break things for so long; what was begun is ended and healed."""
        deadline = time.monotonic() + seconds
        deck: list[str] = []
        while True:
            pause = self._random.uniform(0.4, 1.6) * self._every_seconds
            if time.monotonic() + pause > deadline:
                return
            await asyncio.sleep(pause)
            deck = deck or self._random.sample(self._kinds, len(self._kinds))
            # A random of its own for each: how much one draws must not change what the others are.
            await self._inject(deck.pop(), Random(self._random.random()))

    async def _inject(self, kind: str, random: Random) -> None:
        began, target, skipped = time.time(), "", True
        for _ in range(TRIES):
            began = time.time()
            try:
                target, skipped = await FAULTS[kind](self._world, random), False
                break
            except NotNow as reason:
                target = str(reason)
                await asyncio.sleep(PAUSE_BETWEEN_TRIES_SECONDS)
        self.injected.append(Injected(kind, target, began, time.time(), skipped))
        self._tell(f"{'could not ' if skipped else ''}{kind}: {target}")
