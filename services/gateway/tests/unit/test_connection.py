from __future__ import annotations

from pipe import Pipe

from chatire_shared.contracts import close_codes
from gateway_service.realtime.connection import (
    MAX_POSTPONED,
    MAX_POSTPONED_BYTES,
    MAX_QUEUED_BYTES,
    MAX_QUEUED_FRAMES,
    Connection,
)
from gateway_service.realtime.frames import Frame, Run
from gateway_service.realtime.session import Phase, Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES


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


def test_what_is_postponed_leaves_with_the_next_flush_in_order() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    connection.postpone(_frame("a"), 0.0)
    connection.postpone(_frame("b"), 0.0)
    assert pipe.sent == []
    connection.flush(0.0)
    connection.flush(0.0)
    assert pipe.sent == [b"a", b"b"]
    assert not connection.is_stalled(100.0)


def test_a_frame_that_is_sent_takes_the_postponed_ones_along() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    connection.postpone(_frame("a"), 0.0)
    connection.send(_frame("typing", droppable=True), 0.0)
    assert pipe.sent == [b"a", b"typing"]


def test_what_is_postponed_is_not_lost_to_a_close() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    connection.postpone(_frame("a"), 0.0)
    connection.close(close_codes.RESTARTING, "bye")
    assert (pipe.sent, pipe.codes) == ([b"a"], [close_codes.RESTARTING])


def test_too_much_is_not_postponed() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    for _ in range(MAX_POSTPONED + 1):
        connection.postpone(_frame(), 0.0)
    assert len(pipe.sent) == MAX_POSTPONED + 1


def test_postponing_does_not_get_around_the_bounds() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    for _ in range(MAX_QUEUED_FRAMES + 1):
        connection.postpone(_frame(), 0.0)
    assert pipe.codes == [close_codes.TOO_SLOW]


def test_a_run_leaves_as_one_piece_and_waits_as_frames() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    connection.postpone(Run([_frame("a"), _frame("b")]), 0.0)
    connection.send(Run([_frame("c"), _frame("d")]), 0.0)
    assert pipe.sent == [b"a", b"b", b"c", b"d"]
    connection.postpone(Run([_frame("e"), _frame("f")]), 0.0)
    pipe.stuck = HIGH_WATER_BYTES + 1
    connection.flush(0.0)
    connection.send(Run([_frame("g")] * (MAX_QUEUED_FRAMES - 2)), 0.0)
    assert (len(pipe.sent), pipe.codes) == (4, [])
    connection.send(_frame("one too many"), 0.0)
    assert pipe.codes == [close_codes.TOO_SLOW]


def test_what_waited_as_frames_leaves_in_order() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    connection.send(Run([_frame("a"), _frame("b")]), 0.0)
    connection.send(_frame("c"), 0.0)
    pipe.stuck = 0
    connection.drained(0.0)
    assert pipe.sent == [b"a", b"b", b"c"]


def test_many_bytes_are_not_postponed() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    connection.postpone(_frame("x" * MAX_POSTPONED_BYTES), 0.0)
    assert pipe.sent == []
    connection.postpone(_frame(), 0.0)
    assert len(pipe.sent) == 2


def test_a_flush_does_not_make_a_stalled_reader_look_alive() -> None:
    pipe = Pipe()
    connection = _connection(pipe)
    pipe.stuck = HIGH_WATER_BYTES + 1
    for second in range(15):
        connection.postpone(_frame(), 100.0 + second)
        connection.flush(100.0 + second)
        assert not connection.is_stalled(100.0 + second)
    assert connection.is_stalled(115.0)
