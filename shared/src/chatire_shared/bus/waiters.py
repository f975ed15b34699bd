"""Who waits for which channels to be confirmed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class _Waiter:
    missing: set[bytes]
    done: asyncio.Future[bool]


class Waiters:
    """Lets any number of callers wait, each for its own set of channels."""

    def __init__(self) -> None:
        self._by_channel: dict[bytes, list[_Waiter]] = {}

    async def wait_for(self, channels: set[bytes], seconds: float | None) -> bool:
        """Whether all `channels` arrived within `seconds` (None: however long it takes)."""
        if not channels:
            return True
        waiter = _Waiter(set(channels), asyncio.get_running_loop().create_future())
        for channel in channels:
            self._by_channel.setdefault(channel, []).append(waiter)
        try:
            await asyncio.wait({waiter.done}, timeout=seconds)
            return waiter.done.done() and waiter.done.result()
        finally:
            self._forget(waiter)

    def arrived(self, channel: bytes) -> None:
        """The channel is confirmed, or no longer wanted."""
        for waiter in self._by_channel.pop(channel, ()):
            waiter.missing.discard(channel)
            if not waiter.missing and not waiter.done.done():
                waiter.done.set_result(True)

    def release_all(self) -> None:
        """Tell everybody that what they wait for will not come."""
        for waiters in self._by_channel.values():
            for waiter in waiters:
                if not waiter.done.done():
                    waiter.done.set_result(False)
        self._by_channel.clear()

    def _forget(self, waiter: _Waiter) -> None:
        for channel in waiter.missing:
            others = self._by_channel.get(channel, [])
            if waiter in others:
                others.remove(waiter)
            if not others:
                self._by_channel.pop(channel, None)
