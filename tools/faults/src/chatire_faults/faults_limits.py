"""Faults of what the kernel gives a process: no more files, no more memory (prlimit on the live process)."""

from __future__ import annotations

import asyncio
import resource
from contextlib import suppress
from pathlib import Path
from random import Random

from websockets.exceptions import InvalidHandshake

from chatire_client import Closed, Wire
from chatire_faults.errors import Futile, NotNow
from chatire_faults.faults_processes import one_gateway
from chatire_faults.world import World

SHORT_SECONDS = 4.0
SPARE_FILES = 3
TRIES = 20
BACK_WITHIN_SECONDS = 10.0
SPARE_BYTES = 256 * 1024
_PAGE_BYTES = resource.getpagesize()


async def exhaust_files(world: World, random: Random) -> str:
    """A gateway may open 3 more files; 20 sockets are wanted. Who is in stays, and when it may again, all get in."""
    number = random.randrange(len(world.stack.gateways))
    name, address = f"gateway-{number + 1}", world.stack.gateways[number]
    pid = await asyncio.to_thread(world.stack.pid, name)
    before = _limited(pid, resource.RLIMIT_NOFILE, _open_files(pid) + SPARE_FILES)
    try:
        opened = await _open_many(address)
        await asyncio.sleep(SHORT_SECONDS)
    finally:
        _restore(pid, resource.RLIMIT_NOFILE, before)
    for wire in opened:
        wire.abort()
    if not await _opens(address):
        world.trouble.append(f"{name} takes no sockets {BACK_WITHIN_SECONDS:g} s after it may open files again")
    return f"{name}: {len(opened)} of {TRIES} got in"


async def exhaust_memory(world: World, random: Random) -> str:
    """A gateway gets no more memory for 4 s; it may die of that, and must not live on half dead."""
    name = one_gateway(random)
    pid = await asyncio.to_thread(world.stack.pid, name)
    before = _limited(pid, resource.RLIMIT_AS, _address_space(pid) + SPARE_BYTES)
    try:
        await asyncio.sleep(SHORT_SECONDS)
    finally:
        _restore(pid, resource.RLIMIT_AS, before)
    return f"{name}, {SHORT_SECONDS:g} s"


async def _open_many(address: str) -> list[Wire]:
    tries = await asyncio.gather(*(_try_to_open(address) for _ in range(TRIES)))
    return [wire for wire in tries if wire is not None]


async def _try_to_open(address: str) -> Wire | None:
    with suppress(OSError, TimeoutError, InvalidHandshake, Closed):
        async with asyncio.timeout(SHORT_SECONDS):
            return await Wire.open(f"ws://{address}/ws")
    return None


async def _opens(address: str) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(BACK_WITHIN_SECONDS):
            while True:
                wire = await _try_to_open(address)
                if wire is not None:
                    wire.abort()
                    return True
                await asyncio.sleep(0.2)
    return False


def _limited(pid: int, what: int, soft: int) -> tuple[int, int]:
    """Set a soft limit; what it was.

    Raises: NotNow, when the process is gone; Futile, when one may not.
    """
    try:
        before = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (soft, before[1]))
    except ProcessLookupError as gone:
        raise NotNow(f"process {pid} is gone") from gone
    except (PermissionError, ValueError, AttributeError) as refusal:
        raise Futile(f"no prlimit here: {refusal}") from refusal
    return before


def _restore(pid: int, what: int, limits: tuple[int, int]) -> None:
    with suppress(ProcessLookupError):
        resource.prlimit(pid, what, limits)


def _open_files(pid: int) -> int:
    """One more than the highest number: the limit is on numbers, not on how many there are."""
    try:
        return max(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()) + 1
    except OSError as gone:
        raise NotNow(f"process {pid} is gone") from gone


def _address_space(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * _PAGE_BYTES
    except OSError as gone:
        raise NotNow(f"process {pid} is gone") from gone
