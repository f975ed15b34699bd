"""What a campaign comes to: a table for people, JSON for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from chatire_faults.checker import BREACHES, Verdict
from chatire_faults.history import History, What
from chatire_faults.nemesis import Injected
from chatire_faults.prober import Probe

# A message sent just before a fault may suffer from it.
BEFORE_SECONDS = 1.0
SLOW_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of fault; the worst times in milliseconds until the next fault.

    Attributes:
        worst_away_ms: Until a message could be posted again (0: always, within a second).
        worst_ack_ms: From sending to the ack, the clients' own waiting included.
        worst_shown_ms: From the commit to a device on a good line, its time offline included.
    """

    kind: str
    times: int
    skipped: int
    worst_away_ms: float
    worst_ack_ms: float
    worst_shown_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is told in the end."""

    seed: int
    seconds: float
    clients: int
    conversations: int
    rows: list[Row]
    sent: int
    acked: int
    refused: dict[str, int]
    stored: int
    shown: int
    connections: int
    resyncs: int
    forced_repeats: int
    gave_up: list[str]
    ack_ms: dict[str, float]
    gap_ms: dict[str, float]
    gap_with_offline_ms: dict[str, float]
    offline_ms: dict[str, float]
    gap_through_proxies_ms: dict[str, float]
    changes: int
    parts: dict[str, dict[str, float]]
    breaches: dict[str, int]
    examples: list[str]
    trouble: list[str]

    @property
    def faults(self) -> int:
        """How many were injected."""
        return sum(row.times for row in self.rows)

    @property
    def kinds(self) -> int:
        """Of how many kinds."""
        return sum(1 for row in self.rows if row.times)

    @property
    def wrong(self) -> int:
        """Everything that is not as promised; 0 is a pass."""
        return sum(self.breaches.values()) + len(self.gave_up) + len(self.trouble)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self) | {"faults": self.faults, "kinds": self.kinds, "wrong": self.wrong}


@dataclass(frozen=True, slots=True)
class Run:
    """What the campaign itself knows; `trouble`: what did not come to rest in time."""

    seed: int
    seconds: float
    injected: list[Injected]
    probes: list[Probe]
    gave_up: list[str]
    trouble: list[str]
    parts: dict[str, dict[str, float]] = field(default_factory=dict)


def summed_up(run: Run, history: History, verdict: Verdict) -> Figures:
    """The figures of a campaign."""
    acks = [(message.at, message.acked_at - message.at) for message in history.sent if message.acked_at]
    direct, proxied = _gaps(history, direct=True), _gaps(history, direct=False)
    connected = _gaps(history, direct=True, connected=True)
    return Figures(
        seed=run.seed,
        seconds=round(run.seconds, 1),
        clients=len(history.devices),
        conversations=len(history.stored),
        rows=_rows(run, acks, direct),
        sent=len(history.sent),
        acked=sum(1 for message in history.sent if message.acks),
        refused=dict(Counter(message.refused for message in history.sent if message.refused)),
        stored=verdict.messages_stored,
        shown=verdict.events_shown,
        connections=sum(device.connections for device in history.devices),
        resyncs=sum(device.resyncs for device in history.devices),
        forced_repeats=sum(max(0, len(message.acks) - 1) for message in history.sent),
        gave_up=run.gave_up,
        ack_ms=percentiles(took for _, took in acks),
        gap_ms=percentiles(took for _, took in connected),
        gap_with_offline_ms=percentiles(took for _, took in direct),
        offline_ms=percentiles(seconds for device in history.devices for seconds in device.offline),
        gap_through_proxies_ms=percentiles(took for _, took in proxied),
        changes=sum(1 for change in history.changes if change.answered),
        parts=run.parts,
        breaches={name: verdict.counts[name] for name in BREACHES},
        examples=verdict.examples,
        trouble=run.trouble,
    )


def _gaps(history: History, *, direct: bool, connected: bool = False) -> list[tuple[float, float]]:
    """When each event was stored, and how many seconds later a device was shown it.

    With `connected`, what was stored while the device had no connection counts from when it was ready again.
    """
    at = {(each.conversation, event.seq): event.at for each in history.stored for event in each.events}
    return [
        (
            at[note.conversation, note.seq],
            note.at - max(at[note.conversation, note.seq], note.since if connected else 0.0),
        )
        for device in history.devices
        if device.direct is direct
        for note in device.log
        if note.what in {What.SHOWN, What.FETCHED} and (note.conversation, note.seq) in at
    ]


def _rows(run: Run, acks: Sequence[tuple[float, float]], gaps: Sequence[tuple[float, float]]) -> list[Row]:
    ends = [*(fault.began for fault in run.injected[1:]), float("inf")]
    worst: dict[str, list[tuple[float, float, float]]] = {}
    for fault, end in zip(run.injected, ends, strict=True):
        if not fault.skipped:
            start = fault.began - BEFORE_SECONDS
            times = (
                _away(run.probes, fault.began, end),
                _worst_within(acks, start, end),
                _worst_within(gaps, start, end),
            )
            worst.setdefault(fault.kind, []).append(times)
    skipped = Counter(fault.kind for fault in run.injected if fault.skipped)
    return [_row(kind, worst.get(kind, []), skipped[kind]) for kind in sorted(worst.keys() | skipped.keys())]


def _row(kind: str, times: list[tuple[float, float, float]], skipped: int) -> Row:
    away, ack, shown = (max(column) for column in zip(*times, strict=True)) if times else (0.0, 0.0, 0.0)
    return Row(kind, len(times), skipped, away, ack, shown)


def _away(probes: Sequence[Probe], start: float, end: float) -> float:
    """Until the last attempt before the next fault that failed or took longer than a second was over."""
    bad = [
        probe.ended
        for probe in probes
        if start <= probe.ended
        and probe.began < end
        and not (probe.worked and probe.ended - probe.began < SLOW_SECONDS)
    ]
    return round(1000 * (min(max(bad), end) - start), 1) if bad else 0.0


def _worst_within(samples: Sequence[tuple[float, float]], start: float, end: float) -> float:
    return round(1000 * max((took for at, took in samples if start <= at < end), default=0.0), 1)


def percentiles(seconds: Iterable[float]) -> dict[str, float]:
    """p50, p99 (nearest rank) and the worst, in milliseconds; empty without samples."""
    rising = sorted(seconds)
    if not rising:
        return {}
    ranks = {f"p{share}": rising[max(0, -(-len(rising) * share // 100) - 1)] for share in (50, 99)}
    return {name: round(value * 1000, 1) for name, value in (ranks | {"max": rising[-1]}).items()}


def table(figures: Figures) -> str:
    """The whole report."""
    head = ("fault", "times", "skipped", "away ms", "worst ack ms", "worst shown ms")
    cells = [head, *map(_cells, figures.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))])
        for line in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    facts = [f"{name:<14} {value}" for name, value in _facts(figures).items()]
    examples = [f"{'':<14} - {example}" for example in (*figures.trouble, *figures.gave_up, *figures.examples)]
    return "\n".join(["", *lines, "", *facts, *examples])


def _facts(figures: Figures) -> dict[str, str]:
    refused = ", ".join(f"{count} {code}" for code, count in sorted(figures.refused.items())) or "none"
    return {
        "seed": f"{figures.seed} (./chatire verify --seed {figures.seed} breaks the same things in the same order)",
        "load": f"{figures.clients} clients in {figures.conversations} conversations for {figures.seconds:,.0f} s; "
        f"{figures.connections - figures.clients} reconnects, {figures.resyncs} resyncs",
        "faults": f"{figures.faults} of {figures.kinds} kinds",
        "messages": f"{figures.sent:,} sent, {figures.acked:,} acknowledged, {figures.stored:,} stored; refused after "
        f"a removal: {refused}; {figures.forced_repeats} acknowledged repeats",
        "changes": f"{figures.changes:,} edits and deletions answered",
        "shown": f"{figures.shown:,} events",
        "ack": _latency(figures.ack_ms),
        "gap closed": f"{_latency(figures.gap_ms)}  (commit, or being back online, to a device on a good line)",
        "  with offline": f"{_latency(figures.gap_with_offline_ms)}  (commit to a device on a good line)",
        "  by proxy": f"{_latency(figures.gap_through_proxies_ms)}  (commit to one behind a fault proxy)",
        "offline": f"{_latency(figures.offline_ms)}  (from losing a line to being ready again, backoff included)",
        "breaches": ", ".join(f"{count} {name}" for name, count in figures.breaches.items()),
        "result": f"{figures.wrong:,} THINGS ARE WRONG" if figures.wrong else "every promise was kept",
    }


def _cells(row: Row) -> tuple[str, ...]:
    times = (row.worst_away_ms, row.worst_ack_ms, row.worst_shown_ms)
    return (row.kind, str(row.times), str(row.skipped), *map(_number, times))


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _latency(milliseconds: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:,.1f} ms" for name, value in milliseconds.items()) or "no sample"
