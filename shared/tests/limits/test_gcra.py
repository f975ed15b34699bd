"""The laws of the bucket."""

from hypothesis import given
from hypothesis import strategies as st

from chatire_shared.limits.gcra import spend

INTERVALS = st.integers(1, 10_000_000)
BURSTS = st.integers(1, 200)
STEPS = st.lists(st.tuples(st.integers(0, 50_000_000), st.integers(1, 200)), max_size=60)
NOW = 1_700_000_000_000_000


class Bucket:
    """The obvious bucket, with fractions of tokens and a timestamp, to compare with."""

    def __init__(self, interval: int, burst: int) -> None:
        self.interval, self.burst = interval, burst
        self.parts = burst * interval  # A token in `interval` parts, so that all is whole numbers.
        self.at = NOW

    def take(self, now: int, cost: int) -> bool:
        self.parts = min(self.burst * self.interval, self.parts + now - self.at)
        self.at = now
        if self.parts < cost * self.interval:
            return False
        self.parts -= cost * self.interval
        return True


@given(INTERVALS, BURSTS, STEPS)
def test_it_allows_what_a_plain_token_bucket_allows(interval: int, burst: int, steps: list[tuple[int, int]]) -> None:
    bucket, full_at, now = Bucket(interval, burst), None, NOW
    for pause, wish in steps:
        now, cost = now + pause, min(wish, burst)
        spent = spend(full_at, now, interval=interval, burst=burst, cost=cost)
        assert spent.allowed == bucket.take(now, cost)
        full_at = spent.full_at


@given(INTERVALS, BURSTS, STEPS)
def test_waiting_as_long_as_told_suffices_and_less_does_not(
    interval: int, burst: int, steps: list[tuple[int, int]]
) -> None:
    full_at, now = None, NOW
    for pause, wish in steps:
        now, cost = now + pause, min(wish, burst)
        spent = spend(full_at, now, interval=interval, burst=burst, cost=cost)
        full_at = spent.full_at
        if not spent.allowed:
            again = {"interval": interval, "burst": burst, "cost": cost}
            assert spend(full_at, now + spent.wait, **again).allowed
            assert not spend(full_at, now + spent.wait - 1, **again).allowed


@given(INTERVALS, BURSTS, st.integers(0, 10**15))
def test_a_clock_that_jumps_back_locks_nobody_out_for_longer_than_an_empty_bucket(
    interval: int, burst: int, jump: int
) -> None:
    full_at = spend(None, NOW, interval=interval, burst=burst, cost=burst).full_at
    spent = spend(full_at, NOW - jump, interval=interval, burst=burst)
    assert spent.wait <= interval
