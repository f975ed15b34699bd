"""Where a Redis is and how to open a connection to it, from an entry of the layer's `hosts`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from redis.asyncio import connection as redis_connection
from redis.asyncio.sentinel import Sentinel

from chatire_shared.bus.port import BusUnavailable
from chatire_shared.bus.resp import RespConnection, answer

_DEFAULT_PORT = 6379


class Endpoint:
    """One Redis by URL, host and port, unix socket, or a Sentinel's master name; the forms channels_redis takes."""

    def __init__(self, host: Mapping[str, Any]) -> None:
        """Read an entry of `channels_redis.utils.decode_hosts`."""
        options = dict(host)
        address = options.pop("address", None)
        if address is not None:
            options = {**redis_connection.parse_url(address), **options}
        self._options = options
        self._tls = options.get("connection_class") is redis_connection.SSLConnection

    async def open(self, make: Callable[[], RespConnection], seconds: float) -> RespConnection:
        """Connect, authenticate, and hear one answer: the kernel accepts for a hung server as well.

        Raises: BusUnavailable after `seconds`, or at once when it is refused.
        """
        try:
            async with asyncio.timeout(seconds):
                connection = await self._connect(make)
        except (OSError, TimeoutError) as error:
            raise BusUnavailable(f"No connection to Redis: {error or 'time is over'}") from error
        try:
            await answer(self._greet(connection), seconds)
        except BaseException:
            connection.abort()
            raise
        return connection

    def _greet(self, connection: RespConnection) -> asyncio.Future[Any]:
        """The answer to a PING after AUTH; a refused AUTH makes Redis refuse the PING as well."""
        password = self._options.get("password")
        if password is not None:
            username = self._options.get("username")
            login = connection.call("AUTH", *([username] if username else []), password)
            login.add_done_callback(_look_at)
        return connection.call("PING")

    async def _connect(self, make: Callable[[], RespConnection]) -> RespConnection:
        loop = asyncio.get_running_loop()
        if self._options.get("path"):
            return (await loop.create_unix_connection(make, self._options["path"]))[1]
        host, port = await self._address()
        return (await loop.create_connection(make, host, port, ssl=self._ssl()))[1]

    async def _address(self) -> tuple[str, int]:
        """Host and port of the server; with Sentinel, of whoever is master at this moment."""
        if "sentinels" not in self._options:
            return self._options.get("host", "localhost"), int(self._options.get("port", _DEFAULT_PORT))
        sentinels, options = self._options["sentinels"], self._options.get("sentinel_kwargs")
        sentinel = Sentinel(sentinels, sentinel_kwargs=options)  # type: ignore[no-untyped-call]
        try:
            host, port = await sentinel.discover_master(self._options["master_name"])
            return host, int(port)
        except Exception as error:
            raise BusUnavailable(f"No Sentinel knows a master: {error}") from error
        finally:
            for client in sentinel.sentinels:
                await client.aclose()

    def _ssl(self) -> Any:
        if not self._tls:
            return None
        options = {name: value for name, value in self._options.items() if name != "connection_class"}
        return redis_connection.SSLConnection(**options).ssl_context.get()


def _look_at(future: asyncio.Future[Any]) -> None:
    """Take note of a failed AUTH, which the PING behind it reports; asyncio would log it as never looked at."""
    if not future.cancelled():
        future.exception()
