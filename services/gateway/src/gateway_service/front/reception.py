"""What a new TCP connection wants: read until that is clear, then leave it to whoever it is for."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from http import HTTPStatus

from gateway_service.front.connection import SlimSocket
from gateway_service.front.head import NotOurs, Refused, Upgrade, read_upgrade, refusal
from gateway_service.front.lobby import Lobby
from gateway_service.front.visit import Visit

PATH = b"/ws"


class Reception(ABC):
    """A WebSocket at our path becomes a `SlimSocket`; anything else is the server's, with every byte that came."""

    __slots__ = ("_data", "_lobby")

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._data = b""

    def arrived(self) -> None:
        """Somebody connected."""
        self._lobby.arriving.watch(self)

    def received(self, data: bytes) -> None:
        """Read on until it is clear what this is."""
        self._data += data
        try:
            upgrade = read_upgrade(self._data, PATH)
        except NotOurs:
            self._lobby.arriving.forget(self)
            self._hand_over(self._data)
        except Refused as refused:
            self._answer(refusal(refused.status, *refused.headers))
        else:
            if upgrade is not None:
                self._open(upgrade)

    def lost(self) -> None:
        """They left before they said what they wanted."""
        self._lobby.arriving.forget(self)

    def _open(self, upgrade: Upgrade) -> None:
        gateway = self._lobby.gateway()
        later = gateway.turns_away(time.monotonic())
        if later is not None:
            self._answer(refusal(HTTPStatus.SERVICE_UNAVAILABLE, ("Retry-After", str(later))))
            return
        self._lobby.arriving.forget(self)
        socket = self._make_socket()
        self._lobby.arriving.watch(socket)
        Visit(self._lobby, socket).begin(upgrade)
        if upgrade.rest:
            socket.received(upgrade.rest)

    @abstractmethod
    def _make_socket(self) -> SlimSocket:
        """The WebSocket, in our place on the connection."""

    @abstractmethod
    def _hand_over(self, data: bytes) -> None:
        """Leave the connection to the server's own HTTP."""

    @abstractmethod
    def _answer(self, answer: bytes) -> None:
        """Answer, and close."""

    @abstractmethod
    def abort(self) -> None:
        """They took too long: cut the connection."""
