"""Listening sockets that begin late.

A socket that listens before a worker can serve takes connections that then wait for seconds. Not listening yet, it refuses
them, and the caller goes on to another instance at once.
"""

from __future__ import annotations

import socket
from typing import Any

from gunicorn.sock import TCP6Socket, TCPSocket


class _Late:
    @staticmethod
    def _is_listening(_sock: socket.socket) -> bool:
        """Gunicorn's question before it calls `listen`; a yes leaves that to the worker."""
        return True


class _LateSocket(_Late, TCPSocket):  # type: ignore[misc]
    pass


class _LateSocket6(_Late, TCP6Socket):  # type: ignore[misc]
    pass


def bind_only(server: Any) -> None:
    """Gunicorn's `on_starting`: take the addresses, so that nobody else can, without listening yet."""
    addresses = server.cfg.address
    if all(isinstance(address, tuple) for address in addresses):
        server.LISTENERS = [_late(address, server) for address in addresses]


def _late(address: tuple[str, int], server: Any) -> Any:
    kind = _LateSocket6 if ":" in address[0] else _LateSocket
    return kind(address, server.cfg, server.log)
