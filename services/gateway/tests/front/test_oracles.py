"""Our parser says what `websockets` and `wsproto` say, but where we know better; each such place is named here."""

from __future__ import annotations

import random

import pytest
from oracles import by_websockets, by_wsproto
from parsing import cut, parsed
from streams import noise, stream
from vectors import LIMIT, TOO_BIG, VECTORS, Vector

STREAMS = 400
SEEDS = range(8)
NOT_SHORTEST = {
    "ping in the 16-bit form", "pong in the 16-bit form", "close in the 16-bit form", "125 in 16 bits", "0 in 16 bits",
    "126 in 64 bits", "65,535 in 64 bits", "0 in 64 bits", "the highest bit of 64", "all bits of 64",
}  # fmt: skip
"""`websockets` takes a length in any form; section 5.2: "the minimal number of bytes MUST be used"."""
FULL = "a ping over a full message"
"""`websockets` counts a control frame into the message that it comes within."""
NEW_CODE = "close 1014"
"""`wsproto` doesn't know the code that IANA registered last."""


@pytest.mark.parametrize("seed", SEEDS)
def test_random_streams_mean_the_same_to_all_three(seed: int) -> None:
    chance = random.Random(seed)
    endings = set()
    for number in range(STREAMS):
        data = stream(chance)
        ours = parsed(cut(data, number))
        endings.add(ours[-1][0] if ours else "")
        assert ours == by_wsproto([data]), data.hex()
        assert ours == by_websockets([data], LIMIT), data.hex()
    assert {"text", "binary", "close", "broken"} <= endings


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_means_the_same_to_wsproto(seed: int) -> None:
    chance = random.Random(seed)
    for number in range(STREAMS):
        data = noise(chance)
        ours, theirs = parsed(cut(data, number)), by_wsproto([data])
        if TOO_BIG in ours:
            ours = theirs = ours[:-1]  # It has no limit.
        # Of a last frame that is incomplete one may see more than the other: we the head, it the text.
        common = min(len(ours), len(theirs))
        assert ours[:common] == theirs[:common], data.hex()
        assert [kind for kind, _ in ours[common:] + theirs[common:]] in ([], ["broken"]), data.hex()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_the_vectors_mean_the_same_to_others(vector: Vector) -> None:
    expected = list(vector.outcome)
    assert (by_websockets([vector.sent], LIMIT) == expected) == (vector.name not in NOT_SHORTEST | {FULL})
    assert (by_wsproto([vector.sent]) == expected) == (TOO_BIG not in expected and vector.name != NEW_CODE)
