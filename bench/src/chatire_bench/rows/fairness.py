"""`fairness`: what people in a small room notice of a large one in the same gateway that takes all it can."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import Self

from chatire_bench.bench import Bench
from chatire_bench.contender import Running, Shape
from chatire_bench.delivering import judge_deliveries, reach_everybody
from chatire_bench.errors import BenchError
from chatire_bench.figures import OURS, Bar, Row
from chatire_bench.loadgen import Loadgen
from chatire_bench.publish_loops import Published, now_us, saturate
from chatire_bench.rows.fanout import WINDOW

LARGE, QUICK_LARGE = Shape(1, 500), Shape(1, 100)
SMALL = Shape(1, 10)
RATE = 20.0
ALONE = "the small room alone"
_SWITCH_SECONDS = 0.0005
"""Of the runner's two threads that publish: the steady one must not wait for the busy one."""
_WARM_SECONDS = 1.0
_DRAIN_SECONDS = 20.0


def run(bench: Bench) -> Row:
    """Ours: the small room alone, then beside the large one."""
    large = QUICK_LARGE if bench.quick else LARGE
    row = Row("fairness", f"Fairness: a room of {SMALL.members} beside a saturated one of {large.members}")
    row.note(f"{RATE:.0f} messages a second in the small room, {WINDOW} on their way in the large one, one gateway.")
    row.note(f"From when a message was published until the load generator read it; {bench.cores.text()}.")
    ours = bench.ours
    with ours.running(SMALL), _fair_runner():
        for pair in range(bench.pairs):
            bench.tell(f"pair {pair + 1} of {bench.pairs}: {OURS}")
            with bench.attempt(row, ours):
                # What was published is in no database: a gateway that has heard it would take it for repeated the next time.
                ours.stack.remake("gateway", {})
                _compare(bench, row, ours.among(SMALL), ours.among(large), large)
    return row


def _compare(bench: Bench, row: Row, small: Running, large: Running, shape: Shape) -> None:
    seconds = bench.seconds(6.0)
    with bench.apart(small), ExitStack() as stack:
        room = stack.enter_context(Room.opened(bench, small, SMALL))
        room.hear_steadily(bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
        _note(row, ALONE, room.hear_steadily(seconds))
        crowd = stack.enter_context(Room.opened(bench, large, shape))
        saturating = Saturating(crowd)
        with saturating:
            time.sleep(bench.pick(_WARM_SECONDS, _WARM_SECONDS / 2))
            before, cpu, began = crowd.load.progress().deliveries, small.cpu_seconds(), time.monotonic()
            _note(row, OURS, room.hear_steadily(seconds))
            took = time.monotonic() - began
            row.figure("deliveries a second in the large room", "per second").add(
                OURS, (crowd.load.progress().deliveries - before) / took
            )
            row.figure("server", "cores used").add(OURS, (small.cpu_seconds() - cpu) / took)
        for name, each in (("the small room", room), ("the large room", crowd)):
            each.judge(row, name)


def _note(row: Row, name: str, delivery: dict[str, float]) -> None:
    late = row.figure("delivery p99 in the small room", "ms", Bar("fairness", 100.0, at_most=True))
    late.add(name, delivery["p99_us"] / 1000)
    row.figure("delivery p50 in the small room", "ms").add(name, delivery["p50_us"] / 1000)


@dataclass
class Room:
    """One room: its load generator and its publisher."""

    load: Loadgen
    published: Published

    @classmethod
    @contextmanager
    def opened(cls, bench: Bench, running: Running, shape: Shape) -> Iterator[Self]:
        """With everybody in it, and reached."""
        if running.publisher is None:
            raise BenchError("this contender has no way in from outside")
        with bench.load(running) as load, closing(running.publisher()) as publisher:
            published = Published(publisher, shape.rooms, shape.members)
            reach_everybody(published, load, shape)
            yield cls(load, published)

    def hear_steadily(self, seconds: float) -> dict[str, float]:
        """The latencies of so many seconds at the steady rate."""
        self.load.tell("reset")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            # From when it is published: nothing of ours holds up a publisher, and here it shares its core with the busy one.
            self.published.publish([now_us()])
            time.sleep(1 / RATE)
        self.load.until(self.published.expected, _DRAIN_SECONDS)
        return dict(self.load.report()["delivery"])

    def judge(self, row: Row, name: str) -> None:
        """Whether everything came, once and in order, since the latest `reset`."""
        self.load.until(self.published.expected, _DRAIN_SECONDS)
        missing = self.published.expected - self.load.progress().deliveries
        judge_deliveries(row, name, self.load.report(), missing, ours=True)


class Saturating:
    """Keeps a room busy, in a thread, until the block ends."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._stop = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise BenchError(f"the large room could not be kept busy: {self._failure}") from self._failure

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                saturate(self._room.published, self._room.load, WINDOW, 0.25)
        except Exception as error:  # noqa: BLE001 (it is raised again where somebody sees it)
            self._failure = error


@contextmanager
def _fair_runner() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
