from __future__ import annotations

import pytest
from pipe import Pipe

from chatire_shared.contracts import close_codes
from gateway_service.realtime import backlog as backlog_module
from gateway_service.realtime.backlog import Backlog
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.session import Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES


class Crowd:
    """Some sockets of one process."""

    def __init__(self, count: int) -> None:
        self.backlog = Backlog()
        self.backlog.on_excess = lambda: self.backlog.relieve(self.connections)
        self.pipes = [Pipe() for _ in range(count)]
        self.connections = [
            Connection(str(number), "", Session(0.0), pipe, lambda connection, code: None, self.backlog)
            for number, pipe in enumerate(self.pipes)
        ]

    def open(self) -> list[int]:
        return [number for number, connection in enumerate(self.connections) if connection.is_open]

    def held(self) -> int:
        return sum(connection._queued_bytes for connection in self.connections) + sum(pipe.stuck for pipe in self.pipes)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that may hold little: 10 full ways out."""
    monkeypatch.setattr(backlog_module, "MAX_BYTES", 10 * (HIGH_WATER_BYTES + 1))
    monkeypatch.setattr(backlog_module, "ENOUGH_BYTES", 9 * (HIGH_WATER_BYTES + 1))


def _frame(size: int) -> Frame:
    return Frame(b"x" * size)


def test_what_readers_take_at_once_is_never_too_much(small: None) -> None:
    crowd = Crowd(3)
    for _ in range(2_000):
        for connection in crowd.connections:
            connection.send(_frame(1_000), 0.0)
    assert crowd.open() == [0, 1, 2]
    crowd.backlog.relieve(crowd.connections)
    assert crowd.backlog.counted == 0


def test_over_the_bound_the_one_who_holds_the_most_goes_first(small: None) -> None:
    crowd = Crowd(8)
    for pipe in crowd.pipes:
        pipe.stuck = HIGH_WATER_BYTES + 1
    for number, connection in enumerate(crowd.connections):
        connection.send(_frame(1_000 * (number + 1)), 0.0)
    while len(crowd.open()) == 8:
        crowd.connections[2].send(_frame(10_000), 0.0)
    assert crowd.open() == [0, 1, 3, 4, 5, 6, 7]
    assert crowd.pipes[2].codes == [close_codes.TOO_SLOW]
    assert crowd.connections[2].cut is not None
    assert crowd.connections[2].cut.value == "process"
    assert crowd.held() <= backlog_module.MAX_BYTES


def test_the_bound_holds_whatever_many_stalled_readers_are_sent(small: None) -> None:
    crowd = Crowd(40)
    most = 0
    for pipe in crowd.pipes:
        pipe.stuck = 1
    for _ in range(100):
        for connection in crowd.connections:
            connection.send(_frame(2_000), 0.0)
            most = max(most, crowd.held())
    assert most <= backlog_module.MAX_BYTES + 2_000
    assert any(pipe.is_aborted for pipe in crowd.pipes)


def test_who_is_gone_holds_nothing() -> None:
    crowd = Crowd(2)
    for pipe, connection in zip(crowd.pipes, crowd.connections, strict=True):
        pipe.stuck = HIGH_WATER_BYTES + 1
        connection.send(_frame(1_000), 0.0)
    assert crowd.backlog.counted == 2 * (HIGH_WATER_BYTES + 1 + 1_000)
    crowd.connections[0].close(close_codes.RESTARTING, "bye")
    assert crowd.backlog.counted == 2 * (HIGH_WATER_BYTES + 1) + 1_000
    for connection in crowd.connections:
        connection.lost()
    assert crowd.backlog.counted == 0
