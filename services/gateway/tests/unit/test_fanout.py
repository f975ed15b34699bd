"""Slices change when a frame leaves, never in which order, and never whether."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipe import Pipe

from chatire_shared.contracts import close_codes
from gateway_service.realtime import fanout as fanout_module
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.effects import Deliver, DeliverRun
from gateway_service.realtime.fanout import Fanout
from gateway_service.realtime.frames import Frame, Run
from gateway_service.realtime.metrics import Metrics
from gateway_service.realtime.session import Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES

SOCKETS = 7
EVERYBODY = tuple(str(number) for number in range(SOCKETS))
ODD = EVERYBODY[1::2]
AUDIENCES = (EVERYBODY, ODD, EVERYBODY[:1])

sockets = st.integers(0, SOCKETS - 1)
steps = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, len(AUDIENCES) - 1)),
    st.tuples(st.just("deliver"), st.just(0)),
    st.tuples(st.just("run"), st.integers(0, len(AUDIENCES) - 1)),
    st.tuples(st.just("type"), st.just(0)),
    st.tuples(st.just("send"), sockets),
    st.tuples(st.just("pump"), sockets),
    st.tuples(st.just("turn"), st.integers(1, 3)),
    st.tuples(st.just("fill"), sockets),
    st.tuples(st.just("drain"), sockets),
    st.tuples(st.just("say goodbye"), sockets),
    st.tuples(st.just("lose"), sockets),
)


class Street:
    """Sockets and the fan-out over them, and what each should have got."""

    def __init__(self) -> None:
        self.pipes = {name: Pipe() for name in EVERYBODY}
        self.connections = {
            name: Connection(name, "", Session(0.0), pipe, lambda connection, code: None)
            for name, pipe in self.pipes.items()
        }
        self.metrics = Metrics()
        self.fanout = Fanout(self.connections.get, self._pumped, self.metrics)
        self.owed: dict[str, list[bytes]] = {name: [] for name in EVERYBODY}
        self.left_full: set[str] = set()
        self.pumped: list[str] = []
        self._made = 0

    async def do(self, step: tuple[str, int]) -> None:
        kind, number = step
        name = str(number)
        if kind in {"deliver", "run"}:
            self._deliver(AUDIENCES[number], frames=1 if kind == "deliver" else 3)
        elif kind == "type":
            self.fanout.deliver(Deliver(EVERYBODY, Frame(b"typing", droppable=True)))
        elif kind == "send":
            self._send(name)
        elif kind == "pump":
            self.fanout.pump(name)
        elif kind == "turn":
            for _ in range(number):
                await asyncio.sleep(0)
        elif kind == "fill":
            self.pipes[name].stuck = HIGH_WATER_BYTES + 1
        elif kind == "drain":
            self._drain(name)
        elif kind == "say goodbye":
            self._say_goodbye(name)
        else:
            self._lose(name)

    def _make(self, *names: str) -> Frame:
        self._made += 1
        payload = str(self._made).encode()
        for name in names:
            if name in self.connections and self.connections[name].is_open:
                self.owed[name].append(payload)
        return Frame(payload)

    def _deliver(self, audience: tuple[str, ...], frames: int = 1) -> None:
        made = [self._make(*audience) for _ in range(frames)]
        if frames == 1:
            self.fanout.deliver(Deliver(audience, made[0], at_us=1))
        else:
            self.fanout.deliver_run(DeliverRun(audience, Run(made), (1,) * frames))

    def _send(self, name: str) -> None:
        if name in self.connections:
            self.connections[name].send(self._make(name), 0.0)

    def _pumped(self, name: str) -> None:
        self.pumped.append(name)
        self._send(name)

    def _say_goodbye(self, name: str) -> None:
        if name in self.connections and self.connections[name].is_open:
            self._send(name)
            if self.pipes[name].stuck > HIGH_WATER_BYTES:
                self.left_full.add(name)
            self.connections[name].close(close_codes.RESTARTING, "bye")

    def _lose(self, name: str) -> None:
        """As `Gateway.left` does."""
        lost = self.connections.pop(name, None)
        if lost is not None:
            lost.lost()
            self.fanout.forget()

    def _drain(self, name: str) -> None:
        self.pipes[name].stuck = 0
        if name in self.connections:
            self.connections[name].drained(0.0)

    async def settle(self) -> None:
        while self.fanout.is_busy:
            await asyncio.sleep(0)
        for name in EVERYBODY:
            self._drain(name)

    def events(self, name: str) -> list[bytes]:
        return [payload for payload in self.pipes[name].sent if payload != b"typing"]

    def assert_in_order(self) -> None:
        for name, owed in self.owed.items():
            assert self.events(name) == owed[: len(self.events(name))]

    def assert_complete(self) -> None:
        for name in self.connections.keys() - self.left_full:
            assert self.events(name) == self.owed[name]


@given(st.lists(steps, max_size=60), st.sampled_from([1, 2, 3, 100]))
def test_each_socket_gets_everything_once_and_in_the_order_in_which_it_was_said(
    plan: list[tuple[str, int]], slice_sockets: int
) -> None:
    async def play() -> None:
        street = Street()
        for step in plan:
            await street.do(step)
            street.assert_in_order()
        await street.settle()
        street.assert_in_order()
        street.assert_complete()

    _with_slices(slice_sockets, play)


def _with_slices(size: int, play: Callable[[], Awaitable[None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fanout_module, "SLICE_SOCKETS", size)
        asyncio.run(play())  # type: ignore[arg-type]


def test_another_conversation_does_not_wait_for_a_large_one() -> None:
    async def play() -> None:
        street = Street()
        await street.do(("deliver", 0))
        await street.do(("turn", 1))
        assert [street.events(name) for name in EVERYBODY] == [[b"1"], *[[]] * (SOCKETS - 1)]
        await street.do(("deliver", 2))
        assert street.events("0") == [b"1", b"2"]
        await street.do(("send", 5))
        assert street.events("5") == [b"1", b"3"]

    _with_slices(1, play)


def test_large_ones_take_turns() -> None:
    async def play() -> None:
        street = Street()
        street._deliver(EVERYBODY[:3])
        street._deliver(EVERYBODY[3:])
        for _ in range(4):
            await asyncio.sleep(0)
        assert [len(street.events(name)) for name in EVERYBODY] == [1, 1, 0, 1, 1, 0, 0]

    _with_slices(1, play)


def test_one_pass_takes_along_what_came_before_it_began() -> None:
    async def play() -> None:
        street = Street()
        for _ in range(3):
            await street.do(("deliver", 0))
        assert len(street.fanout._jobs) == 1
        await street.settle()
        street.assert_complete()
        assert street.metrics.commit_to_socket.count == 3

    _with_slices(2, play)


def test_a_socket_is_pumped_once_however_often_that_is_wanted() -> None:
    async def play() -> None:
        street = Street()
        for name in ("1", "2", "1"):
            street.fanout.pump(name)
        await street.settle()
        assert street.pumped == ["1", "2"]

    _with_slices(1, play)


def test_the_process_may_die_between_slices_and_in_the_middle_of_a_small_audience(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hits: list[str] = []
    monkeypatch.setattr(fanout_module, "hit", hits.append)

    async def play() -> None:
        street = Street()
        street._deliver(EVERYBODY)
        await street.settle()
        assert hits == ["gateway.in_fanout"] * 2  # Of 3, 3 and 1.
        street._deliver(EVERYBODY[:2])
        assert hits == ["gateway.in_fanout"] * 3

    _with_slices(3, play)
