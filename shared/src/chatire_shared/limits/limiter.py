"""Rate limits by rule and key, counted in Redis for all processes together.

While Redis is away each process counts by itself with the same rules, so that its absence neither locks anybody out nor
opens the gates: with n processes a caller then gets at most n times the rule.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import redis

from chatire_shared.bus.breaker import Breaker
from chatire_shared.bus.kept import KeptConnections
from chatire_shared.bus.publisher import connect
from chatire_shared.limits import gcra

logger = logging.getLogger(__name__)

SOCKET_SECONDS = 0.1
MAX_LOCAL_KEYS = 50_000

SCRIPT = resources.files(__package__).joinpath("spend.lua").read_text(encoding="utf-8")
_SCRIPT_SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Rule:
    """So many in so much time.

    Attributes:
        name: Short and stable; part of the key in Redis.
        count: How many tokens come back in `seconds`.
        seconds: See `count`.
        burst: How many may be spent at once; as many as `count` when left out.
    """

    name: str
    count: int
    seconds: float
    burst: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.seconds <= 0 or self.burst < 0:
            raise ValueError(f"Not a rate: {self}")
        if not self.burst:
            object.__setattr__(self, "burst", self.count)

    @property
    def interval(self) -> int:
        """Microseconds in which one token comes back, rounded up: rather a little too strict."""
        return math.ceil(self.seconds * gcra.MICROSECONDS / self.count)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether the attempt is allowed, and if not after how many seconds it would be."""

    allowed: bool
    retry_after_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Check:
    """One rule applied to one key (an account, an address), for so many tokens."""

    rule: Rule
    key: str
    cost: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.cost <= self.rule.burst:
            raise ValueError(f"{self.rule.name} never allows {self.cost} at once.")

    @property
    def redis_key(self) -> str:
        """The key's hash keeps addresses and names out of Redis, and its length bounded."""
        digest = hashlib.blake2b(self.key.encode(), digest_size=16).hexdigest()
        return f"chatire:limit:{self.rule.name}:{digest}"


class Limiter:
    """Decides in Redis; thread-safe, and cheap to call while Redis is away."""

    def __init__(self, redis_url: str, *, enabled: bool = True) -> None:
        """Prepare; no connection is opened before the first check.

        Args:
            redis_url: Where all processes count.
            enabled: False allows everything (`CHATIRE_LIMITS=off`).
        """
        self._enabled = enabled
        self._redis = connect(redis_url, SOCKET_SECONDS)
        self._kept = KeptConnections(self._redis)
        self._breaker = Breaker(probe_seconds=SOCKET_SECONDS)
        self._local = LocalBuckets()

    def check(self, rule: Rule, key: str, cost: int = 1) -> Decision:
        """Spend `cost` tokens of `key` under `rule`, if there are enough.

        Raises: ValueError for a cost that the rule could never allow.
        """
        return self.check_many([Check(rule, key, cost)])[0]

    def check_many(self, checks: Sequence[Check]) -> list[Decision]:
        """Decide on several in one round trip, each by itself: one that is refused does not give back the others."""
        if not self._enabled:
            return [Decision(allowed=True)] * len(checks)
        if checks and self._breaker.allows():
            try:
                decisions = self._ask(checks)
            except redis.RedisError as error:
                self._breaker.failed()
                logger.warning("Rate limits are counted per process: Redis is away.", extra={"reason": str(error)})
            else:
                self._breaker.succeeded()
                return decisions
        return [self._local.spend(check) for check in checks]

    def close(self) -> None:
        """Close the connections."""
        self._kept.close()
        self._redis.close()

    def _ask(self, checks: Sequence[Check]) -> list[Decision]:
        answers = self._run("EVALSHA", _SCRIPT_SHA, checks)
        unknown = [place for place, answer in enumerate(answers) if isinstance(answer, redis.exceptions.NoScriptError)]
        if unknown:  # A new or flushed Redis; EVAL also makes it remember.
            repeated = self._run("EVAL", SCRIPT, [checks[place] for place in unknown])
            for place, answer in zip(unknown, repeated, strict=True):
                answers[place] = answer
        return [_decision(answer) for answer in answers]

    def _run(self, command: str, script: str, checks: Sequence[Check]) -> list[Any]:
        return self._kept.run_again([_command(command, script, check) for check in checks])


def _command(command: str, script: str, check: Check) -> tuple[str, ...]:
    rule = check.rule
    return (command, script, "1", check.redis_key, str(rule.interval), str(rule.burst), str(check.cost))


class LocalBuckets:
    """The same rules in this process's memory. Thread-safe; bounded, the longest unused key goes first."""

    def __init__(
        self, now: Callable[[], int] = lambda: time.monotonic_ns() // 1000, max_keys: int = MAX_LOCAL_KEYS
    ) -> None:
        """Begin with full buckets; `now` is a clock in microseconds."""
        self._now = now
        self._max_keys = max_keys
        self._lock = threading.Lock()
        self._full_at: dict[str, int] = {}

    def spend(self, check: Check) -> Decision:
        """Decide on one check."""
        rule, key = check.rule, check.redis_key
        with self._lock:
            known = self._full_at.pop(key, None)
            spent = gcra.spend(known, self._now(), interval=rule.interval, burst=rule.burst, cost=check.cost)
            self._full_at[key] = spent.full_at
            if len(self._full_at) > self._max_keys:
                del self._full_at[next(iter(self._full_at))]
        return Decision(spent.allowed, spent.wait / gcra.MICROSECONDS)


def _decision(answer: Any) -> Decision:
    if isinstance(answer, Exception):
        raise answer
    allowed, wait = answer
    return Decision(bool(allowed), wait / gcra.MICROSECONDS)


@cache
def limiter_for(redis_url: str, *, enabled: bool = True) -> Limiter:
    """The one limiter of this process for a Redis."""
    return Limiter(redis_url, enabled=enabled)
