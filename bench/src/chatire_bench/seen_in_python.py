"""What the load generator in Python saw: counters, order on each connection, times. The same fields as in loadgen/*.c."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_SEQ = re.compile(r'"seq": ?(\d+)')
_EVENT_SEQ = re.compile(r'"seq": ?(\d+), ?"kind":')
_NEWEST = re.compile(r'"last_seq": ?(\d+)')
_MARKER = re.compile(r"\^(\d+)=(\d+)\^")
_COUNTERS = (
    *("sent", "acked", "refused", "deliveries", "bytes", "jumps", "backwards"),
    *("closed", "failed", "later", "malformed"),
)


def now_us() -> int:
    """The clock of all that is measured."""
    return time.monotonic_ns() // 1000


@dataclass
class Sent:
    """A message of ours."""

    at_us: int
    members: int
    delivered: int = 0
    acked: bool = False


@dataclass
class Seen:
    """Counters and times since the last `reset`, and totals since the beginning."""

    counters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTERS, 0))
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_COUNTERS, 0))
    times: dict[str, list[int]] = field(
        default_factory=lambda: {"delivery": [], "last_member": [], "ack": [], "handshake": []}
    )
    messages: dict[int, Sent] = field(default_factory=dict)
    outstanding: int = 0

    def count(self, what: str, by: int = 1) -> None:
        """One more."""
        self.counters[what] += by
        self.totals[what] += by

    def reset(self) -> None:
        """Forget what is not a total."""
        self.counters = dict.fromkeys(_COUNTERS, 0)
        for values in self.times.values():
            values.clear()

    def acked(self, number: int, *, refused: bool = False) -> None:
        """A message of ours was answered."""
        if refused:
            self.count("refused")
        sent = self.messages.get(number)
        if sent is None or sent.acked:
            return
        sent.acked = True
        self.outstanding -= 1
        if not refused:
            self.count("acked")
            self.times["ack"].append(now_us() - sent.at_us)

    def delivered(self, text: str) -> None:
        """An event came; take the times from the marker in its body."""
        found = _MARKER.search(text)
        if found is None:
            return
        number, at_us, now = int(found[1]), int(found[2]), now_us()
        self.times["delivery"].append(now - at_us)
        sent = self.messages.get(number)
        if sent is not None and sent.at_us == at_us:
            sent.delivered += 1
            if sent.delivered == sent.members:
                self.times["last_member"].append(now - at_us)

    def report(self) -> dict[str, Any]:
        """For `report`."""
        return {
            **self.counters,
            "outstanding": self.outstanding,
            **{name: _summary(self.times[name]) for name in self.times},
        }


@dataclass
class Order:
    """The order on one connection."""

    seen: Seen
    last_seq: int = -1
    received: int = 0

    def ready(self, text: str) -> None:
        """What comes live begins after the newest event that `ready` names."""
        found = _NEWEST.search(text)
        if self.last_seq < 0 and found is not None:
            self.last_seq = int(found[1])

    def event(self, text: str) -> None:
        """One event."""
        found = _SEQ.search(text)
        if found is None:
            self.seen.count("malformed")
            return
        self._took(int(found[1]))
        self.seen.delivered(text)

    def bundle(self, text: str) -> None:
        """Several events in a frame."""
        for found in _EVENT_SEQ.finditer(text):
            self._took(int(found[1]))

    def _took(self, seq: int) -> None:
        self.seen.count("deliveries")
        self.received += 1
        if self.last_seq >= 0 and seq <= self.last_seq:
            self.seen.count("backwards")
            return
        if self.last_seq >= 0 and seq > self.last_seq + 1:
            self.seen.count("jumps")
        self.last_seq = seq


def _summary(times: Sequence[int]) -> dict[str, int]:
    ordered = sorted(times)
    at = {"p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p999_us": 0.999}
    found = {
        name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0 for name, share in at.items()
    }
    return {"count": len(ordered), **found, "max_us": ordered[-1] if ordered else 0}
