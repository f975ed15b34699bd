"""Redis fails over: the old one dies, a replica is promoted, and the address leads to it; again and again, there and back.

As an operator would do it: a second Valkey follows the first one, and all parts reach either through proxies that can be
switched. Between the death and the switch nobody answers for a second, the time it takes to notice.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from chatire_faults.detours import LINES
from chatire_faults.errors import FaultsError
from chatire_faults.faults_partitions import detours_of
from chatire_faults.proxy import GOOD, Conditions
from chatire_faults.scenarios._script import Outcome, Played, play
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack, free_port
from chatire_faults.world import World

FAILOVERS = 6
CALM_SECONDS = 12.0
UNNOTICED_SECONDS = 1.0
LIVE_BAR_SECONDS = 10.0
_PATIENCE_SECONDS = 20.0


def run(setting: Setting) -> Report:
    """Play it."""
    count = setting.count(FAILOVERS, least=2)
    with Stack.started(setting.folder / "data", detoured=True) as stack, _second(stack, setting.folder) as second:

        async def script(world: World, played: Played) -> None:
            here, there = (second.first, second)
            for number in range(count):
                await asyncio.to_thread(there.follow, here)
                await asyncio.sleep(CALM_SECONDS / 2 if number == 0 else CALM_SECONDS)
                setting.tell(f"failover {number + 1} of {count}: to port {there.port}")
                async with played.phase(f"failover {number + 1}"):
                    await _fail_over(world, here, there)
                here, there = there, here
            await asyncio.sleep(CALM_SECONDS)

        outcome = play(stack, setting, script)
    return _report(outcome)


class Server:
    """One of the two; `first` is the one the launcher runs."""

    def __init__(self, port: int, password: str) -> None:
        self.port = port
        self.password = password
        self.first = self
        self.client = redis.Redis(port=port, password=password, socket_timeout=5)

    def follow(self, other: Server) -> None:
        """Be its replica; returns when it has all.

        Raises: FaultsError.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                self.client.config_set("masterauth", other.password)
                self.client.replicaof("127.0.0.1", other.port)
                if self.client.info("replication").get("master_link_status") == "up":
                    return
            except redis.RedisError:
                pass  # Just starting again.
            time.sleep(0.1)
        raise FaultsError(f"the Valkey on port {self.port} does not follow the other")

    def promote(self) -> None:
        """Follow nobody any more."""
        self.client.replicaof("NO", "ONE")

    def die(self) -> None:
        """At once, as if killed; the launcher, or we, start it again, empty."""
        try:
            self.client.shutdown(nosave=True, now=True, force=True)
        except redis.RedisError:
            return


async def _fail_over(world: World, here: Server, there: Server) -> None:
    lines = detours_of(world)
    parts = [part for part, servers in LINES.items() if "valkey" in servers]
    for part in parts:
        lines.become(part, "valkey", Conditions(refused=True))
    await asyncio.to_thread(here.die)
    await asyncio.sleep(UNNOTICED_SECONDS)
    await asyncio.to_thread(there.promote)
    lines.lead("valkey", ("127.0.0.1", there.port))
    for part in parts:
        lines.become(part, "valkey", GOOD)


@contextmanager
def _second(stack: Stack, folder: Path) -> Iterator[Server]:
    """Another Valkey, of the same program, started again whenever it ends, as a supervisor does."""
    url = urlsplit(stack.addresses["redis_url"])
    first, made = Server(url.port or 0, str(url.password)), Server(free_port(), str(url.password))
    made.first = first
    program = Path(f"/proc/{stack.pid('valkey')}/exe").resolve()
    settings = folder / "second-valkey.conf"
    settings.write_text(
        f'bind 127.0.0.1\nport {made.port}\nrequirepass {made.password}\nsave ""\nappendonly no\ndir {folder}\n'
    )
    keeper = subprocess.Popen(["sh", "-c", f"while :; do '{program}' '{settings}' >/dev/null; sleep 0.2; done"])
    try:
        yield made
    finally:
        keeper.kill()
        keeper.wait()
        made.die()


def _report(outcome: Outcome) -> Report:
    report = outcome.begin_report("failover")
    lives: list[float] = []
    for phase, (began, _) in outcome.phases.items():
        lives.append(outcome.live_again_seconds(began, began + CALM_SECONDS))
        unacked = [message for message in outcome.sent_in(phase) if not message.acks and message.refused is None]
        report.require(not unacked, f"{phase}: {len(unacked)} messages were not acknowledged")
    gaps = [seconds for began, end in _spans(outcome) for _, seconds in outcome.gap_seconds(began, end)]
    figures: dict[str, Any] = {
        "failovers": len(lives),
        "live_again_max_ms": round(max(lives) * 1_000, 1),
        "gap_max_ms": round(max(gaps, default=0.0) * 1_000, 1),
    }
    report.figures |= figures
    report.require(max(lives) <= LIVE_BAR_SECONDS, f"events were late until {max(lives):.1f} s after the old one died")
    return report


def _spans(outcome: Outcome) -> list[tuple[float, float]]:
    return [(began, began + CALM_SECONDS) for began, _ in outcome.phases.values()]
