"""Sockets on Twisted's transports: whatever Twisted listens on, TLS and UNIX sockets included, and nothing past its buffer."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IProtocol, IProtocolFactory, IPushProducer
from twisted.protocols.policies import ProtocolWrapper
from zope.interface import implementer

from gateway_service.front.connection import Address, SlimSocket
from gateway_service.front.lobby import Lobby
from gateway_service.front.reception import Reception


@implementer(IProtocolFactory)
class Factory:
    """Stands before Daphne's own factory, which keeps serving everything but our sockets."""

    noisy = False

    def __init__(self, lobby: Lobby, http: Any) -> None:
        self.lobby = lobby
        self.http = http

    def buildProtocol(self, addr: Any) -> TwistedReception:  # noqa: N802 (Twisted's names)
        """Receive one connection."""
        return TwistedReception(self.lobby, self.http)

    def doStart(self) -> None:  # noqa: N802
        """The port listens."""
        self.http.doStart()

    def doStop(self) -> None:  # noqa: N802
        """The port is closed."""
        self.http.doStop()


@implementer(IProtocol)
class TwistedReception(Reception):
    """The first protocol on a connection."""

    __slots__ = ("_http", "_transport")

    def __init__(self, lobby: Lobby, http: Any) -> None:
        super().__init__(lobby)
        self._http = http
        self._transport: Any = None

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 (Twisted's names)
        """Somebody connected."""
        self._transport = transport
        self.arrived()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Bytes came."""
        self.received(data)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """TCP is over."""
        self.lost()

    def abort(self) -> None:
        """See `Reception`."""
        self._transport.abortConnection()

    def _make_socket(self) -> SlimSocket:
        socket = TwistedSocket(self._lobby, self._transport)
        self._leave_to(socket)
        return socket

    def _hand_over(self, data: bytes) -> None:
        protocol = self._http.buildProtocol(self._transport.getPeer())
        self._leave_to(protocol)
        protocol.dataReceived(data)

    def _leave_to(self, protocol: Any) -> None:
        transport = self._transport
        if isinstance(transport, ProtocolWrapper):
            transport.wrappedProtocol = protocol
        else:
            transport.protocol = protocol
        protocol.makeConnection(transport)

    def _answer(self, answer: bytes) -> None:
        self._transport.write(answer)
        self._transport.loseConnection()


@implementer(IProtocol, IPushProducer)
class TwistedSocket(SlimSocket):
    """A WebSocket on a transport; also its producer, to hear when its buffer is empty.

    How much waits there is only in `dataBuffer`, `offset` and `_tempDataLen` of Twisted's FileDescriptor, which are not
    public; `tests/front/test_writing.py` fails when they change. What TLS holds back itself isn't counted.
    """

    __slots__ = ()

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 (Twisted's names)
        """Follow another protocol on its transport, to which the first frame may have gone already."""

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Bytes came."""
        self.received(data)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """TCP is over."""
        self.lost()

    def addresses(self) -> tuple[Address, Address]:
        """See `SlimSocket`."""
        return _address(self.transport.getPeer()), _address(self.transport.getHost())

    def abort(self) -> None:
        """See `Outlet`."""
        if self.transport is not None:
            self.transport.abortConnection()

    def _read(self, *, go_on: bool) -> None:
        if go_on:
            self.transport.resumeProducing()
        else:
            self.transport.pauseProducing()

    def _write(self, data: bytes) -> None:
        if self.transport.producer is None:
            self.transport.registerProducer(self, True)
        self._is_spilt = True
        self.transport.write(data)

    def _unsent_bytes(self) -> int:
        below = self.transport
        while isinstance(below, ProtocolWrapper):
            below = below.transport
        return int(len(below.dataBuffer) - below.offset + below._tempDataLen)  # noqa: SLF001 (see the class)

    def _end_connection(self, *, wait_for_theirs: bool = False) -> None:
        self.flush()
        if self.transport is None:
            return
        self.transport.unregisterProducer()
        if wait_for_theirs:
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def resumeProducing(self) -> None:  # noqa: N802 (Twisted's interface)
        """Twisted's buffer, which had more than 64 KiB, is empty."""
        self._is_spilt = False
        self._drained()

    def pauseProducing(self) -> None:  # noqa: N802
        """Twisted's buffer has more than 64 KiB; who sends looks at its size."""
        self._is_full = True

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is lost; `connectionLost` follows."""


def _address(address: Any) -> Address:
    return (str(address.host), int(address.port)) if hasattr(address, "port") else None
