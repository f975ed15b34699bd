from random import Random

from chatire_client.backoff import Backoff


def test_waits_are_drawn_below_a_ceiling_that_doubles_from_half_a_second_to_thirty():
    draws = [[] for _ in range(12)]
    for seed in range(400):
        backoff = Backoff(Random(seed))
        for attempt in draws:
            attempt.append(backoff.next_seconds())
    ceilings = [min(30, 0.5 * 2**attempt) for attempt in range(12)]
    assert all(max(drawn) <= ceiling for drawn, ceiling in zip(draws, ceilings, strict=True))
    assert all(max(drawn) > 0.9 * ceiling for drawn, ceiling in zip(draws, ceilings, strict=True))
    assert all(min(drawn) < 0.1 * ceiling for drawn, ceiling in zip(draws, ceilings, strict=True))


def test_a_success_begins_anew():
    backoff = Backoff(Random(3))
    for _ in range(10):
        backoff.next_seconds()
    backoff.succeeded()
    assert backoff.next_seconds() <= 0.5


def test_the_jitter_comes_on_top_of_what_the_server_asked_for():
    assert 2.0 <= Backoff(Random(1)).next_seconds(at_least=2.0) <= 2.5


def test_the_ceiling_can_be_lower():
    backoff = Backoff(Random(1), most_seconds=2.0)
    assert max(backoff.next_seconds() for _ in range(200)) <= 2.0
