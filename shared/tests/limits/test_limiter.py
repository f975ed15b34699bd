"""The limiter on a real Redis, and without one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatire_shared.limits import gcra
from chatire_shared.limits.limiter import SCRIPT, Check, Decision, Limiter, LocalBuckets, Rule
from chatire_shared.testing.servers import ValkeyServer

ACCOUNT = Rule("login-account", 10, 60)
BURSTS = Rule("send", 120, 60, burst=40)


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    server = ValkeyServer()
    server.start()
    yield server
    server.destroy()


@pytest.fixture
def valkey(server: ValkeyServer) -> Iterator[ValkeyServer]:
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        client.script_flush()
    yield server
    server.resume()


@pytest.fixture
def limiter(valkey: ValkeyServer) -> Iterator[Limiter]:
    limiter = Limiter(valkey.url)
    yield limiter
    limiter.close()


def allowed(limiter: Limiter, rule: Rule, times: int, key: str = "amira") -> int:
    return sum(limiter.check(rule, key).allowed for _ in range(times))


@pytest.mark.parametrize(("rule", "most"), [(ACCOUNT, 10), (BURSTS, 40), (Rule("posts", 20, 3600), 20)])
def test_a_burst_is_allowed_and_then_no_more(limiter: Limiter, rule: Rule, most: int) -> None:
    assert [limiter.check(rule, "amira").allowed for _ in range(most)] == [True] * most
    refused = limiter.check(rule, "amira")
    assert not refused.allowed
    assert 0 < refused.retry_after_seconds <= rule.seconds / rule.count


def test_keys_and_rules_are_counted_apart(limiter: Limiter) -> None:
    assert allowed(limiter, ACCOUNT, 20) == 10
    assert allowed(limiter, ACCOUNT, 20, key="bruno") == 10
    assert allowed(limiter, Rule("other", 10, 60), 20) == 10


def test_processes_share_the_count(limiter: Limiter, valkey: ValkeyServer) -> None:
    another = Limiter(valkey.url)
    assert allowed(limiter, ACCOUNT, 6) + allowed(another, ACCOUNT, 6) == 10
    another.close()


def test_concurrent_checks_never_allow_too_many(limiter: Limiter) -> None:
    with ThreadPoolExecutor(8) as pool:
        decisions = list(pool.map(lambda _: limiter.check(ACCOUNT, "amira").allowed, range(100)))
    assert sum(decisions) == 10


def test_several_checks_are_decided_each_by_itself(limiter: Limiter) -> None:
    checks = [Check(ACCOUNT, "amira", 10), Check(ACCOUNT, "amira"), Check(BURSTS, "192.0.2.1", 40)]
    assert [decision.allowed for decision in limiter.check_many(checks)] == [True, False, True]
    assert limiter.check_many([]) == []


def test_keys_say_nothing_about_whom_they_count_and_expire(limiter: Limiter, valkey: ValkeyServer) -> None:
    limiter.check(ACCOUNT, "amira@example.org")
    with redis.Redis.from_url(valkey.url) as client:
        (key,) = client.keys("*")
        assert key.startswith(b"chatire:limit:login-account:")
        assert b"amira" not in key
        assert 0 < client.pttl(key) <= 6001


def test_a_flushed_redis_only_resets_the_counts(limiter: Limiter, valkey: ValkeyServer) -> None:
    assert allowed(limiter, ACCOUNT, 11) == 10
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        client.script_flush()
    assert allowed(limiter, ACCOUNT, 11) == 10


@pytest.mark.parametrize("fault", ["absent", "hung"])
def test_without_redis_each_process_goes_on_by_the_same_rules(valkey: ValkeyServer, fault: str) -> None:
    url = valkey.url if fault == "hung" else "redis://127.0.0.1:1/0"
    if fault == "hung":
        valkey.pause()
    limiter = Limiter(url)
    assert allowed(limiter, ACCOUNT, 1000) == 10
    refused = limiter.check(ACCOUNT, "amira")
    assert 0 < refused.retry_after_seconds <= 6
    limiter.close()


def test_a_switched_off_limiter_allows_everything_and_needs_no_redis() -> None:
    limiter = Limiter("redis://127.0.0.1:1/0", enabled=False)
    assert allowed(limiter, ACCOUNT, 100) == 100


def test_what_could_never_be_allowed_is_an_error_of_the_caller(limiter: Limiter) -> None:
    with pytest.raises(ValueError, match="never allows 11"):
        limiter.check(ACCOUNT, "amira", cost=11)
    with pytest.raises(ValueError, match="never allows 0"):
        limiter.check(ACCOUNT, "amira", cost=0)
    with pytest.raises(ValueError, match="Not a rate"):
        Rule("nothing", 0, 60)


def test_local_buckets_are_bounded_and_forget_the_longest_unused() -> None:
    buckets = LocalBuckets(now=lambda: 5, max_keys=2)
    one = Rule("one", 1, 60)
    decisions = [buckets.spend(Check(one, key)).allowed for key in ["a", "b", "a", "c", "a", "b"]]
    assert decisions == [True, True, False, True, False, True]


STEPS = st.lists(st.tuples(st.integers(0, 5_000_000), st.integers(1, 30)), min_size=1, max_size=25)
EXPIRY = "math.ceil((after - now) / 1000)"  # Redis expires by its own clock, which is not ours here.
WITH_A_CLOCK_OF_OURS = "local time = {ARGV[4], ARGV[5]}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(interval=st.integers(1, 3_000_000), burst=st.integers(1, 30), start=st.integers(10**15, 2 * 10**15), steps=STEPS)
def test_the_script_in_redis_decides_as_the_pure_core_does(
    valkey: ValkeyServer, interval: int, burst: int, start: int, steps: list[tuple[int, int]]
) -> None:
    script = SCRIPT.replace("local time = redis.call('TIME')", WITH_A_CLOCK_OF_OURS).replace(EXPIRY, "600000")
    assert WITH_A_CLOCK_OF_OURS in script
    assert EXPIRY not in script
    full_at: int | None = None
    now = start
    with redis.Redis.from_url(valkey.url) as client:
        client.delete("bucket")
        for pause, wish in steps:
            now, cost = now + pause, min(wish, burst)
            clock = divmod(now, gcra.MICROSECONDS)
            answer: Any = client.eval(script, 1, "bucket", interval, burst, cost, *clock)
            spent = gcra.spend(full_at, now, interval=interval, burst=burst, cost=cost)
            assert Decision(bool(answer[0]), answer[1]) == Decision(spent.allowed, spent.wait)
            full_at = spent.full_at
