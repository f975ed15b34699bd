"""Was everything shown in time: within 5 s of its commit, or of the device being back, while nothing was broken. Pure.

Time in which the stack could not work does not count: while a fault was going on (a frozen process can't deliver), and
while nobody could post, as the prober noticed (PostgreSQL recovering from a crash, for instance).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from chatire_faults.checker import Verdict
from chatire_faults.history import History, What
from chatire_faults.prober import Probe

LATE_SECONDS = 5.0
SLOW_SECONDS = 1.0

Spans = Sequence[tuple[float, float]]
"""Beginnings and ends, rising and apart."""


def broken_times(faults: Iterable[tuple[float, float]], probes: Iterable[Probe]) -> Spans:
    """When the stack can't be expected to deliver."""
    bad = [
        (probe.began, probe.ended) for probe in probes if not probe.worked or probe.ended - probe.began >= SLOW_SECONDS
    ]
    return _merged([*faults, *bad])


def check_lateness(history: History, broken: Spans, verdict: Verdict) -> None:
    """Note what reached a device on a good line too late."""
    at = {(each.conversation, event.seq): event.at for each in history.stored for event in each.events}
    clock = _WorkingTime(broken)
    for device in history.devices:
        for note in device.log if device.direct else ():
            committed = at.get((note.conversation, note.seq))
            if note.what is not What.SHOWN or committed is None:
                continue
            start = max(committed, note.since)
            if note.at - start > LATE_SECONDS and clock.between(start, note.at) > LATE_SECONDS:
                verdict.add("late", f"{device.name} got {note.seq} of {note.conversation} {note.at - start:.1f} s late")


class _WorkingTime:
    """Seconds in which nothing was broken."""

    def __init__(self, broken: Spans) -> None:
        self._broken = broken
        self._ends = [end for _, end in broken]

    def between(self, start: float, end: float) -> float:
        seconds = end - start
        for begin, until in self._broken[bisect_left(self._ends, start) :]:
            if begin >= end:
                break
            seconds -= min(end, until) - max(start, begin)
        return seconds


def _merged(spans: Iterable[tuple[float, float]]) -> Spans:
    merged: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged
