"""What comes over the bus waits for its turn, within bounds, and is not asked for meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from chatire_shared.contracts import envelopes
from gateway_service.realtime import hearing as hearing_module
from gateway_service.realtime import lanes as lanes_module
from gateway_service.realtime.crowd import Crowd
from gateway_service.realtime.effects import Deliver, DeliverRun
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.hearing import Hearing
from gateway_service.realtime.metrics import Metrics
from gateway_service.realtime.ring import Entry

LARGE, SMALL = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
AUDIENCE = ("a socket",)
EPOCH = "33333333-3333-4333-8333-333333333333"


class Hub:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, int]] = []
        self.heads: list[dict[str, int]] = []
        self.breaks_at = 0

    def event(self, conversation: str, epoch: str, entry: Entry) -> list[Any]:
        self.events.append((conversation, entry.seq))
        if entry.seq == self.breaks_at:
            raise RuntimeError("this one can't be handled")
        return [Deliver(AUDIENCE, Frame(b"%d" % entry.seq), entry.at_us)]

    def ticked(self, heads: Mapping[str, int]) -> list[Any]:
        self.heads.append(dict(heads))
        return []

    def versions(self, versions: Sequence[tuple[str, int]]) -> list[Any]:
        return []


class Ears:
    def __init__(self) -> None:
        self.hub = Hub()
        self.metrics = Metrics()
        self.done: list[Any] = []
        self.fails_at = 0
        runner: Any = type("Runner", (), {"run": lambda _self, effects: self._do(effects)})()
        hub: Any = self.hub
        self.hearing = Hearing(
            hub=hub,
            runner=runner,
            crowd=Crowd(limits=True, now=0.0),
            metrics=self.metrics,
            on_auth_changed=lambda: None,
        )

    def _do(self, effects: Sequence[Any]) -> None:
        if len(self.hub.events) == self.fails_at:
            raise RuntimeError("this can't be done")
        self.done += effects

    def hear(self, conversation: str, seq: int) -> None:
        self.hearing.on_message(
            envelopes.event(
                kind="message.created", conversation=conversation, seq=seq, epoch=EPOCH, at_us=1, body=b"{}"
            )
        )

    async def quiet(self) -> None:
        while self.hearing.waiting:
            await asyncio.sleep(0)


async def test_a_busy_conversation_holds_up_no_other() -> None:
    ears = Ears()
    for seq in range(1, 51):
        ears.hear(LARGE, seq)
    ears.hear(SMALL, 1)
    await ears.quiet()
    assert ears.hub.events.index((SMALL, 1)) == lanes_module.MAX_AT_ONCE
    assert [seq for name, seq in ears.hub.events if name == LARGE] == list(range(1, 51))


async def test_a_turn_ends_and_others_have_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing_module, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(lanes_module, "MAX_AT_ONCE", 1)
    ears = Ears()
    for seq in range(1, 4):
        ears.hear(LARGE, seq)
    seen = []
    for _ in range(3):
        await asyncio.sleep(0)
        seen.append(len(ears.hub.events))
    assert seen == [1, 2, 3]
    assert ears.hearing.waiting == 0


async def test_no_more_waits_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing_module, "MAX_WAITING", 3)
    monkeypatch.setattr(lanes_module, "MAX_AT_ONCE", 1)
    ears = Ears()
    for seq in range(1, 11):
        ears.hear(LARGE, seq)
    assert [seq for _name, seq in ears.hub.events] == list(range(1, 8))
    await ears.quiet()
    assert len(ears.hub.events) == 10


async def test_what_follows_from_events_that_came_together_is_done_together() -> None:
    ears = Ears()
    for seq in range(1, 4):
        ears.hear(LARGE, seq)
    await ears.quiet()
    assert [type(effect) for effect in ears.done] == [DeliverRun]
    assert [frame.payload for frame in ears.done[0].run.each] == [b"1", b"2", b"3"]


async def test_a_tick_says_nothing_of_conversations_whose_events_wait_here() -> None:
    ears = Ears()
    ears.hear(LARGE, 1)
    tick = envelopes.tick(relay="r", n=1, heads=[[LARGE, 1], [SMALL, 5]], members=[])
    ears.hearing.on_message(tick)
    await ears.quiet()
    ears.hearing.on_message(tick)
    assert ears.hub.heads == [{SMALL: 5}, {LARGE: 1, SMALL: 5}]


async def test_an_event_that_cannot_be_handled_ends_nothing() -> None:
    ears = Ears()
    ears.hub.breaks_at = 2
    for seq in range(1, 4):
        ears.hear(LARGE, seq)
    await ears.quiet()
    assert len(ears.hub.events) == 3


async def test_what_follows_and_cannot_be_done_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "MAX_AT_ONCE", 1)
    ears = Ears()
    ears.fails_at = 2
    for seq in range(1, 4):
        ears.hear(LARGE, seq)
    await ears.quiet()
    assert [effect.at_us for effect in ears.done] == [1, 1]


async def test_garbage_is_counted_when_its_turn_comes() -> None:
    ears = Ears()
    ears.hearing.on_message({"type": envelopes.EVENT, "conversation": LARGE, "seq": -1})
    ears.hear(LARGE, 1)
    await ears.quiet()
    assert ears.metrics.garbage == 1
    assert ears.hub.events == [(LARGE, 1)]
