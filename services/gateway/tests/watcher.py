"""A client that trusts nothing: it checks each frame against the contract (G2, G5, G6) as it comes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from truth import Truth

from gateway_service.realtime import belonging
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.people import Membership, Memberships


class Watcher:
    """One socket's other end.

    Attributes:
        last: By conversation that it is in, the newest seq it has.
        seen: All events that came, as (conversation, seq).
        resyncs: How often it was told to fetch anew.
        refused: Conversations it has asked for that aren't its own, and has not been told so yet.
    """

    def __init__(self, name: str, user: str, truth: Truth) -> None:
        self.name = name
        self.user = user
        self.last: dict[str, int] = {}
        self.seen: list[tuple[str, int]] = []
        self.resyncs = 0
        self._epochs: dict[str, str] = {}
        self.refused: set[str] = set()
        self._hopeless: set[str] = set()
        self._truth = truth

    def ready(self, memberships: Memberships, cursors: Mapping[str, int], epochs: Mapping[str, str]) -> None:
        """`ready` came, made of these memberships."""
        self.last = {item.conversation: item.last_seq for item in memberships.by_conversation.values()}
        self._epochs = {item.conversation: item.epoch for item in memberships.by_conversation.values()}
        self.restart(memberships, cursors, epochs)

    def restart(self, memberships: Memberships, cursors: Mapping[str, int], epochs: Mapping[str, str]) -> None:
        """What the cursors ask for begins anew."""
        self.refused |= cursors.keys() - memberships.by_conversation.keys()
        for item in memberships.by_conversation.values():
            if item.conversation in cursors:
                self._begin(item, cursors[item.conversation], epochs.get(item.conversation, item.epoch))

    def _begin(self, item: Membership, cursor: int, epoch: str) -> None:
        start = max(cursor, item.visible_from_seq - 1)
        self.last[item.conversation] = start
        self._epochs[item.conversation] = item.epoch
        self._hopeless.discard(item.conversation)
        too_far = item.last_seq - start > belonging.MAX_REPLAY
        if too_far or cursor > item.last_seq or epoch != item.epoch:
            self._hopeless.add(item.conversation)

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
        epoch = self._epochs.get(conversation)
        assert epoch is None or epoch in log.epochs_by_body[body], f"{self.name} got {seq} out of another epoch"
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
        self._epochs.pop(message["conversation"], None)
        self.last[message["conversation"]] = message["last_seq"]

    def _left(self, message: dict[str, Any]) -> None:
        self.refused.discard(message["conversation"])
        last = self.last.pop(message["conversation"], None)
        if "seq" in message:
            assert last == message["seq"], f"{self.name} left at {message['seq']} but has {last}"

    def _resync(self, message: dict[str, Any]) -> None:
        conversation = message["conversation"]
        assert conversation in self.last
        log = self._truth.logs[conversation]
        lost = self.last[conversation] + 1 < log.kept_from
        allowed = conversation in self._hopeless or lost or log.troubled
        assert allowed, f"{self.name} has {self.last[conversation]} and was told to fetch anew for no reason"
        self._hopeless.discard(conversation)
        self._epochs.pop(conversation, None)
        self.resyncs += 1
        self.last[conversation] = message["last_seq"]
