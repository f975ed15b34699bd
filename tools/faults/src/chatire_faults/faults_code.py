"""Faults in the middle of the code: whoever comes by a crash point dies, or stalls, exactly there.

The points are in the services (`chatire_shared.crash_points.hit`); which process it is, and how often the point was passed
before, is up to chance. What nobody does by himself under load (reconnecting, being removed) is provoked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from chatire_client import SignedOut
from chatire_faults import people_at_points as people
from chatire_faults.errors import Futile
from chatire_faults.world import World
from chatire_shared.testing.faults import DIE, STALL, arm, disarm, is_armed

WAIT_SECONDS = 8.0
LOOK_EVERY_SECONDS = 0.02
LOOKS = 3

Fault = Callable[[World, Random], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Point:
    """A crash point.

    Attributes:
        name: As in the code.
        passes: It strikes at one of the first so many passes; 1 where it is not passed often.
        provoke: Has somebody come by; None where everybody does all the time.
        prepare: What must be done before the point is armed, since it passes there itself; returns how to provoke.
    """

    name: str
    passes: int = 1
    provoke: Callable[[World, Random], Awaitable[None]] | None = None
    prepare: Callable[[World, Random], Awaitable[Callable[[], Awaitable[None]]]] | None = None

    @property
    def kind(self) -> str:
        """The fault's name on the command line."""
        return f"crash-{self.name.replace('.', '-').replace('_', '-')}"


POINTS = (
    Point("messages.before_insert", 10),
    Point("messages.before_commit", 10),
    Point("messages.before_bell", 10),
    Point("messages.after_commit", 10),
    Point("messages.before_answer", 3),
    Point("messages.before_batch_answer", 10),
    Point("messages.in_adding", 1, people.come_and_go),
    Point("messages.after_adding", 1, people.come_and_go),
    Point("messages.in_removal", 1, people.come_and_go),
    Point("messages.after_removal", 1, people.come_and_go),
    Point("messages.in_reading", 1, people.read),
    Point("messages.after_reading", 1, people.read),
    Point("relay.before_publish", 10),
    Point("relay.after_publish", 10),
    Point("relay.after_delete", 10),
    Point("gateway.in_fanout", 30),
    Point("gateway.before_acks", 5),
    Point("gateway.after_verify", 1, people.reconnect),
    Point("gateway.before_ready", 1, people.reconnect),
    Point("gateway.after_ready", 1, people.reconnect),
    Point("gateway.in_replay", 2, people.reconnect),
    Point("gateway.in_healing", 1, people.lose_events),
    Point("auth.after_rotation", 1, people.refresh),
    Point("auth.before_hint", prepare=people.log_out),
    Point("auth.after_revocation", prepare=people.log_out),
)


def crash_at(point: Point) -> Fault:
    """The fault that kills whoever comes by."""

    async def crash(world: World, random: Random) -> str:
        passes = random.randint(1, point.passes)
        await _strike(world, random, point, DIE, passes)
        return f"pass {passes}"

    return crash


async def stall_gateway(world: World, random: Random) -> str:
    """A gateway's event loop does nothing for 5 s, as with bad CPU work; its process and sockets live."""
    return await _stall(world, random, "gateway.before_acks", 5)


async def stall_messages(world: World, random: Random) -> str:
    """A messages worker hangs for 3 s in a transaction, with its conversations locked."""
    return await _stall(world, random, "messages.before_commit", 3)


async def stall_relay(world: World, random: Random) -> str:
    """The relay hangs for 3 s between publishing and removing."""
    return await _stall(world, random, "relay.after_publish", 3)


async def _stall(world: World, random: Random, name: str, seconds: float) -> str:
    await _strike(world, random, Point(name), f"{STALL} {seconds:g}", 1)
    await asyncio.sleep(seconds)  # Whoever it was hangs as long.
    return f"{seconds:g} s"


async def _strike(world: World, random: Random, point: Point, what: str, passes: int) -> None:
    """Arm a point and wait until somebody was struck there.

    Raises: Futile, when nobody came by.
    """
    folder = world.stack.faults
    provoke = await _prepared(world, random, point)
    arm(folder, point.name, what, after=passes)
    provoking = asyncio.create_task(_provoke(world, point, provoke))
    try:
        await _until_somebody_came(folder, point.name)
    finally:
        nobody = disarm(folder, point.name)
        await provoking  # To its end: who was removed must be added again.
    if nobody:
        raise Futile(f"nobody came by within {WAIT_SECONDS:g} s")


async def _prepared(world: World, random: Random, point: Point) -> Callable[[], Awaitable[None]] | None:
    if point.prepare is not None:
        return await point.prepare(world, random)
    return None if point.provoke is None else partial(point.provoke, world, random)


async def _provoke(world: World, point: Point, provoke: Callable[[], Awaitable[None]] | None) -> None:
    if provoke is None:
        return
    try:
        await provoke()
    except SignedOut as signed_out:
        world.trouble.append(f"{point.kind} signed somebody out: {signed_out}")


async def _until_somebody_came(folder: Path, name: str) -> None:
    """Or until it is no use waiting. A look is not enough: who passes before its time takes the file away and puts it back."""
    deadline = time.monotonic() + WAIT_SECONDS
    absent = 0
    while absent < LOOKS and time.monotonic() < deadline:
        absent = 0 if is_armed(folder, name) else absent + 1
        await asyncio.sleep(LOOK_EVERY_SECONDS)
