"""Hundreds of readers that have stalled, under heavy traffic: what a gateway holds for them stays within its bound (G8).

They are connected to the gateway itself, as in `slow-consumers`. Every 20 s or so each of them gives up, comes back with
its cursors, is replayed what it missed, and stalls again.
"""

from __future__ import annotations

import asyncio
import time
from random import Random

from chatire_client import Http
from chatire_faults.scenarios._crowd import Crowd, Town, room_for_sockets
from chatire_faults.scenarios._gauges import gauged, metrics
from chatire_faults.scenarios._light import Place
from chatire_faults.scenarios._posting import Poster
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Replicas, Stack

READERS = 500
READERS_EACH = 10
RECEIVE_BYTES = 4_096
POSTS_PER_SECOND = 12.0
POST_BYTES = 7_000
TRAFFIC_SECONDS = 60.0
LEAST_TRAFFIC_SECONDS = 15.0
ROUND_SECONDS = 20
BOUND_MIB = 64.0
GROWTH_MIB = 100.0
PATIENCE_SECONDS = 120.0


def run(setting: Setting) -> Report:
    """Play it."""
    room_for_sockets()
    with Stack.started(setting.folder, Replicas(gateways=1)) as stack:
        return asyncio.run(_play(setting, stack))


async def _play(setting: Setting, stack: Stack) -> Report:
    random = Random(setting.seed)
    async with Crowd(random) as crowd:
        return await _watch(setting, stack, random, crowd)


async def _watch(setting: Setting, stack: Stack, random: Random, crowd: Crowd) -> Report:
    report = Report("stalled-readers")
    origin = f"http://127.0.0.1:{stack.port}"
    readers = setting.count(READERS, least=20)
    town = await Town.built(stack, Http(origin), max(2, readers // READERS_EACH), groups=1, each_in=1)
    host, port = stack.gateways[0].rsplit(":", 1)
    for number in range(readers):
        token = town.people[number % len(town.people)].access
        crowd.add(Place((host, int(port)), token, receive_bytes=RECEIVE_BYTES)).reads = False
    setting.tell(f"{readers} readers connect and stall")
    await crowd.open(PATIENCE_SECONDS)
    poster = Poster(town, origin, random, per_second=POSTS_PER_SECOND, size=POST_BYTES)
    enough = asyncio.Event()
    async with gauged(stack) as gauges:
        posting = asyncio.create_task(poster.post(enough))
        returning = asyncio.create_task(_return(crowd))
        await asyncio.sleep(max(LEAST_TRAFFIC_SECONDS, TRAFFIC_SECONDS * min(1.0, setting.scale)))
        enough.set()
        returning.cancel()
        began = time.monotonic()
        await posting
        setting.tell(f"the last of {len(poster.posts)} posts took {time.monotonic() - began:.1f} s")
    outgoing = round(gauges.outgoing_bytes / (1 << 20), 1)
    report.figures |= {
        "readers": readers,
        "posts": len(poster.posts),
        "returned": crowd.tally.closes.total(),
        "cut_off": int(sum(metrics(stack, "chatire_gateway_cuts_total"))),
        "outgoing_most_mib": outgoing,
        "gateway_rss_peak_mib": gauges.peak_mib(),
        "gateway_rss_growth_mib": gauges.growth_mib(),
    }
    growth = report.figures["gateway_rss_growth_mib"]
    report.require(report.figures["cut_off"] > 0, "nobody was cut off: there was no traffic to speak of")
    report.require(outgoing <= BOUND_MIB + 1, f"{outgoing} MiB were held for sockets")
    report.require(growth < GROWTH_MIB, f"the gateway grew by {growth} MiB")
    return report


async def _return(crowd: Crowd) -> None:
    """Have a few drop their lines each second, until cancelled."""
    while True:
        for start in range(ROUND_SECONDS):
            await asyncio.sleep(1)
            for one in crowd.sockets[start::ROUND_SECONDS]:
                one.drop()
