from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from chatire_shared.contracts.errors import Unavailable
from chatire_shared.contracts.strict_json import loads
from gateway_service.realtime import uplink
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.protocol import Send
from gateway_service.realtime.uplink import BUSY_ITEMS, MAX_ITEMS, Queued, Uplink


class Messages:
    """The messages service in memory: stores in order, and can be away or refuse."""

    def __init__(self) -> None:
        self.stored: list[tuple[str, str]] = []
        self.batches: list[int] = []
        self.away = False
        self.broken = False
        self.limited: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()

    async def batch(self, tokens: list[str], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        await self.gate.wait()
        self.batches.append(len(items))
        if self.away:
            raise Unavailable
        if self.broken:
            raise RuntimeError("a bug")
        return [self._post(tokens, item) for item in items]

    def _post(self, tokens: list[str], item: dict[str, Any]) -> dict[str, Any]:
        if item["body"] in self.limited:
            return {"ok": False, "code": "rate_limited", "detail": "", "retryable": True, "retry_after_ms": 5}
        if item["body"] == "foreign":
            return {"ok": False, "code": "not_found", "detail": "", "retryable": False}
        self.stored.append((tokens[item["token"]], item["body"]))
        return {"ok": True, "seq": len(self.stored), "message_id": str(UUID(int=len(self.stored)))}


class Phone:
    """A connection as far as the uplink cares: a name."""

    def __init__(self, id: str) -> None:
        self.id = id


class Desk:
    """Uplink, service and the answers that came back."""

    def __init__(self) -> None:
        self.messages = Messages()
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.uplink = Uplink(self.messages, self._answered)

    def _answered(self, connection: Connection, frame: Frame, outcome: str) -> None:
        self.answers.append((connection.id, loads(frame.payload)))

    def send(self, who: str, conversation: str, *bodies: str) -> None:
        for body in bodies:
            frame = Send(str(uuid4()), conversation, body, None, ())
            self.uplink.put(Queued(Phone(who), f"token of {who}", frame))  # type: ignore[arg-type]

    async def settle(self) -> None:
        async with asyncio.timeout(5):
            while self.uplink.pending:
                await asyncio.sleep(0)

    def codes(self) -> list[str]:
        return [answer.get("code", "ack") for _, answer in self.answers]


ROSES, TULIPS = "0190a1b2-0000-7000-8000-000000000001", "0190a1b2-0000-7000-8000-000000000002"


async def test_what_queues_while_a_call_is_in_flight_goes_as_one() -> None:
    desk = Desk()
    desk.messages.gate.clear()
    desk.send("ada", ROSES, "first")
    await asyncio.sleep(0)
    desk.send("ada", ROSES, *(f"line {number}" for number in range(50)))
    desk.messages.gate.set()
    await desk.settle()
    assert desk.messages.batches == [1, 50]
    assert [body for _, body in desk.messages.stored] == ["first", *(f"line {number}" for number in range(50))]
    assert desk.codes() == ["ack"] * 51


async def test_a_busy_lane_lets_those_it_has_answered_say_their_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "GATHER_SHARE", 1e9)
    desk = Desk()
    desk.send("ada", ROSES, *("x" * BUSY_ITEMS))
    await desk.settle()
    for body in "yz":
        desk.send("ada", ROSES, body)
        await asyncio.sleep(0)
    await desk.settle()
    assert desk.messages.batches == [BUSY_ITEMS, 2]


async def test_a_quiet_lane_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "GATHER_SHARE", 1e9)
    monkeypatch.setattr(uplink, "MOST_GATHER_SECONDS", 3_600)
    desk = Desk()
    for number in range(3):
        desk.send("ada", ROSES, *("x" * (BUSY_ITEMS - 1)))
        await desk.settle()
        assert desk.messages.batches == [BUSY_ITEMS - 1] * (number + 1)


async def test_everybody_is_posted_in_their_own_name() -> None:
    desk = Desk()
    desk.send("ada", ROSES, "a")
    desk.send("grace", ROSES, "g")
    await desk.settle()
    assert desk.messages.stored == [("token of ada", "a"), ("token of grace", "g")]


async def test_batches_are_bounded() -> None:
    desk = Desk()
    desk.send("ada", ROSES, *("x" for _ in range(MAX_ITEMS + 10)))
    desk.send("ada", ROSES, *("y" * 8_000 for _ in range(30)))
    await desk.settle()
    assert max(desk.messages.batches) <= MAX_ITEMS
    assert len(desk.messages.batches) >= 3
    assert desk.codes() == ["ack"] * (MAX_ITEMS + 40)


async def test_a_retryable_failure_takes_what_is_queued_behind_it_there() -> None:
    desk = Desk()
    desk.messages.limited = {"limited"}
    desk.messages.gate.clear()
    desk.send("ada", ROSES, "limited")
    await asyncio.sleep(0)
    desk.send("ada", ROSES, "behind")
    desk.send("grace", ROSES, "beside")
    desk.messages.gate.set()
    await desk.settle()
    assert [body for _, body in desk.messages.stored] == ["beside"]
    assert desk.answers[0][1]["retryable"]
    assert sorted(desk.codes()) == ["ack", "rate_limited", "unavailable"]


async def test_a_final_refusal_takes_nothing_with_it() -> None:
    desk = Desk()
    desk.send("ada", ROSES, "foreign")
    desk.send("ada", ROSES, "mine")
    await desk.settle()
    assert desk.codes() == ["not_found", "ack"]


async def test_when_the_service_is_away_every_sender_is_told_and_may_retry() -> None:
    desk = Desk()
    desk.messages.away = True
    desk.send("ada", ROSES, "one", "two")
    desk.send("grace", TULIPS, "three")
    await desk.settle()
    assert desk.codes() == ["unavailable"] * 3
    assert all(answer["retryable"] and answer["retry_after_ms"] for _, answer in desk.answers)
    desk.messages.away = False
    desk.send("ada", ROSES, "again")
    await desk.settle()
    assert desk.codes()[-1] == "ack"


async def test_an_unforeseen_error_leaves_no_sender_without_an_answer() -> None:
    desk = Desk()
    desk.messages.broken = True
    desk.send("ada", ROSES, "one")
    await desk.settle()
    desk.messages.broken = False
    desk.send("ada", ROSES, "two")
    await desk.settle()
    assert desk.codes() == ["unavailable", "ack"]
