"""A crash fault waits until somebody was struck, takes the point back when nobody comes, and lets who was moved come back."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from random import Random
from types import SimpleNamespace

import pytest

from chatire_client import SignedOut
from chatire_faults import faults_code
from chatire_faults.errors import Futile, NotNow
from chatire_faults.faults_code import POINTS, Point, crash_at
from chatire_faults.nemesis import FAULTS, Nemesis
from chatire_shared.testing.faults import is_armed

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(tmp_path):
    return SimpleNamespace(stack=SimpleNamespace(faults=tmp_path), trouble=[])


def passer(point):
    """Somebody who comes by once, and whether they came to the end of what they were doing."""
    done = []

    async def provoke(world, random):
        (world.stack.faults / point).unlink()
        await asyncio.sleep(0)
        done.append(True)

    return provoke, done


async def test_it_ends_when_somebody_was_struck_and_who_came_by_is_through(world):
    provoke, done = passer("here.now")
    assert await crash_at(Point("here.now", 1, provoke))(world, Random(1)) == "pass 1"
    assert done == [True]


async def test_when_nobody_comes_the_point_is_taken_back_and_trying_again_is_no_use(world, monkeypatch):
    monkeypatch.setattr(faults_code, "WAIT_SECONDS", 0.05)
    with pytest.raises(Futile, match="nobody came by"):
        await crash_at(Point("here.now"))(world, Random(1))
    assert not is_armed(world.stack.faults, "here.now")


async def test_what_must_not_be_struck_itself_is_prepared_before_the_point_is_armed(world):
    seen = []

    async def prepare(world, random):
        seen.append(is_armed(world.stack.faults, "here.now"))

        async def provoke():
            seen.append(is_armed(world.stack.faults, "here.now"))
            (world.stack.faults / "here.now").unlink()

        return provoke

    await crash_at(Point("here.now", prepare=prepare))(world, Random(1))
    assert seen == [False, True]


async def test_somebody_who_is_signed_out_by_it_is_a_finding(world, monkeypatch):
    async def provoke(world, random):
        (world.stack.faults / "here.now").unlink()
        raise SignedOut("token_reused")

    await crash_at(Point("here.now", 1, provoke))(world, Random(1))
    assert world.trouble == ["crash-here-now signed somebody out: token_reused"]


async def test_what_is_no_use_is_tried_once_and_what_may_work_later_is_tried_again(monkeypatch):
    tries = {"futile": 0, "later": 0}

    async def futile(world, random):
        tries["futile"] += 1
        raise Futile("no root")

    async def later(world, random):
        tries["later"] += 1
        if tries["later"] < 3:
            raise NotNow("still starting")
        return "struck"

    monkeypatch.setitem(FAULTS, "futile", futile)
    monkeypatch.setitem(FAULTS, "later", later)
    monkeypatch.setattr("chatire_faults.nemesis.PAUSE_BETWEEN_TRIES_SECONDS", 0.0)
    nemesis = Nemesis(None, [], 1, 1.0, lambda _: None)
    for kind in tries:
        await nemesis._inject(kind, Random(1))
    assert tries == {"futile": 1, "later": 3}
    assert [(each.target, each.skipped) for each in nemesis.injected] == [("no root", True), ("struck", False)]


def test_every_point_is_in_the_code_and_every_point_of_the_code_is_a_fault():
    sources = [*ROOT.glob("services/*/src/**/*.py"), *ROOT.glob("shared/src/**/*.py")]
    found = {name for source in sources for name in re.findall(r'\bhit\("([a-z_.]+)"\)', source.read_text())}
    assert found == {point.name for point in POINTS}


def test_every_fault_says_in_a_sentence_what_it_does():
    assert len(FAULTS) >= 70
    named = {point.kind for point in POINTS}
    silent = [kind for kind, fault in FAULTS.items() if kind not in named and not (fault.__doc__ or "").strip()]
    assert [kind for kind in silent if not kind.startswith("cut-")] == []
