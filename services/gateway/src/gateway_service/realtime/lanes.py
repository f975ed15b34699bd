"""Events that wait for their turn: one conversation after the other, so that a busy one holds up nobody else. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Any

Message = dict[str, Any]

MAX_AT_ONCE = 32
"""Together they cost a large conversation's sockets little more than one would, each."""


class Lanes:
    """A queue for each conversation; the next events are those of who has waited longest for a turn."""

    __slots__ = ("_lanes", "_waiting")

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, deque[Message]] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def __contains__(self, conversation: str) -> bool:
        return conversation in self._lanes

    def put(self, conversation: str, message: Message) -> None:
        """An event has come; it goes behind those of its conversation."""
        lane = self._lanes.get(conversation)
        if lane is None:
            self._lanes[conversation] = deque((message,))
        else:
            lane.append(message)
        self._waiting += 1

    def take(self) -> list[Message]:
        """Some of one conversation, in order; then it is the others' turn."""
        conversation, lane = self._lanes.popitem(last=False)
        if len(lane) <= MAX_AT_ONCE:
            messages = list(lane)
        else:
            messages = [lane.popleft() for _ in range(MAX_AT_ONCE)]
            self._lanes[conversation] = lane
        self._waiting -= len(messages)
        return messages
