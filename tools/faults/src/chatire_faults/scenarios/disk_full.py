"""PostgreSQL's disk is full: sends are refused honestly, what is there can be read, and with some space all goes on.

PostgreSQL's files are moved to a tmpfs of limited size, mounted in a mount namespace (so for root only), and a file takes
all that is left of it, twice: once for as long as it takes to run into it, and once while PostgreSQL is killed as well.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import requests

from chatire_client import Problem
from chatire_faults import namespaces
from chatire_faults.errors import Futile
from chatire_faults.scenarios._script import Outcome, Played, play
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack, send_signal
from chatire_faults.world import World

FULL_SECONDS = 20
CALM_SECONDS = 10.0
SPARE_BYTES = 48 * 1024 * 1024
FILL_EVERY_SECONDS = 0.1
BACK_BAR_SECONDS = 10.0
SERVICE_UNAVAILABLE = 503
PHASES = ("full", "full and killed")


@dataclass(slots=True)
class Seen:
    """What HTTP answered while the disk was full."""

    refusals: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    reads: int = 0
    failed_reads: Counter[str] = field(default_factory=Counter)
    back_seconds: dict[str, float] = field(default_factory=dict)


def run(setting: Setting) -> Report:
    """Play it."""
    seconds = setting.count(FULL_SECONDS, least=5)
    seen = Seen()
    try:
        with _small_disk(setting.folder) as disk, Stack.started(setting.folder / "data") as stack:

            async def script(world: World, played: Played) -> None:
                await asyncio.sleep(CALM_SECONDS / 2)
                for phase in PHASES:
                    setting.tell(f"The disk is {phase} for {seconds} s …")
                    await _fill(world, played, disk, phase, seconds, seen)
                    setting.tell(f"space is back; the next message is taken after {seen.back_seconds[phase]:.1f} s")
                    await asyncio.sleep(CALM_SECONDS)

            outcome = play(stack, setting, script)
            log = (stack.data / "logs" / "postgres.log").read_text(errors="replace")
    except Futile as reason:
        return Report("disk-full", {"skipped": str(reason)})
    return _report(outcome, seen, log)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """Have the cluster, made beforehand, on a tmpfs with little room."""
    data, disk = folder / "data", folder / "disk"
    namespaces.enter_new(namespaces.MOUNTS)
    namespaces.do("mount", "--make-rprivate", "/")
    with Stack.started(data):
        pass  # The cluster is made, and the databases migrated.
    cluster = data / "postgres"
    disk.mkdir()
    size = sum(each.stat().st_size for each in cluster.rglob("*") if each.is_file()) + SPARE_BYTES
    namespaces.do("mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(disk))
    try:
        namespaces.do("cp", "-a", str(cluster), str(disk / "postgres"))
        shutil.rmtree(cluster)
        cluster.symlink_to(disk / "postgres")
        yield disk
    finally:
        namespaces.do("umount", "--lazy", str(disk))


async def _fill(world: World, played: Played, disk: Path, phase: str, seconds: float, seen: Seen) -> None:
    filler = disk / "filler"
    kill = phase != PHASES[0]
    async with played.phase(phase):
        try:
            filling = asyncio.create_task(_keep_full(filler))
            if kill:
                send_signal(await asyncio.to_thread(world.stack.pid, "postgres"), signal.SIGKILL)
            await _look(world, seconds, seen, may_be_away=kill)
            filling.cancel()
        finally:
            filler.unlink(missing_ok=True)
        freed = time.monotonic()
        while not await asyncio.to_thread(_post, world, Seen()):
            if time.monotonic() - freed > 6 * BACK_BAR_SECONDS:
                break
            await asyncio.sleep(FILL_EVERY_SECONDS)
        seen.back_seconds[phase] = time.monotonic() - freed


async def _keep_full(filler: Path) -> None:
    """Whatever PostgreSQL frees is taken as well."""
    chunk = b"\0" * 65_536
    with filler.open("wb", buffering=0) as out:
        while True:
            try:
                while out.write(chunk):
                    pass
            except OSError:  # No space left.
                await asyncio.sleep(FILL_EVERY_SECONDS)


async def _look(world: World, seconds: float, seen: Seen, *, may_be_away: bool) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        await asyncio.to_thread(_post, world, seen)
        if not may_be_away:
            await asyncio.to_thread(_read, world, seen)
        await asyncio.sleep(FILL_EVERY_SECONDS)


def _post(world: World, seen: Seen) -> bool:
    fields = {"client_id": str(uuid4()), "body": "Is there room?"}
    try:
        world.keeper.call("POST", _path(world), fields)
    except Problem as problem:
        retry = "with" if problem.retry_after_seconds else "without"
        seen.refusals[f"{problem.status} {problem.code} {retry} Retry-After: {problem.detail}"] += 1
        return False
    except requests.RequestException as failure:
        seen.refusals[type(failure).__name__] += 1
        return False
    seen.sent += 1
    return True


def _read(world: World, seen: Seen) -> None:
    seen.reads += 1
    try:
        world.keeper.call("GET", _path(world))
    except (Problem, requests.RequestException) as failure:
        seen.failed_reads[str(getattr(failure, "status", type(failure).__name__))] += 1


def _path(world: World) -> str:
    return f"/api/conversations/{world.hiding[0]}/messages/"


def _report(outcome: Outcome, seen: Seen, log: str) -> Report:
    report = outcome.begin_report("disk-full")
    for phase in PHASES:
        outcome.add(report, phase)
        report.figures[f"{phase.replace(' ', '_')}_back_s"] = round(seen.back_seconds[phase], 1)
        took = seen.back_seconds[phase]
        report.require(
            took <= BACK_BAR_SECONDS, f"{phase}: the first message was taken {took:.1f} s after space was freed"
        )
    report.figures["posts_refused"] = dict(seen.refusals)
    report.figures["reads"] = seen.reads
    report.figures["reads_failed"] = dict(seen.failed_reads)
    report.require(bool(seen.refusals), "no post was refused: the disk was never full")
    odd = [refusal for refusal in seen.refusals if not refusal.startswith("503 unavailable with Retry-After")]
    for refusal in odd:
        report.require(False, f"a post was refused with {refusal}")
    # Without room for its log PostgreSQL may end itself, and recovers for a moment; without room for a small file of its own
    # it takes no new connections. Neither is ours to mend.
    excuses = {
        "postgres_ended_itself": "PANIC:" in log,
        "postgres_took_no_connections": "FATAL:  could not write init file" in log,
    }
    report.figures |= excuses
    excused = not seen.failed_reads or any(excuses.values())
    report.require(excused, f"reads failed while the disk was full: {dict(seen.failed_reads)}")
    return report
