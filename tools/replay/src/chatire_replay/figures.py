"""What a replay comes to: figures out of the books, as a table for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FAULTS = ("missing", "duplicated", "out_of_order", "changed")


@dataclass(slots=True)
class Row:
    """One channel or watcher."""

    name: str
    sent: int = 0
    acked: int = 0
    stored: int = 0
    delivered: int = 0
    missing: int = 0
    duplicated: int = 0
    out_of_order: int = 0
    changed: int = 0


@dataclass(slots=True)
class Figures:
    """Everything that is told in the end."""

    seed: int
    speed: str
    people: int
    spoken: int
    skipped: int
    notices: dict[str, int]
    seconds: float
    channels: list[Row]
    watchers: list[Row]
    drops: int
    resumes: int
    resyncs: int
    killed: list[str]
    refused: int
    foreign: int
    ack_ms: dict[str, float]
    delivery_ms: dict[str, float]
    examples: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Messages sent, repeats not counted."""
        return sum(row.sent for row in self.channels)

    @property
    def wrong(self) -> int:
        """Everything that is not as it should be; 0 is a pass."""
        faults: int = sum(getattr(row, name) for row in (*self.channels, *self.watchers) for name in FAULTS)
        unsettled = sum(abs(row.sent - row.acked) + abs(row.sent - row.stored) for row in self.channels)
        unseen = sum(abs(self.sent - row.delivered) for row in self.watchers)
        return faults + unsettled + unseen + self.refused + self.foreign

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        totals = {"sent": self.sent, "wrong": self.wrong, "per_second": self.per_second}
        return asdict(self) | totals

    @property
    def per_second(self) -> float:
        """Messages per second, from the first to the last ack."""
        return round(self.sent / self.seconds, 1) if self.seconds else 0.0


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p95, p99 (nearest rank) and the worst, in milliseconds; empty without samples."""
    rising = sorted(seconds)
    if not rising:
        return {}
    ranks = {f"p{share}": rising[max(0, -(-len(rising) * share // 100) - 1)] for share in (50, 95, 99)}
    return {name: round(value * 1000, 1) for name, value in (ranks | {"max": rising[-1]}).items()}


def table(figures: Figures) -> str:
    """The whole report."""
    facts = "\n".join(f"{name:<12} {value}" for name, value in _facts(figures).items())
    examples = "".join(f"\n{'':<12} - {example}" for example in figures.examples)
    channels = _columns(figures.channels, "channel", ("sent", "acked", "stored", *FAULTS))
    watchers = _columns(figures.watchers, "watcher", ("delivered", *FAULTS))
    return "\n".join(["", *channels, "", *watchers, "", facts + examples])


def _facts(figures: Figures) -> dict[str, str]:
    notices = ", ".join(f"{count} {name}" for name, count in sorted(figures.notices.items())) or "none"
    rest = f"{figures.refused} refused, {figures.foreign} that nobody sent"
    wrong = f"{figures.wrong:,} THINGS ARE WRONG ({rest})"
    return {
        "lines": f"{figures.spoken:,} with a speaker, {figures.skipped:,} of them with nothing to send; "
        f"others not acted out: {notices}",
        "people": f"{figures.people:,} authors, {len(figures.watchers)} watchers",
        "watchers": f"{figures.drops} drops, {figures.resumes} reconnects, {figures.resyncs} resyncs",
        "killed": ", ".join(figures.killed) or "nothing",
        "rate": f"{figures.per_second:,} messages/s over {figures.seconds:.1f} s, speed {figures.speed}, "
        f"seed {figures.seed}",
        "ack": _latency(figures.ack_ms),
        "delivery": f"{_latency(figures.delivery_ms)}  (from sending to a watcher's socket)",
        "result": wrong if figures.wrong else "every line is there, once, in order, byte for byte",
    }


def _latency(milliseconds: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:,.1f} ms" for name, value in milliseconds.items()) or "no sample"


def _columns(rows: list[Row], noun: str, names: Sequence[str]) -> list[str]:
    total = Row("total")
    for row in rows:
        for name in names:
            setattr(total, name, getattr(total, name) + getattr(row, name))
    head = [noun, *(name.replace("_", " ") for name in names)]
    cells = [head, *([row.name, *(f"{getattr(row, name):,}" for name in names)] for row in (*rows, total))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    shown = [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in cells
    ]
    rule = "  ".join("-" * width for width in widths)
    return [shown[0], rule, *shown[1:-1], rule, shown[-1]]
