"""Live figures in Prometheus's text format, made when they are asked for."""

from __future__ import annotations

import bisect
import time
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
MICROSECONDS = 1_000_000

CONNECTION_LOST = 1006
"""No close frame came (RFC 6455, section 7.4.1)."""
_GIVEN_UP = 4000
"""The web client's, for a socket on which it hears nothing any more."""
_KNOWN_CODES = frozenset({*range(1000, 1015), _GIVEN_UP})
"""A client may close with any of two thousand codes; only these are counted apart."""
_OTHER = "other"


class Shed(StrEnum):
    """What is turned away or dropped so that there is enough for the others; slow sockets are counted as cuts."""

    HANDSHAKE_DRAINING = "handshake_draining"
    """503: this process is leaving."""
    HANDSHAKE_RATE = "handshake_rate"
    """503: too many at once."""
    HANDSHAKE_BEHIND = "handshake_behind"
    """503: the process is behind with those who have come."""
    HANDSHAKE_SLOW = "handshake_slow"
    """Cut: it wasn't over in time."""
    ADDRESS_SOCKETS = "address_sockets"
    """4431: too many of one address."""
    USER_SOCKETS = "user_sockets"
    """4431: too many of one user."""
    FLOOD = "flood"
    """4429: too many frames of one socket."""
    TYPING_RATE = "typing_rate"
    """A `typing` of a client that sends too many."""
    TYPING_NO_BUS = "typing_no_bus"
    """A `typing` while Redis is away."""
    TYPING_STALLED = "typing_stalled"
    """A `typing` for a socket that is behind."""
    PONG = "pong"
    """An answer to a ping of a client that doesn't read them."""


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
    """What the gateway counts beside the hub's own counters.

    Attributes:
        handshakes: By outcome: `opened`, `refused`, `later`.
        closes: By the code with which we closed.
        client_closes: By the code with which a client did; what isn't known is `other`.
        shed: What was turned away or dropped, by class; but for `Backlog.went_without`.
        sends: Messages of clients, by outcome.
        cuts: Slow sockets that were cut off, by reason.
        subscriptions: Groups that Redis was asked for: `confirmed`, or `unanswered` within its time.
        deliveries: Frames given to sockets.
        garbage: Messages on the bus that are not what they say.
        reordered: Events that came too early and were delivered when the one before them had come.
        bus_reconnects: Times that the bus was back after it had been lost.
        token_refreshes: Fresh tokens taken on open sockets.
        commit_to_socket: From an event's commit until the last of its sockets has it.
        loop_lag: How late the watch came to look around, five times a second.
        draining_since: Monotonic seconds at which this process began to leave; None before.
        drained_at: The same when the last socket was gone, or had its time.
    """

    def __init__(self) -> None:
        self.handshakes: Counter[str] = Counter()
        self.closes: Counter[int] = Counter()
        self.client_closes: Counter[str] = Counter()
        self.shed: Counter[str] = Counter(dict.fromkeys(Shed, 0))
        self.sends: Counter[str] = Counter()
        self.cuts: Counter[str] = Counter()
        self.subscriptions: Counter[str] = Counter()
        self.deliveries = 0
        self.garbage = 0
        self.reordered = 0
        self.bus_reconnects = 0
        self.token_refreshes = 0
        self.commit_to_socket = Histogram()
        self.loop_lag = Histogram()
        self.draining_since: float | None = None
        self.drained_at: float | None = None

    def delivered(self, committed_us: int) -> None:
        """An event has gone to all its sockets; when it was committed, Unix microseconds, 0 where that says nothing."""
        if committed_us:
            self.commit_to_socket.observe(max(0.0, time.time() - committed_us / MICROSECONDS))

    def client_closed(self, code: int) -> None:
        """A client closed its socket with this code, or is gone without one."""
        self.client_closes[str(code) if code in _KNOWN_CODES else _OTHER] += 1

    def drain_seconds(self, now: float) -> float:
        """How long the drain has taken so far, or took; 0 before it."""
        if self.draining_since is None:
            return 0.0
        return (now if self.drained_at is None else self.drained_at) - self.draining_since

    def lines(self) -> list[str]:
        """All of them in text."""
        lines = counters(
            {
                "deliveries": self.deliveries,
                "bus_garbage": self.garbage,
                "bus_reconnects": self.bus_reconnects,
                "reordered": self.reordered,
                "token_refreshes": self.token_refreshes,
            }
        )
        lines += labelled("chatire_gateway_handshakes_total", "outcome", self.handshakes)
        lines += labelled("chatire_gateway_closes_total", "code", self.closes)
        lines += labelled("chatire_gateway_client_closes_total", "code", self.client_closes)
        lines += labelled("chatire_gateway_cuts_total", "reason", self.cuts)
        lines += labelled("chatire_gateway_sends_total", "outcome", self.sends)
        lines += labelled("chatire_gateway_subscriptions_total", "outcome", self.subscriptions)
        lines += self.commit_to_socket.lines("chatire_gateway_commit_to_socket_seconds")
        return lines + self.loop_lag.lines("chatire_gateway_loop_lag_seconds")


def gauges(values: Mapping[str, float]) -> list[str]:
    """What goes up and down, by its short name."""
    named = {f"chatire_gateway_{name}": value for name, value in values.items()}
    return [line for name, value in named.items() for line in (f"# TYPE {name} gauge", f"{name} {value}")]


def counters(values: Mapping[str, int]) -> list[str]:
    """What only grows, by its short name."""
    named = {f"chatire_gateway_{name}_total": value for name, value in values.items()}
    return [line for name, value in named.items() for line in (f"# TYPE {name} counter", f"{name} {value}")]


def labelled(name: str, label: str, counts: Counter[str] | Counter[int]) -> list[str]:
    """A counter with one label."""
    lines = [
        f'{name}{{{label}="{key}"}} {value}' for key, value in sorted(counts.items(), key=lambda pair: str(pair[0]))
    ]
    return [f"# TYPE {name} counter", *lines]
