"""`gateways`: one gateway process or two; two on ports of their own, or on one port among which the kernel chooses."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

from chatire_bench.bench import Bench
from chatire_bench.contender import Running, Shape
from chatire_bench.delivering import judge_deliveries, reach_everybody
from chatire_bench.errors import BenchError
from chatire_bench.figures import OURS, Row
from chatire_bench.loadgen import Line
from chatire_bench.ours import Chatire
from chatire_bench.places import ONE_PORT
from chatire_bench.processes import cpu_seconds
from chatire_bench.publish_loops import Published, saturate
from chatire_bench.rows import fanout, rooms
from chatire_bench.stack import Processes
from chatire_local.ports import free_ports

PORTS, PORT, CADDY, SINGLE = "2, a port each", "2 on one port", "2 behind Caddy", "1"
_READY_SECONDS = 30.0
_DRAIN_SECONDS = 20.0
_WARM_SECONDS = 1.0

Gateways = tuple[list[int], Sequence[int]]
"""The ports to connect to, and the processes."""
Way = tuple[str, Callable[[], AbstractContextManager[Gateways]]]


def run(bench: Bench) -> Row:
    """Nothing is pinned: both gateways, the load generator and the servers share all cores."""
    row = Row("gateways", "Gateways: one or two, and how connections get to them")
    row.note(
        f"Nothing is pinned; {os.cpu_count()} cores for everything: CPU of a delivery says more than deliveries a second."
    )
    row.note("Spread: sockets of the gateway that has the most, divided by those of the one that has the fewest.")
    many = bench.pick_shape(rooms.SHAPE, rooms.QUICK_SHAPE)
    shapes = [(many, rooms.MESSAGES_PER_ROOM * many.rooms)]
    if not bench.quick:
        shapes.append((fanout.SHAPE, fanout.WINDOW))
    for pair in range(bench.pairs):
        for count in (1, 2) if pair % 2 == 0 else (2, 1):
            ours = bench.ours.variant(counts=Processes(gateways=count))
            with ours.running(shapes[0][0]):
                for shape, window in shapes:
                    for name, started in _ways(ours, count):
                        bench.tell(f"pair {pair + 1} of {bench.pairs}: {name}, {_title(shape)}")
                        with bench.attempt(row, ours), started() as gateways:
                            _measure(bench, row, name, ours.among(shape), gateways, shape, window)
    return row


def _title(shape: Shape) -> str:
    return f"one room of {shape.members}" if shape.rooms == 1 else f"{shape.rooms} rooms of {shape.members}"


def _ways(ours: Chatire, count: int) -> list[Way]:
    """Names, and what starts gateways and says the ports to connect to and the processes."""
    if count == 1:
        return [(SINGLE, lambda: _of_the_stack(ours, ours.stack.ports("gateway")))]
    return [
        (PORTS, lambda: _of_the_stack(ours, ours.stack.ports("gateway"))),
        (CADDY, lambda: _of_the_stack(ours, [ours.stack.port])),
        (PORT, lambda: _on_one_port(ours)),
    ]


@contextmanager
def _of_the_stack(ours: Chatire, ports: list[int]) -> Iterator[Gateways]:
    """Started anew: they have heard of nothing yet."""
    ours.stack.remake("gateway", {})
    yield ports, [pid for name, pid in ours.stack.pids.items() if name.startswith("gateway")]


@contextmanager
def _on_one_port(ours: Chatire) -> Iterator[Gateways]:
    """Two more of the same, which are told to share; those of the stack have nothing to do meanwhile."""
    (port,) = free_ports(1)
    like = Path(f"/proc/{next(pid for name, pid in ours.stack.pids.items() if name.startswith('gateway'))}")
    environment = dict(word.split("=", 1) for word in (like / "environ").read_text().split("\0") if "=" in word)
    command = (like / "cmdline").read_text().rstrip("\0").split("\0")
    command[command.index("--port") + 1] = str(port)
    with (ours.stack.data / "one-port.log").open("wb") as log:
        started = [
            subprocess.Popen(command, env=environment | {"PYTHONPATH": os.fspath(ONE_PORT)}, stderr=log)
            for _number in range(2)
        ]
    try:
        deadline = time.monotonic() + _READY_SECONDS
        while any(_listening(process.pid) < 1 for process in started):
            if time.monotonic() > deadline or any(process.poll() is not None for process in started):
                raise BenchError(
                    f"no two gateways on one port: {(ours.stack.data / 'one-port.log').read_text()[-1000:]}"
                )
            time.sleep(0.1)
        _wait_until_ready(port)
        yield [port], [process.pid for process in started]
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
        for process in started:
            process.wait(30)


def _listening(pid: int) -> int:
    """How many listening TCP sockets a process has."""
    return sum(state == "0A" for state in _tcp_states(pid))


def _connected(pid: int) -> int:
    """How many TCP connections a process has; those to its neighbours, a handful, with them."""
    return sum(state == "01" for state in _tcp_states(pid))


def _tcp_states(pid: int) -> list[str]:
    table = (line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:])
    states = {words[9]: words[3] for words in table}
    found = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inode = re.fullmatch(r"socket:\[(\d+)\]", os.fspath(entry.readlink()))
        except OSError:
            continue
        if inode and inode[1] in states:
            found.append(states[inode[1]])
    return found


def _wait_until_ready(port: int) -> None:
    """Whichever of them answers; both were started at the same time."""
    in_a_row, deadline = 0, time.monotonic() + _READY_SECONDS
    while in_a_row < 10:
        if time.monotonic() > deadline:
            raise BenchError("two gateways on one port do not become ready")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                in_a_row += 1
        except OSError:
            in_a_row = 0
            time.sleep(0.1)


def _lines(running: Running, ports: list[int]) -> list[Line]:
    return [replace(line, port=ports[number % len(ports)]) for number, line in enumerate(running.lines)]


def _measure(
    bench: Bench,
    row: Row,
    name: str,
    running: Running,
    gateways: Gateways,
    shape: Shape,
    window: int,
) -> None:
    ports, pids = gateways
    if running.publisher is None:
        raise BenchError("this contender has no way in from outside")
    with bench.load(running, _lines(running, ports)) as load, closing(running.publisher()) as publisher:
        published = Published(publisher, shape.rooms, shape.members)
        reach_everybody(published, load, shape)
        saturate(published, load, window, bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
        load.tell("reset")
        deliveries, cpu, began = load.progress().deliveries, _cpu(pids), time.monotonic()
        saturate(published, load, window, bench.seconds(4.0))
        deliveries = load.progress().deliveries - deliveries
        used, took = _cpu(pids) - cpu, time.monotonic() - began
        sockets = [_connected(pid) for pid in pids]
        load.until(published.expected, _DRAIN_SECONDS)
        missing = published.expected - load.progress().deliveries
        judge_deliveries(row, name, load.report(), missing, ours=True)
    label = OURS if name == SINGLE else name
    row.figure(f"deliveries, {_title(shape)}", "per CPU-second of all gateways").add(
        label, deliveries / max(used, 0.01)
    )
    row.figure(f"deliveries a second, {_title(shape)}", "per second").add(label, deliveries / took)
    if len(pids) > 1:
        row.figure(f"spread, {_title(shape)}", "most / fewest").add(label, max(sockets) / max(min(sockets), 1))


def _cpu(pids: Sequence[int]) -> float:
    return sum(cpu_seconds(pid) for pid in pids)
