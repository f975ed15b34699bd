"""Measuring a server that only delivers: events are published from outside, its CPU is set against what arrives."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from chatire_bench.bench import Bench
from chatire_bench.contender import Running, Shape
from chatire_bench.errors import BenchError
from chatire_bench.figures import OURS, Row
from chatire_bench.loadgen import Loadgen
from chatire_bench.publish_loops import Published, now_us, pace, saturate

_WARM_SECONDS = 1.0
_DRAIN_SECONDS = 20.0
_PROBE_SECONDS = 10.0


@dataclass(frozen=True)
class Delivered:
    """What one run gave.

    Attributes:
        per_cpu_second: Deliveries per CPU-second of the measured process.
        per_second: Deliveries per second.
        cores: How much of a core the server used.
        generator_cores: How much of a core the load generator used.
        report: The load generator's report of the measured time.
        missing: Deliveries that never came.
    """

    per_cpu_second: float
    per_second: float
    cores: float
    generator_cores: float
    report: dict[str, Any]
    missing: int


def saturated(bench: Bench, running: Running, shape: Shape, window: int, seconds: float) -> Delivered:
    """As many deliveries as the server can make with `window` messages on their way."""
    return _measured(
        bench, running, shape, lambda published, load, time: saturate(published, load, window, time), seconds
    )


def paced(bench: Bench, running: Running, shape: Shape, rate: float, seconds: float) -> Delivered:
    """So many messages a second."""
    return _measured(bench, running, shape, lambda published, _load, time: pace(published, rate, time), seconds)


def _measured(bench: Bench, running: Running, shape: Shape, publish: Any, seconds: float) -> Delivered:
    if running.publisher is None:
        raise BenchError("this contender has no way in from outside")
    with bench.apart(running), bench.load(running) as load, closing(running.publisher()) as publisher:
        published = Published(publisher, shape.rooms, shape.members)
        reach_everybody(published, load, shape)
        publish(published, load, bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
        load.tell("reset")
        before, began = _Snapshot.of(running, load), now_us()
        publish(published, load, seconds)
        after, took = _Snapshot.of(running, load), (now_us() - began) / 1e6
        report = load.report()
        load.until(published.expected, _DRAIN_SECONDS)
        missing = published.expected - load.progress().deliveries
        # The latencies are those of the measured time; whether all is right shows when all is there.
        report = load.report() | {"delivery": report["delivery"]}
    used, delivered = after.cpu - before.cpu, after.deliveries - before.deliveries
    if used <= 0:
        raise BenchError("the server used no CPU at all: too short a run")
    generator = (after.generator - before.generator) / took
    return Delivered(delivered / used, delivered / took, used / took, generator, report, missing)


@dataclass(frozen=True)
class _Snapshot:
    cpu: float
    deliveries: int
    generator: float

    @classmethod
    def of(cls, running: Running, load: Loadgen) -> _Snapshot:
        generator = load.report()["cpu_seconds"]
        return cls(running.cpu_seconds(), load.progress().deliveries, generator)


def reach_everybody(published: Published, load: Loadgen, shape: Shape) -> None:
    """A subscription may still be under way: publish to every room until a round reaches everybody."""
    for _try in range(5):
        before = load.progress().deliveries
        published.publish([now_us()] * shape.rooms)
        if load.until(before + shape.connections, _PROBE_SECONDS / 5):
            return
        load.until_quiet(_PROBE_SECONDS)
        published.lost = published.count * shape.members - load.progress().deliveries
    raise BenchError(f"not everybody is reached: {load.report()}")


SATURATED_CORES = 0.8
"""A server that used less than this of its core was waiting for the publisher or the load generator."""


def judge_saturation(row: Row, name: str, delivered: Delivered) -> None:
    """Figures per CPU-second are those of a busy server: frames that come together are written together."""
    row.figure("server", "cores used").add(name, delivered.cores)
    if delivered.cores < SATURATED_CORES:
        row.note(f"{name} was not saturated in every run: it used {delivered.cores:.2f} of its core.")


def judge(row: Row, name: str, delivered: Delivered, *, ours: bool = False) -> None:
    """Note what a reader must know, and what must not have happened to ours, whatever it is called in this row."""
    judge_deliveries(row, name, delivered.report, delivered.missing, ours=ours or name == OURS)
    if delivered.generator_cores > 0.9:
        row.note(
            f"The load generator used {delivered.generator_cores:.2f} of a core beside {name}: it may be what limits."
        )


def judge_deliveries(row: Row, name: str, report: dict[str, Any], missing: int, *, ours: bool) -> None:
    """Whether everything came, once and in order."""
    trouble = {key: report[key] for key in ("jumps", "backwards", "closed", "malformed") if report[key]}
    if missing:
        trouble["missing"] = missing
    if trouble and ours:
        row.wrong.append(f"{row.name}: {name}: {trouble}")
    elif trouble:
        row.note(f"{name}: {trouble} of {report['deliveries']} deliveries.")
