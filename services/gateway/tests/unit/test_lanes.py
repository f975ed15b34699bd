"""Conversations take turns, and each keeps its order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_service.realtime.lanes import Lanes


def taken(lanes: Lanes) -> list[tuple[str, int]]:
    found = []
    while lanes:
        message = lanes.take()
        found.append((message["conversation"], message["seq"]))
    return found


def test_a_small_conversation_comes_next_however_much_a_large_one_has() -> None:
    lanes = Lanes()
    for seq in range(100):
        lanes.put("large", {"conversation": "large", "seq": seq})
    lanes.put("small", {"conversation": "small", "seq": 1})
    assert taken(lanes)[:3] == [("large", 0), ("small", 1), ("large", 1)]


@given(st.lists(st.one_of(st.sampled_from("abc"), st.just("take"))))
def test_nothing_is_lost_or_doubled_and_each_conversation_keeps_its_order(steps: list[str]) -> None:
    lanes, came, went = Lanes(), [], []
    for seq, step in enumerate(steps):
        if step != "take":
            came.append((step, seq))
            lanes.put(step, {"conversation": step, "seq": seq})
        elif lanes:
            message = lanes.take()
            went.append((message["conversation"], message["seq"]))
        assert len(lanes) == len(came) - len(went)
    went += taken(lanes)
    assert sorted(went) == sorted(came)
    for name in "abc":
        assert [item for item in went if item[0] == name] == [item for item in came if item[0] == name]
        assert name not in lanes
