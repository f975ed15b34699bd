"""What a row of the bench found: figures with a value for each contender and run, and the bars that they are held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chatire_bench.statistics import Spread, ratio

OURS = "chatire"


@dataclass(frozen=True)
class Bar:
    """What a figure of ours is to reach: `factor` times a peer's, or `factor` itself where there is no peer.

    Attributes:
        name: F1 to F11.
        at_most: Whether the bar is an upper bound.
    """

    name: str
    factor: float
    peer: str | None = None
    at_most: bool = False

    def text(self) -> str:
        """As it is read in a table."""
        sign = "≤" if self.at_most else "≥"
        return f"{self.name} {sign} {self.factor:g}{' ×' if self.peer else ''}"


@dataclass
class Figure:
    """One thing that was measured, for every contender, once in each pair."""

    name: str
    unit: str
    bars: list[Bar] = field(default_factory=list)
    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contender: str, value: float) -> None:
        """One run's value."""
        self.samples.setdefault(contender, []).append(value)

    def spread(self, contender: str) -> Spread:
        """Of all runs of a contender."""
        return Spread.of(self.samples[contender])

    def ratio_to(self, peer: str) -> float | None:
        """Ours divided by the peer's."""
        return ratio(self.samples.get(OURS, []), self.samples.get(peer, []))

    def judged(self, bar: Bar) -> tuple[float, bool] | None:
        """Where we stand against a bar and whether that is enough; None when one side was not measured."""
        value = self.ratio_to(bar.peer) if bar.peer else self._own()
        if value is None:
            return None
        return value, value <= bar.factor if bar.at_most else value >= bar.factor

    def _own(self) -> float | None:
        return self.spread(OURS).median if OURS in self.samples else None

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "name": self.name,
            "unit": self.unit,
            "samples": self.samples,
            "medians": {contender: self.spread(contender).median for contender in self.samples},
            "ours_to": {peer: self.ratio_to(peer) for peer in self.samples if peer != OURS},
            "bars": [_bar_as_json(bar, self.judged(bar)) for bar in self.bars],
        }


def _bar_as_json(bar: Bar, judged: tuple[float, bool] | None) -> dict[str, Any]:
    reached = {} if judged is None else {"reached": judged[0], "holds": judged[1]}
    return {"bar": bar.text(), "peer": bar.peer, **reached}


@dataclass
class Row:
    """One name of `./chatire bench`.

    Attributes:
        notes: What a reader must know to judge the figures.
        wrong: What must not have happened in ours: something lost, doubled or out of order.
        plans: Texts that belong to the row, by title.
    """

    name: str
    title: str
    figures: dict[str, Figure] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    plans: dict[str, str] = field(default_factory=dict)

    def figure(self, name: str, unit: str, *bars: Bar) -> Figure:
        """The figure of this name, made when it is new."""
        return self.figures.setdefault(name, Figure(name, unit, list(bars)))

    def note(self, text: str) -> None:
        """Remember a note once."""
        if text not in self.notes:
            self.notes.append(text)

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {
            "title": self.title,
            "figures": [figure.as_json() for figure in self.figures.values()],
            "notes": self.notes,
            "wrong": self.wrong,
            "plans": self.plans,
        }
