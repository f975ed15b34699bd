"""Events, and the reader's position in each conversation: pure, and strict about G2 (in order, each once, no gap)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a conversation's log (protocol.md section 4), whichever way it came."""

    conversation: str
    seq: int
    kind: str
    actor: str | None
    data: dict[str, Any]

    @classmethod
    def read(cls, fields: dict[str, Any]) -> Event:
        """The event in a frame or an HTTP list; unknown fields are ignored, missing ones are an error."""
        return cls(fields["conversation"], fields["seq"], fields["kind"], fields.get("actor"), fields["data"])


class Arrival(Enum):
    """How an event stands to what came before it."""

    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"


class Cursors:
    """The last `seq` seen in each conversation."""

    def __init__(self) -> None:
        """Know no conversation yet."""
        self._latest: dict[str, int] = {}
        self._epochs: dict[str, str] = {}

    def latest(self, conversation: str) -> int | None:
        """The last seq seen there, None where this reader is not."""
        return self._latest.get(conversation)

    def place(self, conversation: str, seq: int) -> None:
        """Go on from `seq`: after `joined` and `resync`, and for a conversation without a cursor after `ready`."""
        self._latest[conversation] = seq

    def forget(self, conversation: str) -> None:
        """Nothing follows there any more."""
        self._latest.pop(conversation, None)
        self._epochs.pop(conversation, None)

    def on_ready(self, conversations: list[dict[str, Any]]) -> None:
        """Take the place of every conversation that has none; the others are replayed from where they are."""
        for each in conversations:
            self._epochs[each["id"]] = each["epoch"]
            if each["id"] not in self._latest:
                self._latest[each["id"]] = each["last_seq"]
            # A cursor below what one may see counts as the one just before it.
            self._latest[each["id"]] = max(self._latest[each["id"]], each["visible_from_seq"] - 1)

    def arrive(self, event: Event) -> Arrival:
        """Move on with an event. A duplicate leaves the place as it was, a gap is stepped over (and told)."""
        latest = self._latest.get(event.conversation, 0)
        if event.seq <= latest:
            return Arrival.DUPLICATE
        self._latest[event.conversation] = event.seq
        return Arrival.NEXT if event.seq == latest + 1 else Arrival.GAP

    def chunks(self, size: int = 500) -> list[dict[str, dict[str, int] | dict[str, str]]]:
        """The fields of `auth` and `resume`: at most 500 cursors a frame, each with its epoch where that is known."""
        ids = list(self._latest)
        parts = [ids[start : start + size] for start in range(0, len(ids), size)] or [[]]
        return [
            {
                "cursors": {each: self._latest[each] for each in part},
                "epochs": {each: self._epochs[each] for each in part if each in self._epochs},
            }
            for part in parts
        ]
