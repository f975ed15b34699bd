"""Leaving gently: those who are connected are told when to come back, a few at a time (gateway.md D8)."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from typing import Any

from chatire_shared.contracts import close_codes
from chatire_shared.serving.closing import let_nobody_in
from gateway_service.realtime import frames
from gateway_service.realtime.gateway import Gateway

logger = logging.getLogger("chatire.gateway")

BATCHES = 24
BATCH_SECONDS = 0.25
SMALLEST_BATCH = 50
UPLINK_SECONDS = 3.0
FAREWELL_SECONDS = 2.0
LAST_HANDSHAKES_SECONDS = 0.1
MIN_RECONNECT_MS, MAX_RECONNECT_MS = 100, 3_000


async def stop_listening(ports: Iterable[Any]) -> None:
    """Close Twisted's ports, after whoever the kernel has let in already had time for the handshake.

    Closed at once, those would be cut off; their client could not tell that from a gateway that crashed.
    """
    ports = list(ports)
    for port in ports:
        let_nobody_in(port.socket)
    await asyncio.sleep(LAST_HANDSHAKES_SECONDS)
    for port in ports:
        port.stopListening()


async def drain(gateway: Gateway) -> None:
    """Send everybody away within some 12 s: not ready any more, answers first, then `bye` and 1012 in batches."""
    gateway.draining = True
    gateway.metrics.draining_since = time.monotonic()
    connections = list(gateway.crowd)
    for connection in connections:
        connection.transport.pause()
    await _wait_until(lambda: gateway.uplink.pending == 0, UPLINK_SECONDS)
    size = max(SMALLEST_BATCH, -(-len(connections) // BATCHES))
    for start in range(0, len(connections), size):
        if start:
            await asyncio.sleep(BATCH_SECONDS)
        for connection in connections[start : start + size]:
            # It must be read from again, or the answer to our close frame is never seen.
            connection.transport.resume()
            after_ms = random.randint(MIN_RECONNECT_MS, MAX_RECONNECT_MS)  # noqa: S311 (jitter, no secret)
            gateway.send(connection, frames.bye(reason="restarting", reconnect_after_ms=after_ms))
            connection.close(close_codes.RESTARTING, "restarting")
    await _wait_until(lambda: len(gateway.crowd) == 0, FAREWELL_SECONDS)
    now = gateway.metrics.drained_at = time.monotonic()
    # Nobody asks for figures any more, so the log has what the drain took.
    said = {"sockets": len(connections), "left": len(gateway.crowd), "seconds": gateway.metrics.drain_seconds(now)}
    logger.info("drained", extra=said)


async def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 (once in a life)
        await asyncio.sleep(0.02)
