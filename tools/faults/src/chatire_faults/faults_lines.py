"""Faults of the network between some clients and the stack."""

from __future__ import annotations

import asyncio
from random import Random

from chatire_faults.proxy import GOOD, Conditions, FaultProxy
from chatire_faults.world import World

BAD_SECONDS = 4.0


async def _for_a_while(proxies: list[FaultProxy], conditions: Conditions) -> str:
    for proxy in proxies:
        proxy.become(conditions)
    try:
        await asyncio.sleep(BAD_SECONDS)
    finally:
        for proxy in proxies:
            proxy.become(GOOD)
    return f"{len(proxies)} proxies, {BAD_SECONDS:g} s"


async def slow_lines(world: World, random: Random) -> str:
    """200 ms ± 50 and 256 kbit/s each way."""
    return await _for_a_while(
        world.some_proxies(random), Conditions(latency_ms=200, jitter_ms=50, bytes_per_second=32_000)
    )


async def slice_lines(world: World, random: Random) -> str:
    """Every byte sequence arrives in pieces of 1 to 7 bytes."""
    return await _for_a_while(world.some_proxies(random), Conditions(slice_bytes=random.randint(1, 7)))


async def black_hole_lines(world: World, random: Random) -> str:
    """Nothing goes through and nobody is told; then the line is cut."""
    proxies = world.some_proxies(random)
    told = await _for_a_while(proxies, Conditions(stalled=True))
    for proxy in proxies:
        proxy.reset_all()
    return told


async def stall_lines(world: World, random: Random) -> str:
    """Nothing goes through for a while, then everything that waited."""
    return await _for_a_while(world.some_proxies(random), Conditions(stalled=True))


async def reset_lines(world: World, random: Random) -> str:
    """Each connection is reset after some hundred or thousand bytes, in the middle of a frame most likely."""
    return await _for_a_while(world.some_proxies(random), Conditions(reset_after_bytes=random.randint(500, 8_000)))


async def half_close_lines(world: World, random: Random) -> str:
    """The server is told that the client sends no more, while the client thinks it does."""
    proxies = world.some_proxies(random)
    for proxy in proxies:
        proxy.half_close_all()
    return f"{len(proxies)} proxies"
