"""`connections` (F6, F7): memory of an idle connection, and handshakes per CPU-second."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from chatire_bench import peers, processes
from chatire_bench.bench import Bench
from chatire_bench.contender import Contender, Running, Shape
from chatire_bench.figures import OURS, Bar, Figure, Row
from chatire_bench.loadgen import Line, Loadgen
from chatire_bench.rows import rooms

SHAPE, QUICK_SHAPE = Shape(1000, 10), rooms.QUICK_SHAPE
AT_ONCE = 64
_SETTLE_SECONDS = 2.0
_IDLE_SECONDS = 30.0
_LOOK_SECONDS = 0.5
_IDLE_SHARE = 0.1
_WARM_SHARE = 50
_CONNECT_SECONDS = 180.0
BARE = "handshakes, bare"
FRESH = "handshakes, each with a token that is verified"
KNOWN = "handshakes, with tokens that were seen before"


def run(bench: Bench) -> Row:
    """Ours without a token, with fresh ones, with known ones; the peers as they are."""
    shape = QUICK_SHAPE if bench.quick else SHAPE
    row = Row("connections", f"{shape.connections:,} connections in {shape.rooms:,} rooms")
    row.note(f"{AT_ONCE} handshakes at once; the server's own process counts; {bench.cores.text()}.")
    row.note(
        "Memory is what the process grew by, after a fiftieth of the connections came and went, until all of them are idle."
    )
    for contender in bench.turns(_contenders(bench, row)):
        with bench.attempt(row, contender), contender.running(shape) as running:
            if contender.name == OURS:
                _ours(bench, row, shape)
            else:
                _peer(bench, row, contender, running)
    return row


def _contenders(bench: Bench, row: Row) -> list[Contender]:
    servers = bench.servers
    in_node = bench.node(row, lambda: [peers.ws(servers), peers.socketio(servers)])
    if bench.quick:
        return [bench.ours, *in_node[:1]]
    return [bench.ours, *in_node, peers.tutorial(servers, bench.python, "pubsub", runs=peers.ONCE)]


@dataclass(frozen=True)
class Connecting:
    """What a gateway of ours does with those who come.

    Attributes:
        memory: KiB of an idle connection.
        fresh: Handshakes per CPU-second, each with a token that is verified.
        known: The same with tokens that were seen before.
        bare: The same without tokens.
    """

    memory: float
    fresh: float
    known: float
    bare: float


def measure_ours(bench: Bench, running: Running) -> Connecting:
    """On a gateway that has just been started: it has seen none of the tokens."""
    bare = [replace(line, token="") for line in running.lines]
    _warm(bench, running, bare)
    # Memory first: what closed connections leave behind is used again by the next ones, and would hide them.
    with bench.load(running, connect=False) as load:
        fresh, memory = _connect(bench, running, load)
    with bench.load(running, connect=False) as load:
        known, _memory = _connect(bench, running, load)
    with bench.load(running, bare, connect=False) as load:
        without, _memory = _connect(bench, running, load)
    return Connecting(memory, fresh, known, without)


def _ours(bench: Bench, row: Row, shape: Shape) -> None:
    if bench.quick:
        bench.ours.stack.remake("gateway", {})  # The rows before have shown it these tokens.
    running = bench.ours.among(shape)
    with bench.apart(running):
        found = measure_ours(bench, running)
    _memory_figure(row).add(OURS, found.memory)
    for name, value in ((FRESH, found.fresh), (KNOWN, found.known), (BARE, found.bare)):
        _figure(row, name).add(OURS, value)


def _peer(bench: Bench, row: Row, contender: Contender, running: Running) -> None:
    with bench.apart(running):
        _warm(bench, running, running.lines)
        with bench.load(running, connect=False) as load:
            handshakes, memory = _connect(bench, running, load)
    for name in (BARE, FRESH, KNOWN):
        # A peer knows no tokens: all of ours stand against its bare handshake.
        _figure(row, name).add(contender.name, handshakes)
    _memory_figure(row).add(contender.name, memory)


def _warm(bench: Bench, running: Running, lines: list[Line]) -> None:
    """The first connections load code and grow tables: they are not what is measured."""
    with bench.load(running, lines[: len(lines) // _WARM_SHARE]):
        pass
    _settle(bench)


def _settle(bench: Bench) -> None:
    time.sleep(bench.pick(_SETTLE_SECONDS, 0.5))


def _connect(bench: Bench, running: Running, load: Loadgen) -> tuple[float, float]:
    """Handshakes per CPU-second, and KiB per connection."""
    _until_idle(running)
    memory, cpu = processes.resident_bytes(running.pid), running.cpu_seconds()
    load.connect(AT_ONCE, _CONNECT_SECONDS)
    used = running.cpu_seconds() - cpu
    _settle(bench)
    grown = processes.resident_bytes(running.pid) - memory
    return load.count / max(used, 0.01), grown / load.count / 1024


def _until_idle(running: Running) -> None:
    """Closing the connections before costs something too: wait until that is over."""
    deadline = time.monotonic() + _IDLE_SECONDS
    before = running.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        now = running.cpu_seconds()
        if now - before < _LOOK_SECONDS * _IDLE_SHARE:
            return
        before = now


def _figure(row: Row, name: str) -> Figure:
    bars = {
        BARE: Bar("F7", 1.0, "ws, pre-framed"),
        FRESH: Bar("F7", 1.5, "Socket.IO"),
        KNOWN: Bar("F7", 1.0, "Socket.IO"),
    }
    return row.figure(name, "per CPU-second of the server", bars[name])


def _memory_figure(row: Row) -> Figure:
    return row.figure("memory of an idle connection", "KiB", Bar("F6", 4.0, at_most=True))
