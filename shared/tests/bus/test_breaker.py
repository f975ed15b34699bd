"""When the breaker lets calls through."""

import pytest

from chatire_shared.bus.breaker import Backoff, Breaker


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(now=clock, jitter=lambda: 1.0)


def test_pauses_double_up_to_the_most_and_start_again_after_a_success() -> None:
    backoff = Backoff(0.05, 0.3, jitter=lambda: 1.0)
    assert [backoff.next() for _ in range(5)] == [0.05, 0.1, 0.2, 0.3, 0.3]
    backoff.reset()
    assert backoff.next() == 0.05


def test_pauses_are_between_half_and_whole() -> None:
    assert Backoff(1.0, 1.0, jitter=lambda: 0.0).next() == 0.5


def test_after_a_failure_calls_are_refused_for_a_while(breaker: Breaker, clock: Clock) -> None:
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.seconds += 0.26
    assert breaker.allows()


def test_a_single_caller_tries_after_the_pause(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.seconds += 0.26
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_refusals_grow_with_each_failed_try(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.seconds += 0.26
    assert breaker.allows()
    breaker.failed()
    clock.seconds += 0.26
    assert not breaker.allows()
    clock.seconds += 0.25
    assert breaker.allows()


def test_a_hundred_failures_of_one_outage_count_as_one(breaker: Breaker, clock: Clock) -> None:
    for _ in range(100):
        breaker.failed()
    clock.seconds += 0.26
    assert breaker.allows()


def test_a_success_closes_it(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.seconds += 0.26
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.closed
    assert [breaker.allows() for _ in range(3)] == [True, True, True]
