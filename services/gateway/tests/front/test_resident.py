"""A resident socket while the process has too much on its way to the messages service."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from gateway_service.front import wire
from gateway_service.front.resident import Resident
from gateway_service.realtime import uplink
from gateway_service.realtime.uplink import FULL_PAUSE_SECONDS, Queued, Uplink


class Socket:
    """A socket with three frames to take."""

    def __init__(self) -> None:
        self.frames = [(wire.TEXT, '{"type":"ping"}')] * 3

    def take(self) -> tuple[int, str] | None:
        return self.frames.pop() if self.frames else None


class Nobody:
    """A messages service that never answers."""

    async def batch(self, tokens: list[str], items: list[dict[str, Any]]) -> list[Any]:
        await asyncio.Event().wait()
        return []


async def test_who_waits_for_answers_is_taken_from_no_more_while_the_uplink_is_full(monkeypatch) -> None:
    taken: list[str] = []
    later: list[Any] = []
    monkeypatch.setattr("gateway_service.front.resident.frames_in.take", lambda _g, _c, text: taken.append(text))
    monkeypatch.setattr(uplink, "MAX_PENDING_CHARS", 10)
    full, connection, socket = Uplink(Nobody(), lambda *_: None), SimpleNamespace(outstanding=1), Socket()
    lobby = SimpleNamespace(call_later=lambda seconds, call: later.append((seconds, call)), call_soon=later.append)
    resident = Resident(lobby, socket, SimpleNamespace(uplink=full), connection)  # type: ignore[arg-type]
    send: Any = SimpleNamespace(conversation="c", body="x" * 10, id="i", reply_to=None, attachment_ids=())
    full.put(Queued(SimpleNamespace(id="s"), "token", send))  # type: ignore[arg-type]
    resident.ready()
    resident.ready()
    assert taken == []
    assert [seconds for seconds, _ in later] == [FULL_PAUSE_SECONDS]
    connection.outstanding = 0  # Whoever waits for nothing may send one, as under the other front.
    later[0][1]()
    assert len(taken) == 3
