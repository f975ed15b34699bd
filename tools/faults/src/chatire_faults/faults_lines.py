"""Faults of the network between some clients and the stack."""

from __future__ import annotations

import asyncio
import time
from random import Random
from urllib.parse import urlsplit

from chatire_faults.proxy import GOOD, Conditions, Dial, FaultProxy
from chatire_faults.wilds import Wilds
from chatire_faults.world import World

BAD_SECONDS = 4.0
LOSSY_SECONDS = 10.0
LOST_SHARE = 0.05
HALF_OPEN_SECONDS = 30.0
"""A device notices within 22 s, and then waits at most a second before it comes back; the rest is for a busy machine."""


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


async def lossy_lines(world: World, random: Random) -> str:
    """Of every 100 packets 5 are lost, each way, for 10 s (in a network namespace, so only for root)."""
    return await _through_the_wilds(world, random, LOST_SHARE)


async def dropped_lines(world: World, random: Random) -> str:
    """After some seconds of 5 % loss every packet is dropped: half open, with bytes in flight that nobody acknowledges."""
    return await _through_the_wilds(world, random, LOST_SHARE, then=1.0)


async def _through_the_wilds(world: World, random: Random, share: float, *, then: float = 0.0) -> str:
    wilds = Wilds("127.0.0.1", world.stack.port)
    await wilds.enter()
    proxies = world.some_proxies(random)
    straight = proxies[0].dial
    try:
        await wilds.lose(share)
        _reroute(proxies, wilds.dial)
        await asyncio.sleep(LOSSY_SECONDS)
        if then:
            await wilds.lose(then)
            await asyncio.sleep(BAD_SECONDS)
    finally:
        _reroute(proxies, straight)
        await wilds.leave()
    return f"{len(proxies)} proxies"


def _reroute(proxies: list[FaultProxy], dial: Dial) -> None:
    for proxy in proxies:
        proxy.dial = dial
        proxy.reset_all()


async def half_open_lines(world: World, random: Random) -> str:
    """What is open lets nothing through any more, and no FIN comes: the devices notice by themselves and come back."""
    proxies = world.some_proxies(random)
    ports = {proxy.port for proxy in proxies}
    behind = [talker for talker in world.talkers if urlsplit(talker.account.http.origin).port in ports]
    before = {talker.device.name: talker.live.connections for talker in behind}
    began = time.monotonic()
    cuts = [proxy.deaden_all() for proxy in proxies]
    try:
        while time.monotonic() - began < HALF_OPEN_SECONDS:
            if all(talker.live.connections > before[talker.device.name] for talker in behind):
                return f"{len(behind)} devices, all back after {time.monotonic() - began:.1f} s"
            await asyncio.sleep(0.1)
    finally:
        for cut in cuts:
            cut()
    away = sum(talker.live.connections == before[talker.device.name] for talker in behind)
    world.trouble.append(
        f"{away} of {len(behind)} devices on half-open lines are not back after {HALF_OPEN_SECONDS:g} s"
    )
    return f"{len(behind)} devices"
