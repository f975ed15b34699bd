"""What comes over the bus, brought to the hub and to the sockets; and whether anything comes at all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chatire_shared.contracts import envelopes
from gateway_service.realtime import frames, subscriber
from gateway_service.realtime.crowd import Crowd
from gateway_service.realtime.effects import Deliver, Effect, in_runs
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.lanes import Lanes
from gateway_service.realtime.metrics import Metrics
from gateway_service.realtime.people import Note
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.runner import Runner

logger = logging.getLogger("chatire.gateway")

TURN_SECONDS = 0.005
"""So long events are handled before sockets are written to and the bus is read again.

Beside a saturated room of 500, one of 10 waits 29 ms at p99 with 5 ms, 50 ms with 20 ms; the large one's throughput is the
same, since what comes together for one room leaves together (`./chatire bench fairness`).
"""
MAX_WAITING = 1_000
"""Events; over it some are handled whenever one comes, and the rest waits in Redis, which knows a bound as well."""


class Hearing:
    """The listener of one process (`subscriber.Listener`)."""

    def __init__(
        self, *, hub: Hub, runner: Runner, crowd: Crowd, metrics: Metrics, on_auth_changed: Callable[[], None]
    ) -> None:
        """Prepare.

        Args:
            hub: Takes the news.
            runner: Does what follows.
            crowd: The sockets.
            metrics: Where it is counted what comes, and how.
            on_auth_changed: Called when auth's feed has grown.
        """
        self.ticked_at = time.monotonic()
        self.looked_at = 0.0
        self._hub = hub
        self._runner = runner
        self._crowd = crowd
        self._metrics = metrics
        self._on_auth_changed = on_auth_changed
        self._was_connected = False
        self._lanes = Lanes()
        self._following: list[Effect] = []
        self._is_scheduled = False

    def on_message(self, message: dict[str, Any]) -> None:
        """Anything. Events wait for their turn, since one of them may be for thousands of sockets."""
        if message.get("type") != envelopes.EVENT:
            self._dispatch(message)
            return
        self._lanes.put(str(message.get("conversation")), message)
        if len(self._lanes) > MAX_WAITING:
            self._tell(self._lanes.take())
        self._go_on_soon()

    @property
    def waiting(self) -> int:
        """How many events wait for their turn."""
        return len(self._lanes)

    def _go_on_soon(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_scheduled = False
        deadline = time.monotonic() + TURN_SECONDS
        while self._lanes:
            self._tell(self._lanes.take())
            if time.monotonic() >= deadline:
                break
        if self._lanes:
            self._go_on_soon()

    def _tell(self, messages: Sequence[dict[str, Any]]) -> None:
        """Tell the hub of some events of one conversation; what follows from them is done together."""
        for message in messages:
            self._dispatch(message)
        following, self._following = self._following, []
        try:
            self._runner.run(in_runs(following))
        except Exception:
            logger.exception("what follows from events could not be done")

    def _dispatch(self, message: dict[str, Any]) -> None:
        try:
            subscriber.dispatch(message, self)
        except subscriber.Garbage as garbage:
            self._metrics.garbage += 1
            logger.warning("a message on the bus isn't what it says", extra={"type": str(garbage)})
        except Exception:
            logger.exception("a message on the bus could not be handled")

    def on_state(self, connected: bool) -> None:  # noqa: FBT001 (the port's signature)
        """The bus was lost, or is back."""
        logger.info("the bus is connected" if connected else "the bus is lost")
        if connected:
            self._metrics.bus_reconnects += self._was_connected
            self._was_connected = True
            self.look_at_everything()

    def look_at_everything(self) -> None:
        """Ask where everything stands that matters here: anything may have been lost."""
        self.looked_at = time.monotonic()
        self._runner.look_at(self._hub.watched(), self._hub.people())

    # subscriber.Listener

    def on_event(self, conversation: str, epoch: str, entry: Entry) -> None:
        """An event; `_tell` does what follows."""
        effects = self._hub.event(conversation, epoch, entry)
        if len(effects) > 1:
            self._metrics.reordered += _events_in(effects) - 1
        self._following += effects

    def on_note(self, note: Note) -> None:
        """Somebody joined or left."""
        self._runner.run(self._hub.note(note))

    def on_read(self, user: str, conversation: str, seq: int, origin: str | None) -> None:
        """Somebody has read: their other sockets are told."""
        frame = frames.read(conversation=conversation, user=user, seq=seq)
        for session in self._hub.sessions_of(user):
            connection = self._crowd.get(str(session))
            if connection is not None and connection.id != origin:
                connection.send(frame, time.monotonic())

    def on_typing(self, conversation: str, user: str, state: bool | str) -> None:  # noqa: FBT001
        """Somebody types."""
        self._runner.run(self._hub.typing(conversation, user, state))

    def on_tick(self, heads: Mapping[str, int], members: list[tuple[str, int]]) -> None:
        """A relay lives."""
        self.ticked_at = time.monotonic()
        # What waits here is not missing.
        self._runner.run(self._hub.ticked({name: seq for name, seq in heads.items() if name not in self._lanes}))
        self._runner.run(self._hub.versions(members))

    def on_auth_changed(self) -> None:
        """Auth's feed has grown."""
        self._on_auth_changed()


def _events_in(effects: Sequence[Effect]) -> int:
    """How many events one of them has set free; the others had come too early, and were held. Nothing else has a time."""
    return max(1, sum(isinstance(effect, Deliver) and effect.at_us > 0 for effect in effects))
