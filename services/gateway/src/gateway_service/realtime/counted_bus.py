"""The bus, with a count of what Redis was asked for and whether it confirmed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from chatire_shared.bus.port import Bus, BusUnavailable, OnMessage, OnState


class CountedBus:
    """A `Bus` like the one inside."""

    def __init__(self, bus: Bus, subscriptions: Counter[str]) -> None:
        """Ask `bus`, and count the groups in `subscriptions`: `confirmed` or `unanswered`."""
        self._bus = bus
        self._subscriptions = subscriptions

    @property
    def connected(self) -> bool:
        """See `Bus.connected`."""
        return self._bus.connected

    async def start(self, on_message: OnMessage, on_state: OnState) -> None:
        """See `Bus.start`."""
        await self._bus.start(on_message, on_state)

    async def subscribe(self, groups: Iterable[str]) -> None:
        """See `Bus.subscribe`."""
        wanted = list(groups)
        try:
            await self._bus.subscribe(wanted)
        except BusUnavailable:
            self._subscriptions["unanswered"] += len(wanted)
            raise
        self._subscriptions["confirmed"] += len(wanted)

    async def unsubscribe(self, groups: Iterable[str]) -> None:
        """See `Bus.unsubscribe`."""
        await self._bus.unsubscribe(groups)

    async def publish(self, group: str, message: Mapping[str, Any]) -> None:
        """See `Bus.publish`."""
        await self._bus.publish(group, message)

    async def stop(self) -> None:
        """See `Bus.stop`."""
        await self._bus.stop()
