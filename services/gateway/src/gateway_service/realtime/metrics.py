"""Live figures in Prometheus's text format, made when they are asked for."""

from __future__ import annotations

import bisect
import time
from collections import Counter

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MICROSECONDS = 1_000_000


class Histogram:
    """Durations in fixed buckets."""

    __slots__ = ("_counts", "count", "total")

    def __init__(self) -> None:
        self._counts = [0] * (len(BUCKETS_SECONDS) + 1)
        self.count = 0
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Count one duration."""
        self._counts[bisect.bisect_left(BUCKETS_SECONDS, seconds)] += 1
        self.count += 1
        self.total += seconds

    def lines(self, name: str) -> list[str]:
        """The histogram in text."""
        running, lines = 0, [f"# TYPE {name} histogram"]
        for bound, count in zip(BUCKETS_SECONDS, self._counts, strict=False):
            running += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {running}')
        lines.append(f'{name}_bucket{{le="+Inf"}} {self.count}')
        return [*lines, f"{name}_sum {self.total:.6f}", f"{name}_count {self.count}"]


class Metrics:
    """What the gateway counts beside the hub's own counters."""

    def __init__(self) -> None:
        self.handshakes: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.sends: Counter[str] = Counter()
        self.cuts: Counter[str] = Counter()
        self.deliveries = 0
        self.garbage = 0
        self.commit_to_socket = Histogram()

    def delivered(self, committed_us: int) -> None:
        """An event has gone to all its sockets; when it was committed, Unix microseconds, 0 where that says nothing."""
        if committed_us:
            self.commit_to_socket.observe(max(0.0, time.time() - committed_us / MICROSECONDS))

    def lines(self) -> list[str]:
        """All of them in text."""
        lines = [
            "# TYPE chatire_gateway_deliveries_total counter",
            f"chatire_gateway_deliveries_total {self.deliveries}",
        ]
        lines += labelled("chatire_gateway_handshakes_total", "outcome", self.handshakes)
        lines += labelled("chatire_gateway_closes_total", "code", self.closes)
        lines += labelled("chatire_gateway_cuts_total", "reason", self.cuts)
        lines += labelled("chatire_gateway_sends_total", "outcome", self.sends)
        lines += [
            "# TYPE chatire_gateway_bus_garbage_total counter",
            f"chatire_gateway_bus_garbage_total {self.garbage}",
        ]
        return lines + self.commit_to_socket.lines("chatire_gateway_commit_to_socket_seconds")


def labelled(name: str, label: str, counts: Counter[str] | Counter[int]) -> list[str]:
    """A counter with one label."""
    lines = [
        f'{name}{{{label}="{key}"}} {value}' for key, value in sorted(counts.items(), key=lambda pair: str(pair[0]))
    ]
    return [f"# TYPE {name} counter", *lines]
