"""Sockets on asyncio's transports, for servers that hand us theirs (`uvicorn`)."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from gateway_service.front.connection import Address, SlimSocket
from gateway_service.front.lobby import Lobby
from gateway_service.front.reception import Reception
from gateway_service.front.tuning import tune
from gateway_service.realtime.transport import HIGH_WATER_BYTES


class AsyncioReception(Reception, asyncio.Protocol):
    """The first protocol on a connection; whom what isn't ours is left to, the server's own subclass says."""

    __slots__ = ("_transport",)

    def __init__(self, lobby: Lobby) -> None:
        super().__init__(lobby)
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody connected."""
        self._transport = transport
        self.arrived()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is over."""
        self.lost()

    def abort(self) -> None:
        """See `Reception`."""
        self._transport.abort()

    def _make_socket(self) -> SlimSocket:
        opened = AsyncioSocket(self._lobby, self._transport)
        self._transport.set_protocol(opened)
        # We are told that there is room when all is gone, as by the other adapters.
        self._transport.set_write_buffer_limits(HIGH_WATER_BYTES, 0)
        tcp = self._transport.get_extra_info("socket")
        if tcp is not None and tcp.family in (socket.AF_INET, socket.AF_INET6):
            tune(tcp)
        return opened

    def _answer(self, answer: bytes) -> None:
        self._transport.write(answer)
        self._transport.close()


class AsyncioSocket(SlimSocket, asyncio.Protocol):
    """A WebSocket on a transport, which writes straight to the kernel itself while nothing waits in it."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self.received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP is over."""
        self.lost()

    def pause_writing(self) -> None:
        """Over 64 KiB wait; who sends looks at the size."""
        self._is_full = True

    def resume_writing(self) -> None:
        """All of it is gone."""
        self._is_spilt = False
        self._drained()

    def addresses(self) -> tuple[Address, Address]:
        """See `SlimSocket`."""
        return self._address("peername"), self._address("sockname")

    def _address(self, name: str) -> Address:
        found = self.transport.get_extra_info(name)
        return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None

    def abort(self) -> None:
        """See `Outlet`."""
        if self.transport is not None:
            self.transport.abort()

    def _read(self, *, go_on: bool) -> None:
        if self.transport.is_closing():
            return
        if go_on:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def _write(self, data: bytes) -> None:
        self._is_spilt = True
        self.transport.write(data)

    def _unsent_bytes(self) -> int:
        return int(self.transport.get_write_buffer_size())

    def _end_connection(self, *, wait_for_theirs: bool = False) -> None:
        self.flush()
        if self.transport is None or self.transport.is_closing():
            return
        if wait_for_theirs:
            self.transport.write_eof()
        else:
            self.transport.close()
