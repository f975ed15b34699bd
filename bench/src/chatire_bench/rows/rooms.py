"""`rooms` (F2): 200 rooms of 10, posts from the messages side, as many as the server takes."""

from __future__ import annotations

from chatire_bench import peers
from chatire_bench.bench import Bench
from chatire_bench.contender import Shape
from chatire_bench.delivering import judge, judge_saturation, saturated
from chatire_bench.figures import Bar, Row

SHAPE, QUICK_SHAPE = Shape(200, 10), Shape(20, 10)
MESSAGES_PER_ROOM = 4
BARS = (Bar("F2", 1.0, "ws, pre-framed"), Bar("F2", 1.5, "Socket.IO"))


def run(bench: Bench) -> Row:
    """Ours, `ws` and Socket.IO."""
    shape = QUICK_SHAPE if bench.quick else SHAPE
    row = Row("rooms", f"Many rooms: {shape.rooms} of {shape.members}, published from outside, saturated")
    row.note(f"{MESSAGES_PER_ROOM} messages on their way in each room; {bench.cores.text()}.")
    cost = row.figure("deliveries", "per CPU-second of the server", *BARS)
    speed = row.figure("deliveries a second", "per second")
    generator = row.figure("load generator", "cores used")
    in_node = bench.node(row, lambda: [peers.ws(bench.servers), peers.socketio(bench.servers)])
    for contender in bench.turns([bench.ours, *(in_node[:1] if bench.quick else in_node)]):
        with bench.attempt(row, contender), contender.running(shape) as running:
            window = MESSAGES_PER_ROOM * shape.rooms
            found = saturated(bench, running, shape, window, bench.seconds(6.0))
            cost.add(contender.name, found.per_cpu_second)
            speed.add(contender.name, found.per_second)
            generator.add(contender.name, found.generator_cores)
            judge_saturation(row, contender.name, found)
            judge(row, contender.name, found)
    return row
