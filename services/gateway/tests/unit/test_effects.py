"""Runs change how often a socket is gone to, never what it gets, or in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_service.realtime.effects import MAX_RUN_BYTES, Deliver, DeliverRun, Effect, Hold, in_runs
from gateway_service.realtime.frames import Frame

ONE, OTHER = ("a", "b"), ("a", "c")

effects = st.lists(
    st.one_of(
        st.builds(
            lambda audience, size, at_us, droppable: Deliver(audience, Frame(b"x" * size, droppable=droppable), at_us),
            st.sampled_from([ONE, OTHER]),
            st.sampled_from([1, 100, MAX_RUN_BYTES // 2, MAX_RUN_BYTES + 1]),
            st.integers(0, 3),
            st.sampled_from([False, False, False, True]),
        ),
        st.builds(Hold, st.just("conversation")),
    )
)


def one_by_one(found: Effect) -> list[Effect]:
    if not isinstance(found, DeliverRun):
        return [found]
    pairs = zip(found.run.each, found.committed_us, strict=True)
    return [Deliver(found.sessions, frame, at_us) for frame, at_us in pairs]


@given(effects)
def test_a_run_is_the_same_effects_in_the_same_order(plan: list[Effect]) -> None:
    runs = in_runs(plan)
    assert [each for found in runs for each in one_by_one(found)] == plan


@given(effects)
def test_a_run_is_bounded_and_has_nothing_that_may_be_dropped(plan: list[Effect]) -> None:
    for found in in_runs(plan):
        if isinstance(found, DeliverRun):
            assert len(found.run.each) > 1
            assert found.run.size == sum(len(frame.payload) for frame in found.run.each) <= MAX_RUN_BYTES
            assert not any(frame.droppable for frame in found.run.each)


def test_what_follows_one_another_to_the_same_sockets_is_one() -> None:
    plan = [Deliver(ONE, Frame(b"%d" % number), number) for number in range(5)]
    (whole,) = in_runs(plan)
    assert isinstance(whole, DeliverRun)
    assert whole.run.wire == b"".join(effect.frame.wire for effect in plan)
    assert in_runs(plan[:1]) == plan[:1]


def test_something_in_between_ends_a_run() -> None:
    first, hold, second = Deliver(ONE, Frame(b"1")), Hold("conversation"), Deliver(ONE, Frame(b"2"))
    assert in_runs([first, hold, second]) == [first, hold, second]
    elsewhere = Deliver(OTHER, Frame(b"3"))
    assert in_runs([first, elsewhere, second]) == [first, elsewhere, second]
