"""Accepting connections from Twisted's listening socket, past Twisted's transports."""

from __future__ import annotations

import errno
import logging
import socket
from typing import Any

from twisted.internet.interfaces import IListeningPort
from zope.interface import implementer

from gateway_service.front.lobby import Lobby
from gateway_service.front.on_kernel import KernelReception
from gateway_service.front.poll import Poll

logger = logging.getLogger("chatire.gateway")

ACCEPTED_AT_ONCE = 64
"""So many are accepted before others have a turn."""
BREATH_SECONDS = 0.5
"""Until the next attempt when there is no descriptor or memory left: meanwhile they wait in the kernel's queue."""
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


@implementer(IListeningPort)
class Doorway:
    """A port of Twisted's from which we accept; what isn't ours is given back to it, byte for byte.

    Attributes:
        socket: The one that listens.
    """

    def __init__(self, port: Any, lobby: Lobby, http: Any, reactor: Any) -> None:
        """Take a port that listens; `begin` follows when the reactor runs.

        Args:
            port: Twisted's, on bare TCP.
            lobby: Where connections are received.
            http: Daphne's factory.
            reactor: Adopts what isn't ours.
        """
        self.socket: socket.socket = port.socket
        self._port = port
        self._lobby = lobby
        self._http = http
        self._reactor = reactor
        self._is_open = False

    def begin(self) -> None:
        """Accept in Twisted's place."""
        self._port.stopReading()
        self._poll = Poll(self._lobby.loop)
        self._is_open = True
        self._go_on()

    def _go_on(self) -> None:
        if self._is_open:
            self._lobby.loop.add_reader(self.socket.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _address = self.socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM:
                    self._take_breath(error)
                    return
                continue  # This one left before its turn came.
            connection.setblocking(False)
            KernelReception(self._lobby, self._poll, connection, self._hand_over)

    def _take_breath(self, error: OSError) -> None:
        logger.warning("no more connections can be accepted just now", extra={"reason": str(error)})
        self._lobby.loop.remove_reader(self.socket.fileno())
        self._lobby.call_later(BREATH_SECONDS, self._go_on)

    def _hand_over(self, connection: socket.socket, data: bytes) -> None:
        """Twisted makes a transport on a copy of the descriptor, with Daphne's protocol; ours is closed."""
        with connection:
            try:
                transport = self._reactor.adoptStreamConnection(connection.fileno(), connection.family, self._http)
            except OSError:  # They are gone already.
                return
        transport.protocol.dataReceived(data)

    # As Twisted's port

    def startListening(self) -> None:  # noqa: N802 (Twisted's names)
        """It does already."""

    def stopListening(self) -> Any:  # noqa: N802
        """Accept nobody any more."""
        if self._is_open:
            self._is_open = False
            self._lobby.loop.remove_reader(self.socket.fileno())
        return self._port.stopListening()

    def getHost(self) -> Any:  # noqa: N802
        """Where it listens."""
        return self._port.getHost()
