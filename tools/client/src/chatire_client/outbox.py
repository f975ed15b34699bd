"""What one client still has to get stored: pure, and the order of each conversation is kept through every repeat.

A message goes out as often as it takes, always under its own id: a lost connection neither loses nor doubles it (G4).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chatire_client.errors import ClientError


@dataclass(frozen=True, slots=True)
class Ack:
    """The message is committed."""

    id: str
    conversation: str
    seq: int
    message_id: str


class Refused(ClientError):
    """The server will not take the message, however often it is sent."""

    def __init__(self, code: str, detail: str) -> None:
        """Refused with `code`."""
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}")


Settled = Callable[[Ack | Refused], None]


@dataclass(slots=True)
class _Item:
    fields: dict[str, Any]
    settled: Settled
    in_flight: bool = False


@dataclass(slots=True)
class _Lane:
    """One conversation's messages in the order they were written."""

    items: dict[str, _Item] = field(default_factory=dict)
    repeating: bool = False

    def idle(self) -> bool:
        return not any(item.in_flight for item in self.items.values())


class Outbox:
    """All lanes of one client. `send` is called for every frame that has to go out now, in order."""

    def __init__(self, send: Callable[[dict[str, Any]], None], repeat_later: Callable[[str, float], None]) -> None:
        """Send through `send`; `repeat_later(conversation, seconds)` asks to call `repeat` after a while."""
        self._send = send
        self._repeat_later = repeat_later
        self._lanes: dict[str, _Lane] = {}
        self._connected = False

    def __len__(self) -> int:
        """How many messages are not settled."""
        return sum(len(lane.items) for lane in self._lanes.values())

    def add(self, fields: dict[str, Any], settled: Settled) -> None:
        """Queue a message; `settled` is called once, with the ack or the refusal."""
        lane = self._lanes.setdefault(fields["conversation"], _Lane())
        item = lane.items[fields["id"]] = _Item(fields, settled)
        if self._connected and not lane.repeating:
            self._put_out(item)

    def connected(self) -> None:
        """A new connection: everything unsettled goes out again."""
        self._connected = True
        for conversation in list(self._lanes):
            self.repeat(conversation)

    def disconnected(self) -> None:
        """Nothing goes out, and no answer will come, until the next connection."""
        self._connected = False
        for lane in self._lanes.values():
            for item in lane.items.values():
                item.in_flight = False

    def repeat(self, conversation: str) -> None:
        """Send a lane again from its oldest unsettled message, unless answers are still under way."""
        lane = self._lanes.get(conversation)
        if lane is None or not self._connected or not lane.idle():
            return
        lane.repeating = False
        for item in list(lane.items.values()):
            self._put_out(item)

    def acked(self, ack: Ack) -> bool:
        """Settle a message; False when it is not (or no longer) one of ours."""
        item = self._take(ack.conversation, ack.id)
        if item is None:
            return False
        item.settled(ack)
        self._maybe_repeat(ack.conversation, 0.0)
        return True

    def failed(self, item_id: str, refusal: Refused, *, retryable: bool, retry_after_seconds: float) -> bool:
        """An `error` for a message: settled when final, else its lane is repeated once nothing is under way there."""
        conversation = next((name for name, lane in self._lanes.items() if item_id in lane.items), None)
        if conversation is None:
            return False
        lane = self._lanes[conversation]
        if retryable:
            lane.items[item_id].in_flight = False
            lane.repeating = True
        else:
            lane.items.pop(item_id).settled(refusal)
        self._maybe_repeat(conversation, retry_after_seconds)
        return True

    def abandon(self, refusal: Refused) -> None:
        """There is no next connection: settle everything with `refusal`."""
        lanes, self._lanes = self._lanes, {}
        for lane in lanes.values():
            for item in lane.items.values():
                item.settled(refusal)

    def _maybe_repeat(self, conversation: str, seconds: float) -> None:
        lane = self._lanes[conversation]
        if not lane.items:
            del self._lanes[conversation]
        elif lane.repeating and lane.idle():
            self._repeat_later(conversation, seconds)

    def _take(self, conversation: str, item_id: str) -> _Item | None:
        lane = self._lanes.get(conversation)
        return lane.items.pop(item_id, None) if lane else None

    def _put_out(self, item: _Item) -> None:
        item.in_flight = True
        self._send(item.fields)
