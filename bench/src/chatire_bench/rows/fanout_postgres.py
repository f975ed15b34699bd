"""The tutorial on channels-postgres: it has no way in from outside that is worth the name, so its posts go through a socket."""

from __future__ import annotations

import time

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Shape
from chatire_bench.errors import BenchError
from chatire_bench.figures import Row

_OUTSTANDING = 2


def add_to(bench: Bench, row: Row, shape: Shape) -> None:
    """Measure it once and add it to the row; a run in which it breaks is a note."""
    contender = peers.tutorial(bench.servers, bench.python, "postgres", runs=peers.ONCE)
    bench.tell(contender.name)
    try:
        with contender.running(shape) as running, bench.apart(running), bench.load(running) as load:
            load.tell(f"closed {_OUTSTANDING}")
            time.sleep(1.0)
            load.tell("reset")
            began, before = time.monotonic(), running.cpu_seconds()
            time.sleep(bench.seconds(6.0))
            deliveries, used = load.report()["deliveries"], running.cpu_seconds() - before
            took = time.monotonic() - began
            load.tell("stop")
            load.until_quiet(10.0)
            report, sent = load.report(), load.progress().sent
    except BenchError as error:
        row.note(f"{contender.name}: {str(error).splitlines()[0]}")
        return
    row.figures["deliveries"].add(contender.name, deliveries / max(used, 0.01))
    row.figures["deliveries a second"].add(contender.name, deliveries / took)
    row.note(
        f"{contender.name}: posts through the socket; each socket got {report['fewest']} to {report['most']} of "
        f"{sent} messages, {report['backwards']} of them out of order or doubled."
    )
