"""A client that trusts nothing: it checks each frame against the contract (G2, G5, G6) as it comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from truth import Truth

from gateway_service.realtime.frames import Frame
from gateway_service.realtime.people import Memberships


class Watcher:
    """One socket's other end.

    Attributes:
        last: By conversation that it is in, the newest seq it has.
        seen: All events that came, as (conversation, seq).
    """

    def __init__(self, name: str, user: str, truth: Truth) -> None:
        self.name = name
        self.user = user
        self.last: dict[str, int] = {}
        self.epochs: dict[str, str] = {}
        self.seen: list[tuple[str, int]] = []
        self._truth = truth

    def ready(self, memberships: Memberships, cursors: Mapping[str, int]) -> None:
        """`ready` came, made of these memberships."""
        self.last = {item.conversation: item.last_seq for item in memberships.by_conversation.values()}
        self.restart(memberships, cursors)

    def restart(self, memberships: Memberships, cursors: Mapping[str, int]) -> None:
        """What the cursors ask for begins anew."""
        for item in memberships.by_conversation.values():
            self.epochs[item.conversation] = item.epoch
            if item.conversation in cursors:
                self.last[item.conversation] = max(cursors[item.conversation], item.visible_from_seq - 1)

    def receive(self, frame: Frame) -> None:
        """Check one frame."""
        message = json.loads(frame.payload)
        getattr(self, f"_{message['type']}")(message)

    def _event(self, event: dict[str, Any]) -> None:
        conversation, seq = event["conversation"], event["seq"]
        assert conversation in self.last, f"{self.name} got {seq} of a conversation it isn't in"
        assert seq == self.last[conversation] + 1, f"{self.name} got {seq} after {self.last[conversation]}"
        log, body = self._truth.logs[conversation], json.dumps(event)
        assert body in log.stays_by_body, "an event that never was"
        assert log.may_have_seen(self.user, body, seq), f"{self.name} got {seq}, which its user may not see"
        self.last[conversation] = seq
        self.seen.append((conversation, seq))

    def _events(self, message: dict[str, Any]) -> None:
        assert 1 <= len(message["events"]) <= 100
        for event in message["events"]:
            assert event["conversation"] == message["conversation"]
            self._event(event)

    def _joined(self, message: dict[str, Any]) -> None:
        assert message["conversation"] not in self.last, f"{self.name} joined twice"
        self.last[message["conversation"]] = message["last_seq"]

    def _left(self, message: dict[str, Any]) -> None:
        last = self.last.pop(message["conversation"], None)
        if "seq" in message:
            assert last == message["seq"], f"{self.name} left at {message['seq']} but has {last}"

    def _resync(self, message: dict[str, Any]) -> None:
        assert message["conversation"] in self.last
        self.last[message["conversation"]] = message["last_seq"]
