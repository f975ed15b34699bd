"""Redis hangs for a minute, then it is gone for a minute: everything sent is acked at once, and shown by polling.

Hanging: Valkey is stopped (SIGSTOP), its connections stay. Gone: whoever connects is refused, and what was open is reset;
Valkey itself is killed meanwhile, so that an empty one comes back.
"""

from __future__ import annotations

import asyncio
import signal

from chatire_faults.detours import LINES
from chatire_faults.faults_partitions import detours_of
from chatire_faults.proxy import GOOD, Conditions
from chatire_faults.scenarios._script import Outcome, Played, play
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack, send_signal
from chatire_faults.world import World

AWAY_SECONDS = 60
CALM_SECONDS = 10.0
ACK_BAR_SECONDS, GAP_BAR_SECONDS, LIVE_BAR_SECONDS = 1.0, 5.0, 2.0
PHASES = ("hanging", "gone")


def run(setting: Setting) -> Report:
    """Play it."""
    seconds = setting.count(AWAY_SECONDS, least=6)

    async def script(world: World, played: Played) -> None:
        await asyncio.sleep(CALM_SECONDS / 2)
        setting.tell(f"Valkey hangs for {seconds} s …")
        async with played.phase("hanging"):
            await _hang(world, seconds)
        await asyncio.sleep(CALM_SECONDS)
        setting.tell(f"Valkey is gone for {seconds} s …")
        async with played.phase("gone"):
            await _go_away(world, seconds)
        await asyncio.sleep(CALM_SECONDS)

    with Stack.started(setting.folder, detoured=True) as stack:
        outcome = play(stack, setting, script)
    return _report(outcome, seconds)


async def _hang(world: World, seconds: float) -> None:
    pid = await asyncio.to_thread(world.stack.pid, "valkey")
    send_signal(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        send_signal(pid, signal.SIGCONT)


async def _go_away(world: World, seconds: float) -> None:
    lines = detours_of(world)
    parts = [part for part, servers in LINES.items() if "valkey" in servers]
    for part in parts:
        lines.become(part, "valkey", Conditions(refused=True))
    try:
        send_signal(await asyncio.to_thread(world.stack.pid, "valkey"), signal.SIGKILL)
        await asyncio.sleep(seconds)
    finally:
        for part in parts:
            lines.become(part, "valkey", GOOD)


def _report(outcome: Outcome, seconds: float) -> Report:
    report = outcome.begin_report("redis-away")
    report.figures["away_s"] = seconds
    for phase in PHASES:
        ack, gap = outcome.add(report, phase)
        ended = outcome.phases[phase][1]
        live = outcome.live_again_seconds(ended, ended + CALM_SECONDS)
        report.figures[f"{phase}_live_again_ms"] = round(live * 1_000, 1)
        unacked = report.figures[f"{phase}_sent"] - report.figures[f"{phase}_acked"]
        refused = sum(message.refused is not None for message in outcome.sent_in(phase))
        report.require(unacked == refused, f"{phase}: {unacked} messages were not acknowledged")
        report.require(ack < ACK_BAR_SECONDS, f"{phase}: acks took {ack:.2f} s (p99)")
        report.require(gap <= GAP_BAR_SECONDS, f"{phase}: a gap was open for {gap:.1f} s")
        report.require(live <= LIVE_BAR_SECONDS, f"{phase}: events were late until {live:.1f} s after its end")
    return report
