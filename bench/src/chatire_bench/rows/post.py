"""`post` (F8): posting a message over HTTP, beside a bare view that does the same insert and nothing else."""

from __future__ import annotations

import time

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Contender, Running, Shape
from chatire_bench.figures import OURS, Bar, Row

SHAPE = Shape(16, 1)
WORKERS = 1
_WARM_SECONDS = 1.0


def run(bench: Bench) -> Row:
    """One worker process each, with four threads; sixteen clients, each in a room of their own."""
    row = Row("post", f"POST of a message, {SHAPE.connections} clients with a connection each")
    if len(bench.command) > 1:
        row.note("Left out: there is no C compiler on this machine.")
        return row
    row.note(f"{WORKERS} gunicorn worker with 4 threads; CPU of gunicorn's processes alone; {bench.cores.text()}.")
    row.note("The bare view counts up and inserts in one transaction, with no token, membership, validation or event.")
    cost = row.figure("posts", "per CPU-second of the service", Bar("F8", 1.0, "bare view"))
    speed = row.figure("posts a second", "per second")
    late = row.figure("answer p99", "ms")
    ours = bench.ours.variant(counts=bench.ours.with_workers(WORKERS), measured="messages", protocol="http")
    contenders: list[Contender] = [ours, peers.bare_view(bench.servers, bench.python, WORKERS)]
    for contender in bench.turns(contenders):
        with bench.attempt(row, contender), contender.running(SHAPE) as running, bench.apart(running):
            acked, cpu, seconds, p99 = _measure(bench, row, contender, running)
            cost.add(contender.name, acked / max(cpu, 0.01))
            speed.add(contender.name, acked / seconds)
            late.add(contender.name, p99)
    return row


def _measure(bench: Bench, row: Row, contender: Contender, running: Running) -> tuple[int, float, float, float]:
    with bench.load(running) as load:
        load.tell(f"closed {SHAPE.connections}")
        time.sleep(bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
        load.tell("reset")
        cpu, began = running.cpu_seconds(), time.monotonic()
        time.sleep(bench.seconds(6.0))
        used, report, seconds = running.cpu_seconds() - cpu, load.report(), time.monotonic() - began
        load.tell("stop")
    if report["refused"] or report["closed"] or not report["acked"]:
        said = f"post: {contender.name} took {report['acked']}, refused {report['refused']}, closed {report['closed']}"
        row.wrong.append(said) if contender.name == OURS else row.note(said)
    return report["acked"], used, seconds, report["ack"]["p99_us"] / 1000
