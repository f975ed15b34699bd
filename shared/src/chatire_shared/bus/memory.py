"""The bus inside one process: several `MemoryBus` on one `MemoryBroker` behave like gateways on one Redis.

Messages take the same way through bytes as on Redis, and arrive in a later turn of the loop, so what works here has not
only worked because objects were shared. Tests can lose, repeat, hold back and reorder messages, and cut connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chatire_shared.bus import wire
from chatire_shared.bus.port import BusUnavailable, OnMessage, OnState

logger = logging.getLogger(__name__)

Item = tuple[str, bytes]
"""A group and a message on its way to it."""


class MemoryBroker:
    """What Redis would be: it passes each published message on to the buses that are subscribed at that moment.

    Attributes:
        interfere: Called with each published item; what it returns travels instead. Return `[]` to lose it,
            `[item, item]` to repeat it.
    """

    def __init__(self) -> None:
        self.interfere: Callable[[Item], Iterable[Item]] = lambda item: [item]
        self._buses: list[MemoryBus] = []
        self._held: list[Item] | None = None

    def hold(self) -> None:
        """Keep back what is published from now on."""
        self._held = self._held or []

    def release(self, rearrange: Callable[[list[Item]], Iterable[Item]] = list) -> None:
        """Let go what was held, as `rearrange` returns it: reordered, shortened, repeated."""
        held, self._held = self._held or [], None
        for item in rearrange(held):
            self._pass_on(item)

    def disconnect_all(self) -> None:
        """Cut every bus off, as a crash of Redis would."""
        for bus in self._buses:
            bus.disconnect()

    def reconnect_all(self) -> None:
        """Let every bus find its way back."""
        for bus in self._buses:
            bus.reconnect()

    def attach(self, bus: MemoryBus) -> None:
        """Take a bus in (at its start)."""
        self._buses.append(bus)

    def detach(self, bus: MemoryBus) -> None:
        """Forget a bus (at its stop)."""
        if bus in self._buses:
            self._buses.remove(bus)

    def publish(self, item: Item) -> None:
        """Pass a message on, after whatever a test does to it."""
        for changed in self.interfere(item):
            if self._held is None:
                self._pass_on(changed)
            else:
                self._held.append(changed)

    def _pass_on(self, item: Item) -> None:
        for bus in self._buses:
            bus.accept(item)


class MemoryBus:
    """One process's connection to a `MemoryBroker`; implements `port.Bus`."""

    def __init__(self, broker: MemoryBroker) -> None:
        """Belong to `broker`; nothing happens before `start`."""
        self._broker = broker
        self._groups: set[str] = set()
        self._connected = False
        self._on_message: OnMessage | None = None
        self._on_state: OnState | None = None

    @property
    def connected(self) -> bool:
        """See `Bus.connected`."""
        return self._connected

    @property
    def groups(self) -> frozenset[str]:
        """What is subscribed, for tests to look at."""
        return frozenset(self._groups)

    async def start(self, on_message: OnMessage, on_state: OnState) -> None:
        """See `Bus.start`; here the connection is there at once."""
        self._on_message, self._on_state = on_message, on_state
        self._broker.attach(self)
        self.reconnect()

    async def subscribe(self, groups: Iterable[str]) -> None:
        """See `Bus.subscribe`."""
        self._groups.update(groups)
        await asyncio.sleep(0)  # Callers must not rely on it to return without letting others run.
        if not self._connected:
            raise BusUnavailable("The memory bus is disconnected.")

    async def unsubscribe(self, groups: Iterable[str]) -> None:
        """See `Bus.unsubscribe`."""
        self._groups.difference_update(groups)

    async def publish(self, group: str, message: Mapping[str, Any]) -> None:
        """See `Bus.publish`."""
        if not self._connected:
            raise BusUnavailable("The memory bus is disconnected.")
        self._broker.publish((group, wire.encode(message)))

    async def stop(self) -> None:
        """See `Bus.stop`."""
        self._broker.detach(self)
        self._connected = False
        self._on_message = self._on_state = None

    def disconnect(self) -> None:
        """Cut the connection: what is published until `reconnect` never arrives."""
        self._change_state(connected=False)

    def reconnect(self) -> None:
        """Restore the connection and with it every subscription."""
        self._change_state(connected=True)

    def accept(self, item: Item) -> None:
        """Take a message from the broker and deliver it in the next turn of the loop."""
        if self._connected and item[0] in self._groups:
            asyncio.get_running_loop().call_soon(self._deliver, item)

    def _deliver(self, item: Item) -> None:
        group, data = item
        if self._on_message is None or group not in self._groups:
            return
        try:
            self._on_message(wire.decode(data))
        except Exception:
            logger.exception("A receiver failed on a message.", extra={"group": group})

    def _change_state(self, *, connected: bool) -> None:
        if self._connected != connected:
            self._connected = connected
            if self._on_state is not None:
                self._on_state(connected)
