"""The publishing connection to one Redis: pipelined, in order, never behind a subscription."""

from __future__ import annotations

import asyncio

from chatire_shared.bus.breaker import Breaker
from chatire_shared.bus.endpoint import Endpoint
from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.resp import RespConnection, answer


class Sender:
    """Publishes on one connection for all callers of this loop; their commands share round trips.

    The stock layer takes one lock for publishing and subscribing, held across the round trip (4,300 a second).
    """

    def __init__(self, endpoint: Endpoint, seconds: float) -> None:
        """Prepare; the connection is opened by the first publish.

        Args:
            endpoint: The Redis.
            seconds: What one publish may take, connecting included.
        """
        self._endpoint = endpoint
        self._seconds = seconds
        self._breaker = Breaker()
        self._connection: RespConnection | None = None
        self._connecting = asyncio.Lock()

    async def publish(self, channel: bytes, data: bytes) -> None:
        """Return when Redis has taken the message; raise BusUnavailable in the time given, at once after failures."""
        if not self._breaker.allows():
            raise BusUnavailable("Redis did not answer lately.")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._seconds
        try:
            connection = self._connection
            if connection is None or not connection.alive:
                async with asyncio.timeout_at(deadline):
                    connection = await self._connect()
            await answer(connection.call("PUBLISH", channel, data), deadline - loop.time())
        except (BusUnavailable, TimeoutError) as error:
            self._breaker.failed()
            self.close()  # Whatever it still answers, it answers too late.
            raise BusUnavailable(str(error) or "Redis does not answer.") from error
        self._breaker.succeeded()

    def close(self) -> None:
        """Drop the connection; the next publish opens another."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def _connect(self) -> RespConnection:
        async with self._connecting:
            if self._connection is None or not self._connection.alive:
                self._connection = await self._endpoint.open(RespConnection, self._seconds)
            return self._connection
