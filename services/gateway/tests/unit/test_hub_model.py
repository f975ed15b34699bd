"""The law of the hub: whatever is lost, late, repeated or reordered, each client's log equals the log."""

from __future__ import annotations

import os
from collections import Counter
from itertools import count
from random import SystemRandom

import pytest
from driving import DEEDS, Broken, Step, drive, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STEPS = int(os.environ.get("HUB_STEPS", "110000"))
"""About 7 s; a few millions are for a quiet evening after the hub was changed."""
LEAST = 100_000
OFTEN = 50


@pytest.mark.timeout(600)
def test_the_law_holds_in_every_weather() -> None:
    """More than 100,000 steps, other ones in each run; a failure names the seed and the shortest story of it."""
    first = int(os.environ.get("HUB_SEED", SystemRandom().randrange(10**9)))
    done: Counter[str] = Counter()
    for seed in count(first):
        try:
            drive(seed, done)
        except Broken as broken:
            pytest.fail(f"HUB_SEED={seed}: {broken.error!r}\n{broken.shortest()}")
        if done.total() >= STEPS:
            break
    assert done.total() >= STEPS
    rare = {name: done[name] for name in DEEDS if done[name] < OFTEN}
    assert not rare or STEPS < LEAST, f"hardly ever done, so not tested: {rare}"


numbers = st.integers(0, 1 << 30)
stories = st.lists(st.tuples(st.sampled_from(sorted(DEEDS)), numbers), max_size=60)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1_000), story=stories)
def test_the_law_holds_in_stories_that_hypothesis_makes_up(seed: int, story: list[Step]) -> None:
    """Fewer than the driver's, but built to find corners, and made as simple as can be when one is found."""
    run(seed, story)


def test_a_run_of_the_tests_is_long_enough() -> None:
    """So that fewer steps are an exception that somebody has asked for, never the rule."""
    assert "HUB_STEPS" in os.environ or STEPS >= LEAST


def test_a_story_that_is_told_again_ends_the_same() -> None:
    """So a seed or a list of steps is enough to see a failure again."""
    story = [("say", 1), ("come", 2), ("open all", 3), ("add or remove", 4), ("drop", 5), ("post", 6), ("heal", 7)]
    ends = [sorted((watcher.name, watcher.seen) for watcher in run(9, story).stage.watchers.values()) for _ in range(2)]
    assert ends[0] == ends[1] != []
