"""`post` (F8): posting a message over HTTP, beside a bare view that does the same insert and nothing else."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Contender, Running, Shape
from chatire_bench.errors import BenchError
from chatire_bench.figures import OURS, Bar, Row
from chatire_bench.loadgen import Loadgen
from chatire_bench.rows import rooms

SHAPE, QUICK_SHAPE = Shape(16, 1), rooms.QUICK_SHAPE
CLIENTS = 16
"""One of each room, however many are in it."""
WORKERS = 1
WARM_POSTS, QUICK_WARM_POSTS = 400, 100
_WARM_SECONDS = 30.0
"""At most: the first requests load code, open a connection to the database for each thread, and take a second each."""


def run(bench: Bench) -> Row:
    """One worker process each, with four threads; sixteen clients, each in a room of their own."""
    row = Row("post", f"POST of a message, {CLIENTS} clients with a connection each")
    if len(bench.command) > 1:
        row.note("Left out: there is no C compiler on this machine.")
        return row
    # A quick run takes the stack as it stands: another number of workers would be another start.
    shape, workers = (QUICK_SHAPE, bench.ours.counts.workers) if bench.quick else (SHAPE, WORKERS)
    row.note(f"gunicorn workers with 4 threads: {workers}; CPU of gunicorn's processes alone; {bench.cores.text()}.")
    row.note("The bare view counts up and inserts in one transaction, with no token, membership, validation or event.")
    # Where psycopg 3 is installed, as among the peers' packages, Django takes it: 1.6 times the CPU of psycopg2, which we use.
    row.note("Both run on the same Python, Django, REST framework, gunicorn and psycopg2.")
    cost = row.figure("posts", "per CPU-second of the service", Bar("F8", 1.0, "bare view"))
    speed = row.figure("posts a second", "per second")
    late = row.figure("answer p99", "ms")
    ours = bench.ours.variant(counts=bench.ours.with_workers(workers), measured="messages", protocol="http")
    contenders: list[Contender] = [ours, peers.bare_view(bench.servers, Path(sys.executable), workers)]
    for contender in bench.turns(contenders):
        with bench.attempt(row, contender), contender.running(shape) as running, bench.apart(running):
            running.lines = running.lines[:: shape.members][:CLIENTS]
            acked, cpu, seconds, p99 = _measure(bench, row, contender, running)
            cost.add(contender.name, acked / max(cpu, 0.01))
            speed.add(contender.name, acked / seconds)
            late.add(contender.name, p99)
    return row


def _measure(bench: Bench, row: Row, contender: Contender, running: Running) -> tuple[int, float, float, float]:
    with bench.load(running) as load:
        load.tell(f"closed {CLIENTS}")
        _warm(load, int(bench.pick(WARM_POSTS, QUICK_WARM_POSTS)))
        load.tell("reset")
        cpu, began = running.cpu_seconds(), time.monotonic()
        time.sleep(bench.seconds(6.0))
        used, report, seconds = running.cpu_seconds() - cpu, load.report(), time.monotonic() - began
        load.tell("stop")
    if report["refused"] or report["closed"] or not report["acked"]:
        said = f"post: {contender.name} took {report['acked']}, refused {report['refused']}, closed {report['closed']}"
        row.wrong.append(said) if contender.name == OURS else row.note(said)
    return report["acked"], used, seconds, report["ack"]["p99_us"] / 1000


def _warm(load: Loadgen, posts: int) -> None:
    deadline = time.monotonic() + _WARM_SECONDS
    while load.progress().acked < posts:
        if time.monotonic() > deadline:
            raise BenchError(f"only {load.progress().acked} posts in {_WARM_SECONDS:.0f} s")
        time.sleep(0.05)
