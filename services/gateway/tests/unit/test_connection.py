from __future__ import annotations

from collections.abc import Callable

from chatire_shared.contracts import close_codes
from gateway_service.realtime.connection import MAX_QUEUED_BYTES, MAX_QUEUED_FRAMES, Connection
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.session import Phase, Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES


class Pipe:
    """A transport whose other end takes only what the test lets through."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.stuck = 0
        self.codes: list[int] = []

    def send_frame(self, frame: Frame) -> None:
        self.sent.append(frame.payload)
        self.stuck += len(frame.payload) if self.stuck else 0

    def buffered_bytes(self) -> int:
        return self.stuck

    def close(self, code: int, reason: str) -> None:
        self.codes.append(code)

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def on_drained(self, callback: Callable[[], None]) -> None: ...


def _connection(pipe: Pipe) -> Connection:
    return Connection("id", "127.0.0.1", Session(0.0), pipe, lambda connection, code: None)


def _frame(text: str = "x", *, droppable: bool = False) -> Frame:
    return Frame(text.encode(), droppable=droppable)


def test_frames_go_straight_out_while_the_way_is_free() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    for text in "abc":
        connection.send(_frame(text), 0.0)
    assert pipe.sent == [b"a", b"b", b"c"]
    assert not connection.is_behind


def test_what_waits_goes_out_in_order_once_there_is_room() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    for text in "abc":
        connection.send(_frame(text), 0.0)
    assert pipe.sent == []
    pipe.stuck = 0
    connection.send(_frame("d"), 0.0)  # never past those that wait
    connection.drained(1.0)
    assert pipe.sent == [b"a", b"b", b"c", b"d"]


def test_a_socket_that_is_behind_goes_without_typing() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    connection.send(_frame("typing", droppable=True), 0.0)
    assert not connection.is_behind


def test_too_many_frames_behind_cut_a_socket_off() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    for _ in range(MAX_QUEUED_FRAMES):
        connection.send(_frame(), 0.0)
    assert connection.is_open
    connection.send(_frame(), 0.0)
    assert pipe.codes == [close_codes.TOO_SLOW]
    assert connection.session.phase is Phase.CLOSED


def test_too_many_bytes_behind_cut_a_socket_off() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    big = Frame(b"x" * (MAX_QUEUED_BYTES // 4))
    for _ in range(5):
        connection.send(big, 0.0)
    assert pipe.codes == [close_codes.TOO_SLOW]


def test_who_takes_nothing_for_fifteen_seconds_is_stalled() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    assert not connection.is_stalled(100.0)
    assert not connection.is_stalled(114.9)
    assert connection.is_stalled(115.0)
    pipe.stuck = 0
    connection.drained(115.0)
    assert not connection.is_stalled(200.0)


def test_a_closed_socket_takes_nothing_and_is_closed_once() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    connection.close(close_codes.RESTARTING, "bye")
    connection.close(close_codes.TOO_SLOW, "again")
    connection.send(_frame(), 0.0)
    assert (pipe.codes, pipe.sent) == ([close_codes.RESTARTING], [])
    assert connection.replay_room() == 0
