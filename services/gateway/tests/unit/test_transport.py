"""What has been read and not taken is bounded: for each socket, and for all together."""

from __future__ import annotations

from gateway_service.realtime.transport import (
    MAX_UNREAD_BYTES,
    MAX_UNREAD_FRAMES,
    MAX_UNREAD_OF_ALL_BYTES,
    DaphneTransport,
    Unread,
)


class Line:
    """Twisted's transport as far as reading goes; and the protocol that has it."""

    connected, disconnecting = True, False

    def __init__(self) -> None:
        self.transport = self
        self.is_read = True

    def pauseProducing(self) -> None:  # noqa: N802 (Twisted's name)
        self.is_read = False

    def resumeProducing(self) -> None:  # noqa: N802
        self.is_read = True


def _socket(unread: Unread) -> tuple[Line, DaphneTransport]:
    line = Line()
    return line, DaphneTransport(line, unread)


def test_too_many_frames_or_bytes_that_nobody_takes_end_the_reading_until_some_are_taken() -> None:
    for size, count in ((10, MAX_UNREAD_FRAMES), (MAX_UNREAD_BYTES // 4, 4)):
        line, socket = _socket(Unread())
        for _ in range(count):
            assert line.is_read
            socket.arrived(size)
        assert not line.is_read
        socket.taken(size)
        assert line.is_read


def test_over_the_bound_of_all_each_socket_is_read_for_one_frame_at_a_time() -> None:
    unread = Unread()
    sockets = [_socket(unread) for _ in range(MAX_UNREAD_OF_ALL_BYTES // 100_000 + 1)]
    for _, socket in sockets:
        socket.arrived(100_000)
    assert unread.is_much
    line, socket = _socket(unread)
    assert line.is_read
    socket.arrived(10)
    assert not line.is_read
    socket.taken(10)
    assert line.is_read


def test_a_socket_that_was_held_up_by_the_others_is_read_again_once_its_own_is_taken() -> None:
    unread = Unread()
    line, socket = _socket(unread)
    big = _socket(unread)[1]
    big.arrived(MAX_UNREAD_OF_ALL_BYTES)
    socket.arrived(10)
    socket.arrived(10)
    assert not line.is_read
    big.taken(MAX_UNREAD_OF_ALL_BYTES)
    socket.taken(10)
    assert line.is_read


def test_a_pause_holds_whatever_is_taken() -> None:
    line, socket = _socket(Unread())
    socket.pause()
    socket.arrived(10)
    socket.taken(10)
    assert not line.is_read
    socket.resume()
    assert line.is_read


def test_what_a_lost_socket_leaves_unread_counts_no_more() -> None:
    unread = Unread()
    _, socket = _socket(unread)
    socket.arrived(1_000)
    socket.forgotten()
    assert unread.bytes == 0
