"""Everybody is dropped at once, twice, and comes back while others post (reliability.md's reconnect storm).

All sockets go through Caddy, with the connection caps and the handshake rate in force, from several source addresses as
from several offices. First Caddy is killed, so that the gateways see everybody leave and return; then both gateways, so
that everybody returns to processes that know nothing.
"""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import suppress
from random import Random

from chatire_client import Http
from chatire_faults.errors import NotNow
from chatire_faults.insisting import insist
from chatire_faults.scenarios._crowd import Crowd, Town, p50_ms, p99_ms, room_for_sockets, until
from chatire_faults.scenarios._gauges import Gauges, cpu_seconds, gauged
from chatire_faults.scenarios._light import LightSocket, Place
from chatire_faults.scenarios._posting import Poster
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack, send_signal

SOCKETS = 5_000
SOCKETS_EACH = 10
GROUPS = 60
GROUPS_EACH = 4
ADDRESSES_EACH = 400
POSTS_PER_SECOND = 8.0
CALM_SECONDS = 5.0
LEAST_CALM_SECONDS = 1.0
BACK_SECONDS = 60.0
PATIENCE_SECONDS = 180.0
POST_P99_MS = 2_000.0


def run(setting: Setting) -> Report:
    """Play it."""
    room_for_sockets()
    with Stack.started(setting.folder, limits=True) as stack:
        return asyncio.run(_play(setting, stack))


async def _play(setting: Setting, stack: Stack) -> Report:
    random = Random(setting.seed)
    async with Crowd(random) as crowd:
        return await Storm(setting, stack, random, crowd).play()


class Storm:
    """One run."""

    def __init__(self, setting: Setting, stack: Stack, random: Random, crowd: Crowd) -> None:
        self._setting = setting
        self._stack = stack
        self._random = random
        self._report = Report("storm")
        self._crowd = crowd
        self._killed: set[str] = set()
        self._away = (0.0, 0.0)
        self._owners: dict[LightSocket, str] = {}

    async def play(self) -> Report:
        """Build, drop, wait, judge."""
        setting = self._setting
        origin = f"http://127.0.0.1:{self._stack.port}"
        people = setting.count(SOCKETS // SOCKETS_EACH, least=8)
        groups = min(setting.count(GROUPS, least=4), people)
        town = await Town.built(self._stack, Http(origin), people, groups, GROUPS_EACH)
        self._settle_in(town)
        before = self._stack.pids()
        setting.tell(f"{len(self._crowd.sockets)} sockets of {people} people in {groups} groups connect")
        await self._crowd.open(PATIENCE_SECONDS)
        poster = Poster(town, origin, self._random, per_second=POSTS_PER_SECOND)
        async with gauged(self._stack) as gauges:
            await self._weather(poster)
            await self._everything_arrives(town, poster)
        self._judge(poster, gauges, before)
        return self._report

    def _settle_in(self, town: Town) -> None:
        for number in range(len(town.people) * SOCKETS_EACH):
            account = town.people[number // SOCKETS_EACH]
            source = f"127.0.{1 + number // ADDRESSES_EACH}.1"
            socket = self._crowd.add(Place(("127.0.0.1", self._stack.port), account.access, source))
            self._owners[socket] = account.id

    async def _weather(self, poster: Poster) -> None:
        enough = asyncio.Event()
        calm = max(LEAST_CALM_SECONDS, CALM_SECONDS * min(1.0, self._setting.scale))
        posting = asyncio.create_task(poster.post(enough))
        alive = asyncio.create_task(self._crowd.keep_alive())
        try:
            for name, parts in (("caddy", ["caddy"]), ("gateways", self._gateways())):
                await asyncio.sleep(calm)
                await self._drop(name, parts)
            await asyncio.sleep(calm)
        finally:
            enough.set()
            alive.cancel()
            await posting

    def _gateways(self) -> list[str]:
        return [name for name in self._stack.pids() if name.startswith("gateway")]

    async def _drop(self, name: str, parts: list[str]) -> None:
        """Kill these and wait until everybody is back."""
        crowd = self._crowd
        lost_before, busy_before = crowd.tally.closes.total(), crowd.tally.busy
        pids, cpu_before = self._stack.pids(), cpu_seconds(self._stack)
        self._setting.tell(f"killing {', '.join(parts)}")
        for part in parts:
            self._killed.add(part)
            with suppress(NotNow):
                send_signal(pids[part], signal.SIGKILL)
        began, gone = time.monotonic(), time.time()
        if "caddy" in parts:
            self._away = (gone, await self._caddy_serves())
        everybody = len(crowd.sockets)
        await until(lambda: crowd.tally.closes.total() - lost_before >= everybody, began + PATIENCE_SECONDS)
        await until(lambda: crowd.ready == everybody, began + PATIENCE_SECONDS)
        seconds = round(time.monotonic() - began, 1)
        self._setting.tell(f"all {everybody} are back after {seconds} s")
        self._report.figures[f"{name}_killed_all_back_s"] = seconds
        used = cpu_seconds(self._stack)
        spent = sum(seconds - cpu_before.get(pid, 0.0) for pid, seconds in used.items())
        self._report.figures[f"{name}_killed_gateway_cpu_s"] = round(spent, 1)
        self._report.figures[f"{name}_killed_told_to_come_later"] = crowd.tally.busy - busy_before
        self._report.require(seconds <= BACK_SECONDS, f"{name} killed: all back only after {seconds} s")

    async def _caddy_serves(self) -> float:
        """When it does again: until then nobody can post, whatever the crowd does."""
        keys = "/api/auth/.well-known/jwks.json"
        http = Http(f"http://127.0.0.1:{self._stack.port}", connections=1)
        await insist(lambda: http.call("GET", keys))
        return time.time()

    async def _everything_arrives(self, town: Town, poster: Poster) -> None:
        wanted = {
            account.id: [group for group in town.groups if account in town.members[group]] for account in town.people
        }

        heads = poster.heads

        def missing() -> int:
            return sum(
                max(0, heads.get(group, 0) - socket.places.get(group, 0))
                for socket, owner in self._owners.items()
                for group in wanted[owner]
            )

        deadline = time.monotonic() + 30
        while missing() and time.monotonic() < deadline:  # noqa: ASYNC110 (it can't be waited for otherwise)
            await asyncio.sleep(0.5)
        self._report.figures["events_lost"] = missing() + self._crowd.tally.skipped
        self._report.require(not missing(), f"{missing()} events never came")

    def _judge(self, poster: Poster, gauges: Gauges, before: dict[str, int]) -> None:
        tally, figures, require = self._crowd.tally, self._report.figures, self._report.require
        changed = {name for name, pid in self._stack.pids().items() if before.get(name) != pid} - self._killed
        gone, again = self._away
        held_up = [post.seconds for post in poster.posts if post.began < again and post.ended > gone]
        usual = [post.seconds for post in poster.posts if post.began >= again or post.ended <= gone]
        figures |= {
            "sockets": len(self._crowd.sockets),
            "events_delivered": tally.events,
            "events_doubled": tally.doubled,
            "events_out_of_order": tally.skipped,
            "resyncs": tally.resyncs,
            "posts": len(poster.posts),
            "post_p50_ms": p50_ms(usual),
            "post_p99_ms": p99_ms(usual),
            "caddy_away_s": round(again - gone, 1),
            "posts_while_caddy_was_away": len(held_up),
            "posts_while_caddy_was_away_p99_ms": p99_ms(held_up),
            "gateway_rss_peak_mib": gauges.peak_mib(),
            "postgresql_connections_most": gauges.database_connections,
            "restarts_of_others": len(changed),
        }
        require(not tally.doubled, f"{tally.doubled} events came twice")
        require(not tally.skipped, f"{tally.skipped} events came with a gap before them")
        require(not tally.resyncs, f"{tally.resyncs} times history had to be fetched again")
        require(figures["post_p99_ms"] <= POST_P99_MS, f"posts took {figures['post_p99_ms']} ms at the 99th percentile")
        require(not changed, f"restarted without having been killed: {', '.join(sorted(changed))}")
