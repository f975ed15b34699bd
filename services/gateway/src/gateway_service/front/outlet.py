"""The writing half of a socket: joined writes, straight to the kernel when nothing waits, else through Twisted's buffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet import tcp
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from gateway_service.realtime.transport import HIGH_WATER_BYTES

if TYPE_CHECKING:
    from gateway_service.front.factory import Front

JOINED_BYTES = 32_768
"""So much leaves without waiting for the end of the turn: more in one write gains nothing, and counts as held meanwhile."""


@implementer(IPushProducer)
class Outlet:
    """Bytes on their way out of one socket; also Twisted's producer, to hear when its buffer is empty.

    What is put leaves at the end of the loop's turn in one write. That looks at `dataBuffer`, `offset`,
    `_tempDataBuffer` and `_tempDataLen` of Twisted's FileDescriptor, which are not public: the only way to know what
    waits there. `tests/front/test_writing.py` fails when they change.
    """

    __slots__ = ("_callback", "_front", "_is_direct", "_is_full", "_is_spilt", "_out", "_out_bytes", "transport")

    def __init__(self, front: Front, transport: Any) -> None:
        self._front = front
        self._callback: Callable[[], None] | None = None
        self._out: list[bytes] | None = None
        self._out_bytes = 0
        self._is_full = self._is_spilt = False
        # Only a bare TCP or UNIX socket takes bytes as they are; the reactor's TLS has a layer of its own.
        self._is_direct = front.direct and isinstance(transport, tcp.Server) and not transport.TLS
        self.transport = transport

    def buffered_bytes(self) -> int:
        """What hasn't gone to the kernel: of this turn, and in Twisted's buffer if anything had to go there.

        Who is told of more than `HIGH_WATER_BYTES` waits for `on_drained`, and is called.
        """
        transport = self.transport
        if not self._is_spilt or transport is None:
            return self._out_bytes
        left = len(transport.dataBuffer) - transport.offset + transport._tempDataLen  # noqa: SLF001 (see the class)
        self._is_spilt = bool(left)
        waiting = int(left) + self._out_bytes
        # Twisted calls only when its own part was over the mark; of the sum nobody knows but we.
        self._is_full = self._is_full or waiting > HIGH_WATER_BYTES
        return waiting

    def on_drained(self, callback: Callable[[], None]) -> None:
        """Call back each time there is room after there was none."""
        self._callback = callback

    def _put(self, data: bytes) -> None:
        if self._out is None:
            self._out = [data]
            self._front.flusher.soon(self)
        else:
            self._out.append(data)
        self._out_bytes += len(data)
        if self._out_bytes >= JOINED_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what this turn has brought."""
        out, self._out, self._out_bytes = self._out, None, 0
        if out is None or self.transport is None:
            return
        self._write(self._front.flusher.joined(out))
        if self._is_full and self.buffered_bytes() <= HIGH_WATER_BYTES:
            self._drained()

    def _write(self, data: bytes) -> None:
        transport = self.transport
        if self._is_direct and not (transport.dataBuffer or transport._tempDataBuffer):  # noqa: SLF001 (see the class)
            try:
                sent = transport.socket.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                transport.abortConnection()
                return
            if sent == len(data):
                return
            data = data[sent:]
        if transport.producer is None:
            transport.registerProducer(self, True)
        self._is_spilt = True
        transport.write(data)

    def _drained(self) -> None:
        self._is_full = False
        if self._callback is not None:
            self._callback()

    def _end_connection(self, *, wait_for_theirs: bool = False) -> None:
        """Close TCP behind what was written; or only our direction, and go on reading until they close theirs."""
        self.flush()
        if self.transport is None:
            return
        self.transport.unregisterProducer()
        if wait_for_theirs:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def abort(self) -> None:
        """Cut the connection."""
        if self.transport is not None:
            self.transport.abortConnection()

    def resumeProducing(self) -> None:  # noqa: N802 (Twisted's interface)
        """Twisted's buffer, which had more than 64 KiB, is empty."""
        self._is_spilt = False
        self._drained()

    def pauseProducing(self) -> None:  # noqa: N802
        """Twisted's buffer has more than 64 KiB; who sends looks at its size."""
        self._is_full = True

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost; `connectionLost` follows."""
