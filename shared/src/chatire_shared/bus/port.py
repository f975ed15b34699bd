"""What the gateway asks of a message bus, whichever adapter is below it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

OnMessage = Callable[[dict[str, Any]], None]
OnState = Callable[[bool], None]


class BusUnavailable(ConnectionError):
    """Redis is away or hangs. Nothing durable depends on it: go on without, or try again later."""


class Bus(Protocol):
    """Publish and subscribe by group, at most once, in the order of arrival per group."""

    @property
    def connected(self) -> bool:
        """Whether every wanted group is subscribed at this moment, as far as is known."""

    async def start(self, on_message: OnMessage, on_state: OnState) -> None:
        """Begin to connect, without waiting for success: a process starts while Redis is away as well.

        Args:
            on_message: Called with each message of a subscribed group, synchronously from the reader and in order of
                arrival. It must not block, and what it raises is logged and dropped.
            on_state: Called with False at every loss, and with True when everything wanted is subscribed (again); what
                was published in between is lost to us. Before the first True the state is False.
        """

    async def subscribe(self, groups: Iterable[str]) -> None:
        """Return when Redis has confirmed that every message published to `groups` from now on reaches us.

        Raises: BusUnavailable when it hasn't in time. The groups stay wanted all the same, and are subscribed when
            Redis returns (`on_state(True)` says so); call `unsubscribe` to give up on them.
        """

    async def unsubscribe(self, groups: Iterable[str]) -> None:
        """Hear nothing more of `groups`, from the moment of this call; never fails."""

    async def publish(self, group: str, message: Mapping[str, Any]) -> None:
        """Hand a message with a `type` to Redis.

        Raises: BusUnavailable, within 250 ms at most.
        """

    async def stop(self) -> None:
        """Close the connections; no callback comes after it."""
