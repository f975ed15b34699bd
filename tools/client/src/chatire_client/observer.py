"""Who is told of what a connection brings."""

from __future__ import annotations

from chatire_client.events import Arrival, Event
from chatire_client.wire import Frame


class Observer:
    """Told what happens on a connection; overrides what it wants to know."""

    def on_ready(self, frame: Frame) -> None:
        """Connected and authenticated."""

    def on_event(self, event: Event, arrival: Arrival) -> None:
        """An event came, as NEXT in its conversation or breaking G2."""

    def on_frame(self, frame: Frame) -> None:
        """Any other frame, after the client itself has acted on it."""

    def on_closed(self, code: int) -> None:
        """The connection is gone; the client goes on by itself where the code allows it."""
