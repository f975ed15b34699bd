"""`durable` (F4, F5): sent, committed in PostgreSQL, acknowledged, delivered to all members; with everything counted."""

from __future__ import annotations

import time
from typing import Any

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Contender, Running, Shape
from chatire_bench.figures import OURS, Bar, Row
from chatire_bench.loadgen import Loadgen
from chatire_bench.rows import rooms

SHAPE, QUICK_SHAPE = Shape(50, 20), rooms.QUICK_SHAPE
OUTSTANDING = 256
QUIET_RATE = 50
ONE, BATCHED, TUTORIAL = "Socket.IO + pg", "Socket.IO + pg, batched", "tutorial"
"""Those of the bars; the tutorial as it is written. Beside it stands the tutorial at its best."""
_WARM_SECONDS = 1.0
_DRAIN_SECONDS = 20.0


def run(bench: Bench) -> Row:
    """Each contender is started once in a pair, and measured busy, quiet, and busy in one conversation."""
    shape = QUICK_SHAPE if bench.quick else SHAPE
    row = Row("durable", f"The durable path: {shape.rooms} rooms of {shape.members}, every member's socket open")
    row.note("CPU is that of all server processes: ours with PostgreSQL, Valkey, relay and auth; nothing is pinned.")
    for contender in bench.turns(_contenders(bench, row)):
        with bench.attempt(row, contender), contender.running(shape) as running, bench.together(running):
            with bench.load(running) as load:
                _busy(bench, row, contender, running, load, f"{OUTSTANDING} outstanding", shape)
                _quiet(bench, row, contender, running, load, shape)
            if not _is_tutorial(contender.name):
                hot = [line for line in running.lines if line.room == 0]
                with bench.load(running, hot) as load:
                    _busy(bench, row, contender, running, load, "one hot conversation", Shape(1, shape.members))
    return row


def _contenders(bench: Bench, row: Row) -> list[Contender]:
    servers = bench.servers
    kinds = ("statement",) if bench.quick else ("statement", "batch")
    in_node = bench.node(row, lambda: [peers.socketio(servers, kind) for kind in kinds])
    ways = () if bench.quick else (False, True)
    slow = [peers.storing_tutorial(servers, bench.python, at_its_best=best) for best in ways]
    return [bench.ours, *in_node, *slow]


def _is_tutorial(name: str) -> bool:
    return name.startswith(TUTORIAL)


def _busy(
    bench: Bench, row: Row, contender: Contender, running: Running, load: Loadgen, phase: str, shape: Shape
) -> None:
    """Closed loop; a message counts when it is acknowledged."""
    load.tell(f"closed {OUTSTANDING}")
    time.sleep(bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
    found = _measure(running, load, bench.seconds(6.0))
    _settle(row, contender.name, load, shape)
    hot = shape.rooms == 1
    bars = (Bar("F4", 4, ONE),) if hot else (Bar("F4", 2, ONE), Bar("F4", 1.0, BATCHED), Bar("F4", 20, TUTORIAL))
    acked, cpu = found["acked"], sum(found["cpu"].values())
    row.figure(f"messages, {phase}", "per CPU-second of all processes", *bars).add(
        contender.name, acked / max(cpu, 0.01)
    )
    row.figure(f"messages a second, {phase}", "per second").add(contender.name, acked / found["seconds"])
    row.figure(f"ack p99, {phase}", "ms").add(contender.name, found["report"]["ack"]["p99_us"] / 1000)
    row.figure(f"load generator, {phase}", "cores used").add(contender.name, found["generator"] / found["seconds"])
    if contender.name == OURS and not hot:
        _note_parts(row, phase, found["cpu"], acked)


def _quiet(bench: Bench, row: Row, contender: Contender, running: Running, load: Loadgen, shape: Shape) -> None:
    """Open loop at 50 messages a second."""
    load.tell(f"rate {QUIET_RATE}")
    time.sleep(bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
    found = _measure(running, load, bench.seconds(6.0))
    _settle(row, contender.name, load, shape)
    report, acked = found["report"], max(found["acked"], 1)
    limits = {"ack": (10.0, 25.0), "last_member": (10.0, 25.0)}
    for what, (middle, late) in limits.items():
        for share, most in (("p50", middle), ("p99", late)):
            bars = (Bar("F5", 1.5, ONE, at_most=True), Bar("F5", most, at_most=True))
            figure = row.figure(f"{what.replace('_', ' ')} {share}, {QUIET_RATE} a second", "ms", *bars)
            figure.add(contender.name, report[what][f"{share}_us"] / 1000)
    cpu = sum(found["cpu"].values()) / acked * 1000
    bar = Bar("F5", 1.3, ONE, at_most=True)
    row.figure(f"CPU of a message, {QUIET_RATE} a second", "ms", bar).add(contender.name, cpu)
    if contender.name == OURS:
        _note_parts(row, f"{QUIET_RATE} a second", found["cpu"], acked)


def _measure(running: Running, load: Loadgen, seconds: float) -> dict[str, Any]:
    load.tell("reset")
    before, began = running.all_cpu_seconds(), time.monotonic()
    generator = load.report()["cpu_seconds"]
    time.sleep(seconds)
    after, report, took = running.all_cpu_seconds(), load.report(), time.monotonic() - began
    return {
        "cpu": {part: after[part] - before[part] for part in before},
        "report": report,
        "acked": report["acked"],
        "seconds": took,
        "generator": report["cpu_seconds"] - generator,
    }


def _settle(row: Row, name: str, load: Loadgen, shape: Shape) -> None:
    """Stop; wait for what is on its way; hold what came against what was sent."""
    load.tell("stop")
    load.until_answered(_DRAIN_SECONDS)
    load.until_quiet(_DRAIN_SECONDS)
    report = load.report()
    trouble = {key: report[key] for key in ("refused", "closed", "malformed", "outstanding") if report[key]}
    if not _is_tutorial(name):
        # The tutorial's numbers are those of its table: of all rooms together, and in no order that means anything.
        trouble |= {key: report[key] for key in ("jumps", "backwards") if report[key]}
    spread = report["most"] - report["fewest"] if shape.rooms == 1 else 0
    if spread:
        trouble["fewest and most of a member"] = f"{report['fewest']}, {report['most']}"
    if trouble and name == OURS:
        row.wrong.append(f"{row.name}: {trouble}")
    elif trouble:
        row.note(f"{name}: {trouble} of {report['deliveries']} deliveries.")


def _note_parts(row: Row, phase: str, cpu: dict[str, float], acked: int) -> None:
    costs = sorted(((used / acked * 1e6, part) for part, used in cpu.items()), reverse=True)
    row.notes.append(
        f"CPU µs of a message of ours, {phase}: " + ", ".join(f"{part} {cost:.0f}" for cost, part in costs)
    )
