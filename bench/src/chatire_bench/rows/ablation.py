"""`ablation`: what each step of the gateway's way out is worth: ours as it is, and with one of them taken away at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping

from chatire_bench.bench import Bench
from chatire_bench.contender import Running, Shape
from chatire_bench.delivering import judge, saturated
from chatire_bench.figures import OURS, Row
from chatire_bench.ours import Chatire
from chatire_bench.places import WITHOUT_UVLOOP
from chatire_bench.rows import connections, fanout, rooms

FULL = {"CHATIRE_FRONT": "slim", "CHATIRE_DIRECT_WRITES": "on"}
DAPHNE = "Daphne's front"
VARIANTS: Mapping[str, Mapping[str, str]] = {
    OURS: FULL,
    "no direct writes": FULL | {"CHATIRE_DIRECT_WRITES": "off"},
    DAPHNE: FULL | {"CHATIRE_FRONT": "daphne"},
    # The gateway takes uvloop where it finds it; there it finds one that can't be imported.
    "no uvloop": FULL | {"PYTHONPATH": os.fspath(WITHOUT_UVLOOP)},
}
CONNECTIONS, QUICK_CONNECTIONS = Shape(200, 10), Shape(20, 10)


def run(bench: Bench) -> Row:
    """One stack; for each turn its gateway is started anew, another way."""
    row = Row("ablation", "Ablation: ours, and what is left when one step is taken away")
    row.note(f"Deliveries as in `fanout` and `rooms`, connections as in `connections`; {bench.cores.text()}.")
    shape = bench.pick_shape(CONNECTIONS, QUICK_CONNECTIONS)
    names = list(VARIANTS)
    with bench.ours.running(shape):
        for pair in range(bench.pairs):
            for name in names if pair % 2 == 0 else names[::-1]:
                bench.tell(f"pair {pair + 1} of {bench.pairs}: {name}")
                with bench.attempt(row, bench.ours):
                    _deliver(bench, row, name)
                    if name in (OURS, DAPHNE):
                        _connect(bench, row, name, _started(bench.ours, name, shape))
    return row


def _started(ours: Chatire, name: str, shape: Shape) -> Running:
    ours.stack.remake("gateway", VARIANTS[name])
    return ours.among(shape)


def _deliver(bench: Bench, row: Row, name: str) -> None:
    one = bench.pick_shape(fanout.SHAPE, fanout.QUICK_SHAPE)
    many = bench.pick_shape(rooms.SHAPE, rooms.QUICK_SHAPE)
    for title, shape, window in (
        (f"one room of {one.members}", one, fanout.WINDOW),
        (f"{many.rooms} rooms of {many.members}", many, rooms.MESSAGES_PER_ROOM * many.rooms),
    )[: int(bench.pick(2, 1))]:
        found = saturated(bench, _started(bench.ours, name, shape), shape, window, bench.seconds(4.0))
        row.figure(f"deliveries, {title}", "per CPU-second of the gateway").add(name, found.per_cpu_second)
        row.figure(f"gateway, {title}", "cores used").add(name, found.cores)
        judge(row, name, found, ours=True)


def _connect(bench: Bench, row: Row, name: str, running: Running) -> None:
    with bench.apart(running):
        found = connections.measure_ours(bench, running)
    row.figure("memory of an idle connection", "KiB").add(name, found.memory)
    row.figure("handshakes, bare", "per CPU-second of the gateway").add(name, found.bare)
    row.figure("handshakes, with tokens that were seen before", "per CPU-second of the gateway").add(name, found.known)
