"""The first protocol on each TCP connection: it reads who wants what, and leaves it to another."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IProtocol
from twisted.protocols.policies import ProtocolWrapper
from zope.interface import implementer

from gateway_service.front.connection import SlimSocket
from gateway_service.front.head import NotOurs, Refused, Upgrade, read_upgrade, refusal
from gateway_service.front.visit import Visit

if TYPE_CHECKING:
    from gateway_service.front.factory import Front

PATH = b"/ws"


@implementer(IProtocol)
class Reception:
    """A WebSocket at our path becomes a `SlimSocket`; anything else is Daphne's, with every byte that came."""

    __slots__ = ("_data", "_front", "_transport")

    def __init__(self, front: Front) -> None:
        self._front = front
        self._data = b""
        self._transport: Any = None

    def makeConnection(self, transport: Any) -> None:  # noqa: N802 (Twisted's name)
        """Somebody connected."""
        self._transport = transport
        self._front.arriving.watch(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Read on until it is clear what this is."""
        self._data += data
        try:
            upgrade = read_upgrade(self._data, PATH)
        except NotOurs:
            self._leave_to(self._front.http.buildProtocol(self._transport.getPeer()), self._data)
        except Refused as refused:
            self._answer(refusal(refused.status, *refused.headers))
        else:
            if upgrade is not None:
                self._open(upgrade)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """They left before they said what they wanted."""
        self._front.arriving.forget(self)

    def abort(self) -> None:
        """They took too long."""
        self._transport.abortConnection()

    def _open(self, upgrade: Upgrade) -> None:
        gateway = self._front.gateway()
        now = time.monotonic()
        if gateway.draining or not gateway.crowd.admits_handshake(now):
            gateway.metrics.handshakes["later"] += 1
            self._answer(
                refusal(HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", str(gateway.crowd.retry_after_seconds(now))))
            )
            return
        socket = SlimSocket(self._front, self._transport)
        self._front.arriving.watch(socket)
        Visit(self._front, socket).begin(upgrade)
        self._leave_to(socket, upgrade.rest)

    def _leave_to(self, protocol: Any, data: bytes) -> None:
        transport = self._transport
        self._front.arriving.forget(self)
        if isinstance(transport, ProtocolWrapper):
            transport.wrappedProtocol = protocol
        else:
            transport.protocol = protocol
        protocol.makeConnection(transport)
        if data:
            protocol.dataReceived(data)

    def _answer(self, answer: bytes) -> None:
        self._transport.write(answer)
        self._transport.loseConnection()
