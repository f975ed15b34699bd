"""The seed decides what breaks, in which order and where; what cannot be broken now is tried again, then told."""

from __future__ import annotations

import pytest

from chatire_faults import nemesis
from chatire_faults.errors import NotNow
from chatire_faults.nemesis import Nemesis

KINDS = ["storm", "flood", "drought"]


@pytest.fixture
def places(monkeypatch):
    """Faults that draw where they strike; the clock advances by what is slept."""
    now = [0.0]

    async def sleep(seconds):
        now[0] += seconds

    async def strike(world, random):
        return str(random.randrange(1_000_000))

    async def fail(world, random):
        raise NotNow("nothing there")

    monkeypatch.setattr(nemesis.asyncio, "sleep", sleep)
    monkeypatch.setattr(nemesis.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(nemesis, "FAULTS", {**dict.fromkeys(KINDS, strike), "never": fail})


async def strikes(seed, kinds=KINDS, seconds=60.0):
    told = []
    one = Nemesis(None, kinds, seed, 5.0, told.append)
    await one.rage(seconds)
    assert len(told) == len(one.injected)
    return one.injected


async def test_the_same_seed_breaks_the_same_things_in_the_same_places(places):
    first, second, other = await strikes(7), await strikes(7), await strikes(8)
    assert [(each.kind, each.target) for each in first] == [(each.kind, each.target) for each in second]
    assert [(each.kind, each.target) for each in first] != [(each.kind, each.target) for each in other]


async def test_every_kind_has_its_turn_before_any_comes_again(places):
    kinds = [each.kind for each in await strikes(7)]
    assert len(kinds) >= 6
    assert sorted(kinds[:3]) == sorted(kinds[3:6]) == sorted(KINDS)


async def test_what_cannot_be_broken_is_told_and_does_not_count(places):
    injected = await strikes(7, ["never"])
    assert injected
    assert all(each.skipped and each.target == "nothing there" for each in injected)


async def test_it_stops_in_time(places):
    assert await strikes(7, seconds=1.0) == []
