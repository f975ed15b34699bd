"""`latency` (F3): delivery latency at 70 % of the rate at which Socket.IO is saturated, one room of 500."""

from __future__ import annotations

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Shape
from chatire_bench.delivering import judge, paced, saturated
from chatire_bench.figures import Bar, Row
from chatire_bench.rows.fanout import WINDOW

SHAPE, QUICK_SHAPE = Shape(1, 500), Shape(1, 100)
SHARE = 0.7


def run(bench: Bench) -> Row:
    """Socket.IO's maximum first; then everybody at the same rate, in turn."""
    shape = QUICK_SHAPE if bench.quick else SHAPE
    row = Row("latency", f"Latency: one room of {shape.members}, at {SHARE:.0%} of Socket.IO's maximum rate")
    in_node = bench.node(row, lambda: [peers.socketio(bench.servers), peers.ws(bench.servers)])
    if not in_node:
        return row
    with in_node[0].running(shape) as running:
        most = saturated(bench, running, shape, WINDOW, bench.seconds(4.0)).per_second
    rate = SHARE * most / shape.members
    row.note(f"Socket.IO delivers {most:,.0f} a second at most; measured at {rate:.0f} messages a second.")
    row.note(f"From when a message was due until the load generator read it; {bench.cores.text()}.")
    middle = row.figure("delivery p50", "ms")
    late = row.figure("delivery p99", "ms", Bar("F3", 1.0, "Socket.IO", at_most=True))
    used = row.figure("server", "cores used")
    for contender in bench.turns([bench.ours, *(in_node[:1] if bench.quick else in_node)]):
        with bench.attempt(row, contender), contender.running(shape) as running:
            found = paced(bench, running, shape, rate, bench.seconds(6.0))
            middle.add(contender.name, found.report["delivery"]["p50_us"] / 1000)
            late.add(contender.name, found.report["delivery"]["p99_us"] / 1000)
            used.add(contender.name, found.cores)
            judge(row, contender.name, found)
    return row
