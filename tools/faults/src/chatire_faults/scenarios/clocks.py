"""The clock of one service after the other is wrong: a little, by five minutes either way, and an hour back all at once.

Order is by `seq` and must not care. Tokens are signed with a time: within their leeway nothing may be noticed; beyond it
they are refused, nobody is signed out for it, and all goes on when the clock is right again. Needs libfaketime.
"""

from __future__ import annotations

import asyncio
import time
from importlib.util import find_spec
from pathlib import Path
from random import Random

from chatire_client import Problem, SignedOut
from chatire_faults.errors import FaultsError
from chatire_faults.people_at_points import reconnect
from chatire_faults.scenarios._crowd import p99_ms
from chatire_faults.scenarios._script import Outcome, Played, play
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack
from chatire_faults.world import World

HOLD_SECONDS = 10
CALM_SECONDS = 4.0
PARTS = {"auth": ["auth"], "messages": ["messages"], "gateway": ["gateway-1", "gateway-2"], "relay": ["relay"]}
WITHIN_LEEWAY = {"+5s": 5, "-5s": -5}
BEYOND = {"+5min": 300, "-5min": -300, "-1h": -3600}
NOTICED_WITHIN_SECONDS = 1.5
"""A process looks each second how wrong its clock is to be."""
SERVER_ERRORS = 500
ACK_BAR_SECONDS, BACK_BAR_SECONDS = 5.0, 10.0
"""Some devices lose their line in between, for a second and for their own pause after it."""
_DEBIANS = "/usr/lib/*/faketime/libfaketimeMT.so.1"


def run(setting: Setting) -> Report:
    """Play it."""
    library = _library()
    if library is None:
        return Report("clocks", {"skipped": "there is no libfaketime here (pip install libfaketime, or apt)"})
    seconds = setting.count(HOLD_SECONDS, least=3)
    clocks = {part: _Clock(library, setting.folder / f"clock-of-{part}") for part in PARTS}
    environment = {one: clocks[part].environment for part, ones in PARTS.items() for one in ones}
    back: dict[str, float] = {}

    async def script(world: World, played: Played) -> None:
        random = Random(setting.seed)
        await asyncio.sleep(CALM_SECONDS)
        for part in random.sample(sorted(clocks), setting.count(len(clocks))):
            clock = clocks[part]
            for name, offset in (WITHIN_LEEWAY | BEYOND).items():
                setting.tell(f"the clock of {part} is wrong by {name} for {seconds} s …")
                async with played.phase(f"{part} {name}"):
                    await _be_wrong(world, random, clock, offset, seconds)
                back[f"{part} {name}"] = await _until_taken(world)

    with Stack.started(setting.folder / "data", environment=environment) as stack:
        outcome = play(stack, setting, script)
    return _report(outcome, back)


def _library() -> Path | None:
    found = find_spec("libfaketime")
    places = [Path(place) for place in (found.submodule_search_locations or [])] if found else []
    inside = [library for place in places for library in place.rglob("libfaketime.so.1")]
    return next(iter(inside), None) or next(Path("/").glob(_DEBIANS.removeprefix("/")), None)


class _Clock:
    """The clock that some processes see: right, until it is set wrong."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.set(0)

    def set(self, offset_seconds: int) -> None:
        """Be wrong by so much, from the next look on."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{offset_seconds:+d}\n")
        fresh.rename(self._file)


async def _be_wrong(world: World, random: Random, clock: _Clock, offset: int, seconds: float) -> None:
    clock.set(offset)
    try:
        await asyncio.sleep(NOTICED_WITHIN_SECONDS)
        await _refresh_some(world, random)
        await reconnect(world, random)
        await asyncio.sleep(seconds)
    finally:
        clock.set(0)
        await asyncio.sleep(NOTICED_WITHIN_SECONDS)


async def _refresh_some(world: World, random: Random) -> None:
    """Some get new tokens, signed or judged by a wrong clock."""
    for talker in random.sample(world.talkers, 2):
        account = talker.account
        try:
            await asyncio.to_thread(account.refresh, spent=account.access)
        except SignedOut as signed_out:
            world.trouble.append(f"{talker.device.name} was signed out: {signed_out}")
        except Problem as problem:
            if problem.status < SERVER_ERRORS:
                world.trouble.append(f"{talker.device.name} got no tokens: {problem}")


async def _until_taken(world: World) -> float:
    """Seconds until everybody's messages are settled again."""
    began = time.monotonic()
    late = [talker.say(talker.conversations[0]) for talker in world.talkers if talker.conversations]
    while not all(message.acks or message.refused for message in late):
        if time.monotonic() - began > 6 * BACK_BAR_SECONDS:
            raise FaultsError("messages are not taken although all clocks are right again")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def _report(outcome: Outcome, back: dict[str, float]) -> Report:
    # When something was committed is told by the clock of messages: lateness can't be told.
    report = outcome.begin_report("clocks", but="late")
    for phase in outcome.phases:
        name = phase.replace("+", "plus_").replace("-", "minus_").replace(" ", "_")
        sent, ack = outcome.sent_in(phase), p99_ms(outcome.ack_seconds(phase))
        report.figures[f"{name}_sent"] = len(sent)
        report.figures[f"{name}_acked"] = sum(bool(message.acks) for message in sent)
        report.figures[f"{name}_ack_p99_ms"] = ack
        report.figures[f"{name}_back_s"] = round(back[phase], 1)
        report.require(
            back[phase] <= BACK_BAR_SECONDS, f"{phase}: sends worked again {back[phase]:.1f} s after its end"
        )
        if phase.split()[-1] in WITHIN_LEEWAY:
            report.require(ack < ACK_BAR_SECONDS * 1_000, f"{phase}: acks took {ack / 1_000:.1f} s (p99)")
    return report
