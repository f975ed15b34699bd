"""Faults of the network inside: one part cannot reach one server, all others can (needs a stack with `detours`)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from chatire_faults.detours import Detours
from chatire_faults.errors import Futile
from chatire_faults.faults_processes import one_gateway
from chatire_faults.proxy import GOOD, Conditions
from chatire_faults.world import World

Fault = Callable[[World, Random], Awaitable[str]]
SHORTEST_SECONDS, LONGEST_SECONDS = 4.0, 8.0
WAYS = {
    "silence": Conditions(stalled=True),
    "refusal": Conditions(refused=True),
    "300 ms": Conditions(latency_ms=300, jitter_ms=50),
}


def detours_of(world: World) -> Detours:
    """The lines between the parts.

    Raises: Futile, when the stack has none.
    """
    if world.stack.detours is None:
        raise Futile("this stack was started without detours")
    return world.stack.detours


def cut_from(part: str, server: str) -> Fault:
    """The fault that keeps `part` from `server` for a while: by silence, by refusal, or nearly, by slowness."""

    async def cut(world: World, random: Random) -> str:
        lines = detours_of(world)
        which = one_gateway(random) if part == "gateway" else part
        how = random.choice(sorted(WAYS))
        seconds = random.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
        lines.become(which, server, WAYS[how])
        try:
            await asyncio.sleep(seconds)
        finally:
            lines.become(which, server, GOOD)
        return f"{which}: {how} for {seconds:.1f} s"

    return cut


KINDS: dict[str, Fault] = {
    f"cut-{part}-from-{server}": cut_from(part, server)
    for part, server in (
        ("gateway", "valkey"),
        ("gateway", "messages"),
        ("gateway", "auth"),
        ("messages", "postgres"),
        ("messages", "valkey"),
        ("messages", "auth"),
        ("relay", "postgres"),
        ("relay", "valkey"),
        ("auth", "postgres"),
        ("auth", "valkey"),
    )
}
