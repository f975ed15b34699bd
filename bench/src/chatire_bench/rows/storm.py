"""`storm` (F11): all clients dropped at once come back, each with its cursor, while people go on posting."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self

import requests

from chatire_bench.bench import Bench
from chatire_bench.contender import Running, Shape
from chatire_bench.figures import OURS, Bar, Row
from chatire_bench.loadgen import Line, Loadgen
from chatire_bench.ours import Chatire
from chatire_bench.rows import rooms
from chatire_bench.stack import Processes

SHAPE, QUICK_SHAPE = Shape(1000, 10), rooms.QUICK_SHAPE
GATEWAYS = 2
POSTS_A_SECOND = 20
_MOST_PAIRS = 3
_ALL_BACK_SECONDS = 180.0
_CALM_SECONDS = 2.0
_DELIVERED_SECONDS = 60.0
_TIMEOUT_SECONDS = 30


def run(bench: Bench) -> Row:
    """Two gateways with their limits on: who comes too soon is sent away with 503, and comes again when told to."""
    if bench.quick:
        return _quick(bench)
    row = _row(SHAPE, f"{GATEWAYS} gateways")
    ours = bench.ours.variant(counts=Processes(gateways=GATEWAYS, limits="on"))
    for pair in range(min(bench.pairs, _MOST_PAIRS)):
        bench.tell(f"storm {pair + 1}")
        with ours.running(SHAPE) as running, bench.together(running):
            _storm(bench, row, ours, running, SHAPE)
    return row


def _quick(bench: Bench) -> Row:
    """The gateway of the stack that stands there, started anew with its limits on."""
    row, ours = _row(QUICK_SHAPE, "one gateway"), bench.ours
    with ours.running(QUICK_SHAPE):
        ours.stack.remake("gateway", {"CHATIRE_LIMITS": "on"})
        running = ours.among(QUICK_SHAPE)
        with bench.together(running):
            _storm(bench, row, ours, running, QUICK_SHAPE)
    return row


def _row(shape: Shape, gateways: str) -> Row:
    return Row("storm", f"Storm: {shape.connections:,} clients dropped at once, {gateways}, limits on")


def _storm(bench: Bench, row: Row, ours: Chatire, running: Running, shape: Shape) -> None:
    posting = Posting(ours.stack.ports("messages")[0], running.lines[:: shape.members])
    with bench.load(running, connect=False) as load, posting:
        load.connect(at_once=200, seconds=_ALL_BACK_SECONDS)
        posting.start()
        time.sleep(bench.seconds(_CALM_SECONDS))
        load.tell("drop")
        before, began = _gateways(running), time.monotonic()
        answer = load.ask(f"resume {shape.connections}", _ALL_BACK_SECONDS)
        back, used = time.monotonic() - began, _gateways(running) - before
        time.sleep(bench.seconds(_CALM_SECONDS))
        posting.stop()
        complete = load.until(posting.posted * shape.members, _DELIVERED_SECONDS)
        _judge(row, load, posting, shape, answer, complete=complete)
    row.figure("until all were back", "s", Bar("F11", 60.0, at_most=True)).add(OURS, back)
    row.figure("gateways meanwhile", "cores used", Bar("F11", 2.0, at_most=True)).add(OURS, used / back)
    row.figure("sent away with 503", "handshakes").add(OURS, answer["later"])
    row.figure("posted meanwhile", "messages").add(OURS, posting.posted)


def _gateways(running: Running) -> float:
    return sum(used for part, used in running.all_cpu_seconds().items() if part.startswith("gateway"))


def _judge(
    row: Row, load: Loadgen, posting: Posting, shape: Shape, answer: dict[str, float], *, complete: bool
) -> None:
    report = load.report()
    trouble = {key: report[key] for key in ("jumps", "backwards", "malformed") if report[key]}
    if not complete:
        trouble["missing"] = posting.posted * shape.members - report["deliveries"]
    if answer["ready"] < shape.connections:
        trouble["not back"] = shape.connections - int(answer["ready"])
    if posting.refused:
        trouble["refused posts"] = posting.refused
    if trouble:
        row.wrong.append(f"storm: {trouble} of {report['deliveries']} deliveries")


@dataclass
class Posting:
    """People who post at a steady pace over HTTP, one of each room in turn."""

    port: int
    posters: list[Line]
    posted: int = 0
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, in a thread."""
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        """End, after the post that is under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for number, poster in enumerate(cycle(self.posters)):
                if self._stop.wait(1 / POSTS_A_SECOND):
                    return
                self._post(session, poster, number)

    def _post(self, session: requests.Session, poster: Line, number: int) -> None:
        answer = session.post(
            f"http://127.0.0.1:{self.port}/api/conversations/{poster.conversation}/messages/",
            headers={"Authorization": f"Bearer {poster.token}"},
            json={"client_id": f"{time.time_ns():016x}"[:8] + f"-0000-4000-8000-{number:012x}", "body": "Still here?"},
            timeout=_TIMEOUT_SECONDS,
        )
        if answer.ok:
            self.posted += 1
        else:
            self.refused += 1
