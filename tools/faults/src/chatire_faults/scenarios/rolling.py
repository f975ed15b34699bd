"""Every service restarted under load, two of each, again and again: no request fails, nothing is lost."""

from __future__ import annotations

import asyncio
import time

from chatire_faults.scenarios._rolling_load import Load, under_load
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Replicas, Stack

SERVICES = ("auth", "messages", "relay", "gateway")
ROUNDS = 5
QUIET_SECONDS = 1.0


def run(setting: Setting) -> Report:
    """Restart them all, so many times."""
    report = Report("rolling")
    rounds = setting.count(ROUNDS)
    seconds: dict[str, list[float]] = {service: [] for service in SERVICES}

    async def restart_all(load: Load) -> None:
        await asyncio.sleep(QUIET_SECONDS)
        for number in range(rounds):
            for service in SERVICES:
                load.calls.phase = service
                began = time.monotonic()
                await asyncio.to_thread(stack.restart, service)
                seconds[service].append(time.monotonic() - began)
                setting.tell(f"round {number + 1} of {rounds}: {service} restarted in {seconds[service][-1]:.1f} s")
        await asyncio.sleep(QUIET_SECONDS)
        load.calls.phase = ""

    with Stack.started(setting.folder / "data", Replicas.of_each(2)) as stack:
        load = asyncio.run(under_load(stack, setting, restart_all))
    report.figures["restarts_of_each_service"] = rounds
    report.figures["slowest_restart_of_both_s"] = {name: round(max(took), 1) for name, took in seconds.items()}
    load.report(report)
    return report
