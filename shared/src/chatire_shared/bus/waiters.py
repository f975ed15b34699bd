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
        loop = asyncio.get_running_loop()
        waiter = _Waiter(set(channels), loop.create_future())
        for channel in channels:
            self._by_channel.setdefault(channel, []).append(waiter)
        # Not `asyncio.wait`: that costs more than all else here, and every socket that is let in comes by.
        timer = None if seconds is None else loop.call_later(seconds, _say, waiter.done, False)
        try:
            return await waiter.done
        finally:
            if timer is not None:
                timer.cancel()
            self._forget(waiter)

    def arrived(self, channel: bytes) -> None:
        """The channel is confirmed, or no longer wanted."""
        for waiter in self._by_channel.pop(channel, ()):
            waiter.missing.discard(channel)
            if not waiter.missing:
                _say(waiter.done, True)

    def release_all(self) -> None:
        """Tell everybody that what they wait for will not come."""
        for waiters in self._by_channel.values():
            for waiter in waiters:
                _say(waiter.done, False)
        self._by_channel.clear()

    def _forget(self, waiter: _Waiter) -> None:
        for channel in waiter.missing:
            others = self._by_channel.get(channel, [])
            if waiter in others:
                others.remove(waiter)
            if not others:
                self._by_channel.pop(channel, None)


def _say(done: asyncio.Future[bool], outcome: bool) -> None:  # noqa: FBT001 (`call_later` takes no keywords)
    if not done.done():
        done.set_result(outcome)
