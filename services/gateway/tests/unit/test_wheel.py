from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway_service.realtime.wheel import Wheel


def test_an_item_comes_up_at_its_time_and_once() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.put("ada", 5.0)
    assert wheel.turn(4.9) == []
    assert wheel.turn(5.0) == ["ada"]
    assert wheel.turn(60.0) == []
    assert len(wheel) == 0


def test_a_new_time_replaces_the_old_one() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.put("ada", 5.0)
    wheel.put("ada", 9.0)
    assert wheel.turn(8.0) == []
    assert wheel.turn(9.0) == ["ada"]


def test_what_is_removed_does_not_come_up() -> None:
    wheel: Wheel[str] = Wheel(0.0)
    wheel.put("ada", 5.0)
    wheel.remove("ada")
    wheel.remove("ada")
    assert wheel.turn(10.0) == []


def test_a_time_that_is_over_comes_up_at_the_next_turn() -> None:
    wheel: Wheel[str] = Wheel(100.0)
    wheel.put("ada", 3.0)
    assert wheel.turn(101.0) == ["ada"]


@given(
    st.lists(st.tuples(st.integers(0, 20), st.floats(0, 500)), max_size=60), st.lists(st.floats(0, 600), max_size=30)
)
def test_nothing_comes_up_early_or_more_than_a_second_late(puts: list[tuple[int, float]], turns: list[float]) -> None:
    wheel: Wheel[int] = Wheel(0.0)
    wanted: dict[int, float] = {}
    for item, at in puts:
        wheel.put(item, at)
        wanted[item] = at
    turned = 0.0
    for now in sorted(turns):
        for item in wheel.turn(now):
            at = wanted.pop(item)
            assert at <= now
            assert turned < max(at, 0.0) + 1 or turned == 0.0
        turned = now
    assert all(at + 1 > turned for at in wanted.values() if turned >= 1)
