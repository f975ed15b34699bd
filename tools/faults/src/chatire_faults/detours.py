"""Fault proxies between the parts of a stack: each part has a line of its own to each server it uses.

They run in a thread with its own event loop, since a stack starts and stops outside of any. Where a line ends is looked up
when somebody connects: a launcher chooses the ports of its servers itself.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any
from urllib.parse import urlsplit

from chatire_faults.proxy import GOOD, Conditions, FaultProxy

Addresses = Callable[[], dict[str, Any]]

_GATEWAY = {"valkey": "CHATIRE_REDIS_URL", "messages": "CHATIRE_MESSAGES_URL", "auth": "CHATIRE_AUTH_URL"}
_MESSAGES = {"postgres": "CHATIRE_MESSAGES_DATABASE_URL", "valkey": "CHATIRE_REDIS_URL"}
_AUTH = {"postgres": "CHATIRE_AUTH_DATABASE_URL", "valkey": "CHATIRE_REDIS_URL"}
LINES = {
    "gateway-1": _GATEWAY,
    "gateway-2": _GATEWAY,
    "messages": _MESSAGES | {"auth": "CHATIRE_AUTH_URL"},
    "relay": _MESSAGES,
    "auth": _AUTH,
}
"""By part, the servers it uses, and the setting that says where each is."""


class Detours:
    """The lines of one stack; use `opened`."""

    def __init__(self, addresses: Addresses, random: Random) -> None:
        """Prepare; `addresses` are the launcher's, as they are when somebody connects."""
        self._addresses = addresses
        self._random = random
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="detours", daemon=True)
        self._proxies: dict[tuple[str, str], FaultProxy] = {}
        self._elsewhere: dict[str, tuple[str, int]] = {}

    @classmethod
    @contextmanager
    def opened(cls, addresses: Addresses) -> Iterator[Detours]:
        """Have all lines, good ones."""
        detours = cls(addresses, Random(0))
        detours._thread.start()
        try:
            for part, servers in LINES.items():
                for server in servers:
                    detours._open(part, server)
            yield detours
        finally:
            detours._close()

    @property
    def environment(self) -> dict[str, dict[str, str]]:
        """For the launcher: what each part gets in place of each address (`CHATIRE_PARTS_FILE`)."""
        return {
            part: {setting: f"@127.0.0.1:{self._proxies[part, server].port}" for server, setting in servers.items()}
            for part, servers in LINES.items()
        }

    def become(self, part: str, server: str, conditions: Conditions) -> None:
        """Change the line of a part to a server."""
        self._loop.call_soon_threadsafe(self._proxies[part, server].become, conditions)

    def heal(self) -> None:
        """Make all lines good."""
        for part, server in self._proxies:
            self.become(part, server, GOOD)

    def lead(self, server: str, end: tuple[str, int]) -> None:
        """From now on every line to `server` leads elsewhere."""
        self._elsewhere[server] = end

    def cut(self, part: str, server: str) -> None:
        """Reset what is open on a line."""
        self._loop.call_soon_threadsafe(self._proxies[part, server].reset_all)

    def _open(self, part: str, server: str) -> None:
        proxy = FaultProxy("127.0.0.1", 0, Random(self._random.random()))
        setting = LINES[part][server]

        async def dial() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(*(self._elsewhere.get(server) or _end(self._addresses(), setting)))

        proxy.dial = dial
        asyncio.run_coroutine_threadsafe(proxy.start(), self._loop).result(10)
        self._proxies[part, server] = proxy

    def _close(self) -> None:
        for proxy in self._proxies.values():
            asyncio.run_coroutine_threadsafe(proxy.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def _end(addresses: dict[str, Any], setting: str) -> tuple[str, int]:
    """Where a setting leads without detour.

    Raises: OSError, when the launcher does not say so yet: like a port where nobody listens.
    """
    names = {"CHATIRE_AUTH_URL": "auths", "CHATIRE_MESSAGES_URL": "messages"}
    try:
        if setting in names:
            host, port = addresses[names[setting]][0].rsplit(":", 1)
            return host, int(port)
        url = urlsplit(addresses[setting.removeprefix("CHATIRE_").lower()])
    except (KeyError, IndexError) as unknown:
        raise ConnectionRefusedError(f"nothing is known about {setting} yet") from unknown
    return str(url.hostname), url.port or 0
