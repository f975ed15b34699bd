"""`fanout` (F1): one room of 500, posts from the messages side, as many as the server takes."""

from __future__ import annotations

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Contender, Shape
from chatire_bench.delivering import judge, judge_saturation, saturated
from chatire_bench.figures import Bar, Row
from chatire_bench.rows import fanout_postgres

SHAPE, QUICK_SHAPE = Shape(1, 500), Shape(1, 100)
WINDOW = 128
SLOW_WINDOW = 8
"""For Channels' own layers: the core one drops what is over 100 for a process, and eight messages keep it busy."""
BARS = (
    Bar("F1", 5, "ws, pre-framed"),
    Bar("F1", 8, "Socket.IO"),
    Bar("F1", 100, "tutorial, core"),
)


def run(bench: Bench) -> Row:
    """Ours, `ws`, Socket.IO, python-socketio, and the tutorial on three channel layers."""
    shape = QUICK_SHAPE if bench.quick else SHAPE
    row = Row("fanout", f"Fan-out: one room of {shape.members}, published from outside, saturated")
    row.note(f"{WINDOW} messages on their way ({SLOW_WINDOW} for Channels' own layers); {bench.cores.text()}.")
    cost = row.figure("deliveries", "per CPU-second of the server", *BARS)
    speed = row.figure("deliveries a second", "per second")
    generator = row.figure("load generator", "cores used")
    for contender in bench.turns(_contenders(bench, row)):
        window = SLOW_WINDOW if contender.name.startswith("tutorial") else WINDOW
        with bench.attempt(row, contender), contender.running(shape) as running:
            found = saturated(bench, running, shape, window, bench.seconds(6.0))
            cost.add(contender.name, found.per_cpu_second)
            speed.add(contender.name, found.per_second)
            generator.add(contender.name, found.generator_cores)
            judge_saturation(row, contender.name, found)
            judge(row, contender.name, found)
    if not bench.quick:
        fanout_postgres.add_to(bench, row, shape)
    return row


def _contenders(bench: Bench, row: Row) -> list[Contender]:
    servers = bench.servers
    in_node = bench.node(row, lambda: [peers.ws(servers), peers.socketio(servers)])
    in_python: list[Contender] = [peers.tutorial(servers, bench.python, "core")]
    if bench.quick:
        return [bench.ours, *in_node[:1], *in_python]
    in_python += [peers.tutorial(servers, bench.python, "pubsub"), peers.python_socketio(servers, bench.python)]
    return [bench.ours, *in_node, *in_python]
