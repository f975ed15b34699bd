"""Conversations take turns, and each keeps its order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_service.realtime.lanes import MAX_AT_ONCE, Lanes


def taken(lanes: Lanes) -> list[list[tuple[str, int]]]:
    found = []
    while lanes:
        found.append([(message["conversation"], message["seq"]) for message in lanes.take()])
    return found


def test_a_small_conversation_comes_next_however_much_a_large_one_has() -> None:
    lanes = Lanes()
    for seq in range(100):
        lanes.put("large", {"conversation": "large", "seq": seq})
    lanes.put("small", {"conversation": "small", "seq": 1})
    turns = taken(lanes)
    assert [(turn[0], len(turn)) for turn in turns[:3]] == [
        (("large", 0), MAX_AT_ONCE),
        (("small", 1), 1),
        (("large", MAX_AT_ONCE), MAX_AT_ONCE),
    ]


@given(st.lists(st.one_of(st.sampled_from("abc"), st.just("take"))))
def test_nothing_is_lost_or_doubled_and_each_conversation_keeps_its_order(steps: list[str]) -> None:
    lanes, came, went = Lanes(), [], []
    for seq, step in enumerate(steps):
        if step != "take":
            came.append((step, seq))
            lanes.put(step, {"conversation": step, "seq": seq})
        elif lanes:
            went += [(message["conversation"], message["seq"]) for message in lanes.take()]
        assert len(lanes) == len(came) - len(went)
    went += [item for turn in taken(lanes) for item in turn]
    assert sorted(went) == sorted(came)
    for name in "abc":
        assert [item for item in went if item[0] == name] == [item for item in came if item[0] == name]
        assert name not in lanes
