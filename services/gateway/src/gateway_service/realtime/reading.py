"""Read markers from sockets to the messages service: the newest of each person and conversation, in batches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from chatire_shared.contracts.errors import ChatireError
from gateway_service.realtime import frames
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.healing import Tasks
from gateway_service.realtime.uplink import Numbered
from gateway_service.realtime.upstream import Upstream

MAX_ITEMS = 300


class ReadMarks:
    """All `read` frames of one process."""

    def __init__(self, upstream: Upstream, tasks: Tasks, send: Callable[[Connection, Frame], None]) -> None:
        self._upstream = upstream
        self._tasks = tasks
        self._send = send
        self._wanted: dict[tuple[Connection, str], int] = {}
        self._task: asyncio.Task[Any] | None = None

    def put(self, connection: Connection, conversation: str, seq: int) -> None:
        """Mark `conversation` as read up to `seq`; only the highest wish counts."""
        key = (connection, conversation)
        self._wanted[key] = max(seq, self._wanted.get(key, 0))
        if self._task is None:
            self._task = self._tasks.start(self._work())

    async def _work(self) -> None:
        try:
            while self._wanted:
                batch = dict(list(self._wanted.items())[:MAX_ITEMS])
                for key in batch:
                    del self._wanted[key]
                await self._mark(batch)
        finally:
            self._task = None

    async def _mark(self, batch: dict[tuple[Connection, str], int]) -> None:
        tokens = Numbered[str]()
        items = [
            {
                "token": tokens.number(connection.session.token or ""),
                "conversation": conversation,
                "seq": seq,
                "origin": connection.id,
            }
            for (connection, conversation), seq in batch.items()
        ]
        try:
            results = await self._upstream.reads(tokens.all, items)
        except ChatireError:
            unavailable = {
                "ok": False,
                "code": "unavailable",
                "detail": "The read marker can't be stored at the moment; send it again.",
                "retryable": True,
            }
            results = [unavailable] * len(batch)
        for (connection, _), result in zip(batch, results, strict=True):
            if not result.get("ok"):
                self._send(connection, _error(result))


def _error(result: dict[str, Any]) -> Frame:
    return frames.error(
        code=str(result.get("code", "internal")),
        detail=str(result.get("detail", "")),
        retryable=bool(result.get("retryable")),
    )
