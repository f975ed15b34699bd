"""A tenth of all sockets never reads: it is cut off, costs bounded memory, and nobody else notices (G8).

Those that read come through Caddy. Those that don't are connected to the gateways themselves, with small receive buffers:
Caddy's and the kernel's own would hide megabytes for each of them from the gateway, which is to be tried here.
"""

from __future__ import annotations

import asyncio
import time
from random import Random

from chatire_client import Account, Http
from chatire_faults.scenarios._crowd import Crowd, Town, p99_ms, room_for_sockets
from chatire_faults.scenarios._gauges import Gauges, gauged, metrics
from chatire_faults.scenarios._light import Place
from chatire_faults.scenarios._posting import Poster
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack

SOCKETS = 2_000
SLOW_SHARE = 10
SOCKETS_EACH = 10
RECEIVE_BYTES = 4_096
MEASURED = 100
POSTS_PER_SECOND = 4.0
MOST_POSTS_PER_SECOND = 16.0
"""With fewer sockets there are more posts, up to so many: the deliveries a second stay about the same."""
POST_BYTES = 1_024
MOST_SECONDS = 150.0
REST_SECONDS = 5.0
DELIVERY_P99_MS = 500.0
GROWTH_MIB = 100.0
PATIENCE_SECONDS = 120.0


def run(setting: Setting) -> Report:
    """Play it."""
    room_for_sockets()
    with Stack.started(setting.folder) as stack:
        return asyncio.run(_play(setting, stack))


async def _play(setting: Setting, stack: Stack) -> Report:
    random = Random(setting.seed)
    async with Crowd(random) as quick, Crowd(random) as slow:
        return await _watch(setting, stack, random, quick, slow)


async def _watch(setting: Setting, stack: Stack, random: Random, quick: Crowd, slow: Crowd) -> Report:
    report = Report("slow-consumers")
    origin = f"http://127.0.0.1:{stack.port}"
    sockets = setting.count(SOCKETS, least=20)
    people = max(2, sockets // SOCKETS_EACH)
    town = await Town.built(stack, Http(origin), people, groups=1, each_in=1)
    _settle_in(stack, town.people, sockets, quick, slow)
    setting.tell(f"{sockets} sockets connect, {len(slow.sockets)} of which will never read")
    await quick.open(PATIENCE_SECONDS)
    await slow.open(PATIENCE_SECONDS)
    per_second = min(MOST_POSTS_PER_SECOND, POSTS_PER_SECOND / setting.scale)
    poster = Poster(town, origin, random, per_second=per_second, size=POST_BYTES)
    async with gauged(stack) as gauges:
        await _traffic(setting, stack, poster, quick, len(slow.sockets))
    (group,) = town.groups
    deadline = time.monotonic() + 30
    while _missing(quick, poster, group) and time.monotonic() < deadline:  # noqa: ASYNC110 (nothing tells)
        await asyncio.sleep(0.2)
    _judge(report, stack, quick, slow, poster, gauges, _missing(quick, poster, group))
    return report


def _settle_in(stack: Stack, people: list[Account], sockets: int, quick: Crowd, slow: Crowd) -> None:
    gateways = [(host, int(port)) for host, port in (address.rsplit(":", 1) for address in stack.gateways)]
    for number in range(sockets):
        token = people[number % len(people)].access
        if number % SLOW_SHARE == 0:
            place = Place(gateways[(number // SLOW_SHARE) % len(gateways)], token, receive_bytes=RECEIVE_BYTES)
            one = slow.add(place)
            one.reads = one.stays = False
        else:
            one = quick.add(Place(("127.0.0.1", stack.port), token))
            one.measures = len(quick.sockets) <= MEASURED


async def _traffic(setting: Setting, stack: Stack, poster: Poster, quick: Crowd, slow: int) -> None:
    """Post until all that are slow are cut off, and a little longer."""
    enough = asyncio.Event()
    posting = asyncio.create_task(poster.post(enough))
    alive = asyncio.create_task(quick.keep_alive())
    began = time.monotonic()
    try:
        while _cuts(stack) < slow and time.monotonic() - began < MOST_SECONDS:  # noqa: ASYNC110
            await asyncio.sleep(1)
        setting.tell(f"{_cuts(stack)} of {slow} are cut off after {time.monotonic() - began:.0f} s")
        await asyncio.sleep(REST_SECONDS)
    finally:
        enough.set()
        alive.cancel()
        await posting


def _missing(quick: Crowd, poster: Poster, group: str) -> int:
    return sum(max(0, poster.heads[group] - one.places[group]) for one in quick.sockets)


def _cuts(stack: Stack) -> int:
    return int(sum(metrics(stack, "chatire_gateway_cuts_total")))


def _judge(
    report: Report, stack: Stack, quick: Crowd, slow: Crowd, poster: Poster, gauges: Gauges, missing: int
) -> None:
    tally = quick.tally
    report.figures |= {
        "sockets": len(quick.sockets) + len(slow.sockets),
        "never_reading": len(slow.sockets),
        "cut_off": _cuts(stack),
        "posts": len(poster.posts),
        "events_to_others": tally.events,
        "events_lost": missing + tally.skipped,
        "events_doubled": tally.doubled,
        "others_dropped": tally.closes.total(),
        "delivery_p99_ms": p99_ms(tally.latencies),
        "post_p99_ms": p99_ms(poster.seconds),
        "outgoing_most_mib": round(gauges.outgoing_bytes / (1 << 20), 1),
        "gateway_rss_growth_mib": gauges.growth_mib(),
    }
    figures, require = report.figures, report.require
    require(figures["cut_off"] == len(slow.sockets), f"{figures['cut_off']} were cut off, {len(slow.sockets)} are slow")
    require(not figures["others_dropped"], f"{figures['others_dropped']} that read were dropped")
    require(not figures["events_lost"], f"{figures['events_lost']} events were lost")
    require(not tally.doubled, f"{tally.doubled} events came twice")
    p99 = figures["delivery_p99_ms"]
    require(0 < p99 <= DELIVERY_P99_MS, f"delivery took {p99} ms at the 99th percentile")
    require(
        figures["gateway_rss_growth_mib"] < GROWTH_MIB, f"a gateway grew by {figures['gateway_rss_growth_mib']} MiB"
    )
