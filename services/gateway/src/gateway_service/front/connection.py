"""One open WebSocket: frames in and out, and its end. One object with a few slots.

It knows nothing of who is at the other end or what the messages mean: a `Taker` takes them. What is below it is its
adapter's, which makes one object of both.
"""

from __future__ import annotations

from abc import abstractmethod
from enum import IntEnum
from typing import Any, Protocol

from chatire_shared.contracts import close_codes
from gateway_service.front import wire
from gateway_service.front.lobby import Lobby
from gateway_service.front.outlet import Outlet
from gateway_service.realtime.frames import Piece
from gateway_service.realtime.metrics import CONNECTION_LOST, Shed
from gateway_service.realtime.protocol import MAX_FRAME_BYTES
from gateway_service.realtime.transport import HIGH_WATER_BYTES

MAX_UNREAD_BYTES = 2 * MAX_FRAME_BYTES
"""Over this much of complete frames that nobody has taken, nothing more is read from a socket."""
LINGER_SECONDS = 0.05
"""From the close frame for broken frames to the end of our direction: a proxy that sees it while it has more for us (the rest
of a large frame) resets its client's connection, which loses the close frame (at once, 5 of 400 through Caddy)."""
Address = tuple[str, int] | None
"""Host and port; None for what has none, like a UNIX socket."""
_CODES = {wire.TOO_BIG: close_codes.FRAME_TOO_LARGE, wire.INVALID_TEXT: close_codes.MALFORMED}


class State(IntEnum):
    """How far a socket has come."""

    OPEN = 0
    CLOSING = 1
    """Our close frame is sent; only theirs is waited for."""
    OVER = 2
    """Nothing they send counts any more; what we have sent may still be on its way."""


class Taker(Protocol):
    """Takes the messages of one socket by `SlimSocket.take`."""

    def ready(self) -> None:
        """There may be something to take."""

    def gone(self, code: int, *, by_us: bool) -> None:
        """There is nobody at the other end any more; called once.

        Args:
            code: With which it ended.
            by_us: Whether it was closed here because of what they sent.
        """


class SlimSocket(Outlet):
    """The server's protocol and the gateway's `Transport` in one, so that an idle connection is one object and its buffers."""

    __slots__ = ("_is_choked", "_is_paused", "_needs_more", "_parser", "_state", "_taker", "_untaken_bytes")

    def __init__(self, lobby: Lobby, transport: Any) -> None:
        super().__init__(lobby, transport)
        self._parser = wire.Parser(MAX_FRAME_BYTES)
        self._state = State.OPEN
        self._taker: Taker | None = None
        self._is_choked = self._is_paused = self._needs_more = False
        self._untaken_bytes = 0

    # Reading

    def taken_by(self, taker: Taker) -> None:
        """Change who takes the messages; what waits is announced in the next turn."""
        self._taker = taker
        if self._state is State.OVER:
            self._say_gone(wire.NO_CODE)
        else:
            self._lobby.call_soon(self._announce)

    def received(self, data: bytes) -> None:
        """Bytes came."""
        if self._state is State.OVER:
            return
        self._parser.feed(data)
        self._needs_more = False
        if self._state is State.CLOSING:
            self._await_their_close()
        else:
            self._announce()
            self._count_untaken()

    def take(self) -> wire.Item | None:
        """The next thing that came, None when there is none; control frames are answered already."""
        return None if self._is_paused or self._state is not State.OPEN else self._next()

    def _next(self) -> wire.Item | None:
        try:
            item = self._parser.next()
        except wire.Broken as broken:
            self._fail(broken)
            return None
        self._needs_more = item is None
        if self._untaken_bytes:
            self._count_untaken()
        if item is None:
            return None
        if item[0] == wire.PING:
            self._pong(item[1])
        elif item[0] == wire.CLOSE:
            self._they_closed(*item[1])
        return item

    def _announce(self) -> None:
        if self._taker is not None and self._state is State.OPEN:
            self._taker.ready()

    def _count_untaken(self) -> None:
        """Count for the process what waits to be taken, and read more or not.

        What is only a part of a frame isn't counted: unless the rest of it is read, it can never be taken.
        """
        untaken = 0 if self._needs_more or self._state is not State.OPEN else self._parser.unread
        unread = self._lobby.unread
        unread.bytes += untaken - self._untaken_bytes
        self._untaken_bytes = untaken
        is_choked = untaken > MAX_UNREAD_BYTES or (untaken > 0 and unread.is_much)
        if is_choked is self._is_choked or self.transport is None:
            return
        self._is_choked = is_choked
        self._read(go_on=not is_choked)

    @abstractmethod
    def _read(self, *, go_on: bool) -> None:
        """Read on from the connection, or nothing more for now."""

    @abstractmethod
    def addresses(self) -> tuple[Address, Address]:
        """Theirs and ours, as ASGI has them."""

    # The gateway's way out (realtime.transport.Transport); `Outlet` has the rest of it

    def send_frame(self, piece: Piece) -> None:
        """Send a frame, or several, at the end of this turn."""
        if self._state is State.OPEN:
            self._put(piece.wire)

    def close(self, code: int, reason: str) -> None:
        """Close with a code, behind what was sent; who doesn't answer is cut off some seconds later."""
        if self._state is not State.OPEN:
            return
        self._put(wire.close_frame(code, reason))
        self._state = State.CLOSING
        self._lobby.closing.watch(self)
        self._count_untaken()
        self._await_their_close()

    def pause(self) -> None:
        """Take nothing more; of what comes meanwhile some is read, up to a bound."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on, in the next turn: the caller is in the middle of something."""
        if self._is_paused:
            self._is_paused = False
            self._lobby.call_soon(self._announce)

    # The handshake's side

    def send(self, opcode: int, payload: bytes) -> None:
        """Send a message that wasn't framed yet."""
        if self._state is State.OPEN:
            self._put(wire.frame(opcode, payload))

    def open(self, answer: bytes) -> None:
        """Send the answer that opens the socket."""
        self._lobby.arriving.forget(self)
        if self._state is State.OPEN:
            self._put(answer)

    def refuse(self, answer: bytes) -> None:
        """Send an HTTP answer instead."""
        if self._state is State.OPEN:
            self._put(answer)
            self._be_over(wire.NO_CODE)
            self._end_connection()

    # The end

    def _pong(self, payload: bytes) -> None:
        """Answer a ping, unless answers pile up: who doesn't read them has no use for more (section 5.5.3)."""
        if self.buffered_bytes() <= HIGH_WATER_BYTES:
            self.send(wire.PONG, payload)
        else:
            self._lobby.gateway().metrics.shed[Shed.PONG] += 1

    def _await_their_close(self) -> None:
        while self._state is State.CLOSING and self._next() is not None:
            pass

    def _they_closed(self, code: int, reason: str) -> None:
        """Answer with their code, as section 5.5.1 has it, if it isn't their answer; then it is ours to end TCP."""
        if self._state is State.OPEN:
            self._put(wire.close_frame(code, reason))
        self._be_over(code)
        self._end_connection()

    def _fail(self, broken: wire.Broken) -> None:
        """Say why, end our direction, and read on into nothing, so that no reset overtakes what we said."""
        code = _CODES.get(broken.code, broken.code)
        if self._state is State.OPEN:
            self._put(wire.close_frame(code, broken.reason))
        self._be_over(code, by_us=True)
        self.flush()
        self._lobby.call_later(LINGER_SECONDS, self._end_ours)

    def _end_ours(self) -> None:
        if self.transport is not None:
            self._end_connection(wait_for_theirs=True)

    def _be_over(self, code: int, *, by_us: bool = False) -> None:
        self._state = State.OVER
        self._lobby.closing.watch(self)
        self._count_untaken()
        self._say_gone(code, by_us=by_us)

    def _say_gone(self, code: int, *, by_us: bool = False) -> None:
        taker, self._taker = self._taker, None
        self._callback = None
        if taker is not None:
            taker.gone(code, by_us=by_us)

    def lost(self) -> None:
        """TCP is over."""
        self._state = State.OVER
        self.transport = self._out = None
        self._count_untaken()
        self._lobby.arriving.forget(self)
        self._lobby.closing.forget(self)
        self._say_gone(CONNECTION_LOST)
