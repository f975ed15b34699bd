"""Medians, spreads and ratios of interleaved pairs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """What several runs of the same thing gave."""

    median: float
    lowest: float
    highest: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(median(values), min(values), max(values), len(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median of the ratios of runs that stood side by side; None when nothing can be compared.

    Runs of one pair see the same weather of the machine, so their ratio holds better than that of two medians. Where one
    side has fewer runs (a slow peer runs once), medians are compared.
    """
    if not ours or not theirs or min(theirs) <= 0:
        return None
    if len(ours) != len(theirs):
        return median(ours) / median(theirs)
    return median(mine / its for mine, its in zip(ours, theirs, strict=True))
