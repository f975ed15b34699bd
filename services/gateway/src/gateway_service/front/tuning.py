"""What the kernel does for each of our connections."""

from __future__ import annotations

import socket

KERNEL_BUFFER_BYTES = 65_536
"""Linux doubles it. Left to itself the kernel takes megabytes for a reader that has stalled, and hides that it has."""
USER_TIMEOUT_MS = 20_000
"""Over the 15 s after which the gateway itself cuts a stalled reader off, and says why."""
KEEPALIVE_SECONDS = 60


def tune(tcp: socket.socket) -> None:
    """Set it on a connection, or on the socket that listens: those that it accepts inherit it, without a call for each."""
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
