"""Each service in this version beside the others in an earlier one, in every combination, under load.

One service at a time changes its version, by a rolling restart, so that a walk through all combinations (a Gray code) is
also a walk through what deployments and roll-backs do. The databases are as this version has migrated them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from chatire_faults.scenarios._earlier import Earlier, earlier_commit
from chatire_faults.scenarios._rolling_load import Load, under_load
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Replicas, Stack

SERVICES = ("gateway", "messages", "relay", "auth")
COMBINATIONS = 2 ** len(SERVICES)
STAY_SECONDS = 2.0


def run(setting: Setting) -> Report:
    """Walk through as many combinations as the scale allows: all at 1."""
    report = Report("versions")
    earlier = Earlier.unpacked(earlier_commit(), setting.folder / "earlier")
    steps = setting.count(COMBINATIONS, least=2)
    seen: set[tuple[str, ...]] = {()}

    async def walk(load: Load) -> None:
        settings = earlier.settings(stack.addresses)
        for service, old in walk_all(steps):
            began = time.monotonic()
            load.calls.phase = service
            if old:
                await asyncio.to_thread(stack.restart, service, source=earlier.tree, settings=settings)
            else:
                await asyncio.to_thread(stack.restart, service)
            combination.symmetric_difference_update({service})
            seen.add(tuple(sorted(combination)))
            at = ", ".join(sorted(combination)) or "none"
            setting.tell(f"earlier: {at} ({time.monotonic() - began:.1f} s)")
            await asyncio.sleep(STAY_SECONDS)
        load.calls.phase = ""

    combination: set[str] = set()
    with Stack.started(setting.folder / "data", Replicas.of_each(2)) as stack:
        load = asyncio.run(under_load(stack, setting, walk))
    report.figures |= {
        "earlier_commit": earlier.commit,
        "earlier_leaves_gently": earlier.leaves_gently,
        "other_requirements": earlier.other_requirements,
        "combinations": len(seen),
        "restarts": steps,
    }
    load.report(report)
    return report


def walk_all(steps: int) -> Iterator[tuple[str, bool]]:
    """Which service changes next, and whether to the earlier version; 16 steps visit all combinations and come home."""
    for step in range(1, steps + 1):
        before, after = _gray(step - 1), _gray(step % COMBINATIONS)
        bit = (before ^ after).bit_length() - 1
        yield SERVICES[bit], bool(after >> bit & 1)


def _gray(number: int) -> int:
    number %= COMBINATIONS
    return number ^ number >> 1
