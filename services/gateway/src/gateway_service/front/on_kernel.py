"""Sockets of our own, in one `Poll`: what they send goes straight to the kernel. Bare TCP on Linux."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from enum import IntEnum

from gateway_service.front.connection import Address, SlimSocket
from gateway_service.front.lobby import Lobby
from gateway_service.front.poll import Poll
from gateway_service.front.reception import Reception

READ_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)
"""`SO_LINGER` of no seconds: closing drops what is unsent."""

HandOver = Callable[[socket.socket, bytes], None]
"""Leaves a connection, and what was read from it, to the server's own HTTP."""


def _receive(connection: socket.socket) -> bytes | None:
    """What has come; empty when nothing can come any more, None when nothing has come yet."""
    try:
        return connection.recv(READ_BYTES)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


class KernelReception(Reception):
    """A connection that was just accepted."""

    __slots__ = ("_connection", "_hand", "_poll")

    def __init__(self, lobby: Lobby, poll: Poll, connection: socket.socket, hand: HandOver) -> None:
        super().__init__(lobby)
        self._poll = poll
        self._connection = connection
        self._hand = hand
        self._poll.watch(connection.fileno(), self)
        self.arrived()

    def on_readable(self) -> None:
        """See `Polled`."""
        data = _receive(self._connection)
        if data:
            self.received(data)
        elif data is not None:
            self._close()

    def on_writable(self) -> None:
        """Nothing waits to be written here."""

    def abort(self) -> None:
        """See `Reception`."""
        _reset(self._connection)
        self._close()

    def _make_socket(self) -> SlimSocket:
        opened = KernelSocket(self._lobby, self._poll, self._connection)
        self._poll.pass_on(self._connection.fileno(), opened)
        return opened

    def _hand_over(self, data: bytes) -> None:
        self._poll.forget(self._connection.fileno())
        self._hand(self._connection, data)

    def _answer(self, answer: bytes) -> None:
        try:
            self._connection.send(answer)  # The first bytes on a new connection: there is room for them.
        except OSError:
            _reset(self._connection)
        self._close()

    def _close(self) -> None:
        self._poll.forget(self._connection.fileno())
        self._connection.close()
        self.lost()


class _End(IntEnum):
    """What follows when all is sent."""

    NONE = 0
    OURS = 1
    """Our direction is closed."""
    BOTH = 2
    """The connection is."""


class KernelSocket(SlimSocket):
    """A WebSocket on a socket of our own; what the kernel has no room for waits here."""

    __slots__ = ("_end", "_is_reading", "_poll", "_unsent")

    transport: socket.socket | None

    def __init__(self, lobby: Lobby, poll: Poll, connection: socket.socket) -> None:
        super().__init__(lobby, connection)
        self._poll = poll
        self._unsent: bytearray | None = None
        self._is_reading = True
        self._end = _End.NONE

    def addresses(self) -> tuple[Address, Address]:
        """See `SlimSocket`."""
        assert self.transport is not None  # noqa: S101 (it is asked for while the handshake is read)
        try:
            return self.transport.getpeername()[:2], self.transport.getsockname()[:2]
        except OSError:  # They are gone already.
            return None, None

    def on_readable(self) -> None:
        """See `Polled`."""
        assert self.transport is not None  # noqa: S101 (it is in the poll)
        data = _receive(self.transport)
        if data:
            self.received(data)
        elif data is not None:
            self._let_go()

    def on_writable(self) -> None:
        """See `Polled`."""
        unsent, self._unsent = self._unsent or b"", None
        self._send(unsent)
        if self._unsent is None and self.transport is not None:
            self._want()
            self._is_spilt = False
            if self._is_full:
                self._drained()
            self._finish()

    def abort(self) -> None:
        """See `Outlet`."""
        if self.transport is not None:
            _reset(self.transport)
            self._let_go()

    def _write(self, data: bytes) -> None:
        if self._unsent is None:
            self._send(data)
            if self._unsent is not None:
                self._is_spilt = True
                self._want()
        else:
            self._unsent += data

    def _send(self, data: bytes | bytearray) -> None:
        """Give the kernel what it takes; keep the rest."""
        assert self.transport is not None  # noqa: S101 (callers have looked)
        try:
            sent = self.transport.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.abort()
            return
        if sent < len(data):
            self._unsent = data if isinstance(data, bytearray) else bytearray(memoryview(data)[sent:])
            if self._unsent is data:
                del self._unsent[:sent]

    def _unsent_bytes(self) -> int:
        return len(self._unsent or b"")

    def _read(self, *, go_on: bool) -> None:
        self._is_reading = go_on
        self._want()

    def _want(self) -> None:
        if self.transport is not None:
            self._poll.want(self.transport.fileno(), reading=self._is_reading, writing=self._unsent is not None)

    def _end_connection(self, *, wait_for_theirs: bool = False) -> None:
        self.flush()
        self._end = _End.OURS if wait_for_theirs else _End.BOTH
        if self._unsent is None:
            self._finish()

    def _finish(self) -> None:
        """Close what is to be closed now that all is sent."""
        if self.transport is None or self._end is _End.NONE:
            return
        if self._end is _End.BOTH:
            self._let_go()
            return
        self._end = _End.NONE
        try:
            self.transport.shutdown(socket.SHUT_WR)
        except OSError:
            self._let_go()

    def _let_go(self) -> None:
        """The connection is over; those above are told in a turn of its own, since any of them may be at work just now."""
        connection, self.transport, self._unsent = self.transport, None, None
        if connection is not None:
            self._poll.forget(connection.fileno())
            connection.close()
            self._lobby.call_soon(self.lost)
