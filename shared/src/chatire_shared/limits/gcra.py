"""The generic cell rate algorithm: a token bucket in one number per key. Pure; whole microseconds throughout.

The number is the theoretical arrival time: when the bucket will be full again. A request of `cost` tokens moves it
`cost * interval` into the future and is allowed if it then lies no more than `burst * interval` ahead.
`limits/spend.lua` is the same inside Redis; a test holds that both agree. Source: ITU-T I.371, annex A ("virtual
scheduling").
"""

from __future__ import annotations

from dataclasses import dataclass

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Spent:
    """What came of an attempt to spend tokens.

    Attributes:
        allowed: Whether there were enough.
        full_at: The new number to keep, in microseconds; unchanged by a refusal, but never further ahead than empty.
        wait: Microseconds until the same attempt would be allowed; 0 when it was.
    """

    allowed: bool
    full_at: int
    wait: int


def spend(full_at: int | None, now: int, *, interval: int, burst: int, cost: int = 1) -> Spent:
    """Take `cost` tokens out of a bucket.

    Args:
        full_at: What was kept for the key; None for a key not seen before.
        now: The time, in microseconds. A jump back locks nobody out for longer than an empty bucket does.
        interval: Microseconds in which one token comes back.
        burst: Size of the bucket, in tokens.
        cost: At most `burst`.
    """
    most = now + burst * interval
    known = min(max(full_at or now, now), most)
    after = known + cost * interval
    if after > most:
        return Spent(allowed=False, full_at=known, wait=after - most)
    return Spent(allowed=True, full_at=after, wait=0)
