"""A device that sends the same messages as often as it is told to, and notes what each single send is answered."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from contextlib import suppress

from chatire_client import Account, Wire
from chatire_client.wire import Frame

PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.2
RENEW_SECONDS = 120.0
"""With less left than this a token is not the fresh one: `session` comes 60 s before the end, by an overloaded clock later."""


class Repeater:
    """One socket of one person, at one gateway.

    Attributes:
        shown: Of each conversation, the `seq` of the events that came, in their order.
        refused: Answers that were no ack and may not be tried again.
    """

    def __init__(self, account: Account, gateway: str) -> None:
        """Prepare; `gateway` is where it listens itself."""
        self.account = account
        self.shown: dict[str, list[int]] = defaultdict(list)
        self.refused: list[str] = []
        self._gateway = gateway
        self._waiting: dict[str, deque[asyncio.Future[Frame]]] = defaultdict(deque)

    async def open(self) -> None:
        """Connect, and read from now on."""
        self._wire = await Wire.open(f"ws://{self._gateway}/ws")
        await self._wire.send("auth", token=self.account.access)
        ready = await asyncio.wait_for(self._wire.receive(), PATIENCE_SECONDS)
        self.began = {one["id"]: one["last_seq"] for one in ready["conversations"]}
        self._expires_at = ready["session"]["expires_at"]
        self._reader = asyncio.create_task(self._read())
        self._renewing: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Disconnect."""
        for task in (self._reader, *([self._renewing] if self._renewing else [])):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._wire.close()

    async def send(self, conversation: str, client_id: str, body: str) -> int:
        """Send once; the `seq` of its own ack, each send being answered by one."""
        while True:
            answer = await self._send_once(conversation, client_id, body)
            if answer["type"] == "ack":
                return int(answer["seq"])
            if not answer["retryable"]:
                self.refused.append(f"{answer['code']}: {answer['detail']}")
                return 0
            await asyncio.sleep(answer.get("retry_after_ms", 0) / 1_000 or RETRY_SECONDS)

    async def _send_once(self, conversation: str, client_id: str, body: str) -> Frame:
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._waiting[client_id].append(answer)
        await self._wire.send("send", id=client_id, conversation=conversation, body=body)
        return await asyncio.wait_for(answer, PATIENCE_SECONDS)

    async def _read(self) -> None:
        while True:
            frame = await self._wire.receive()
            if frame["type"] == "event":
                self.shown[frame["conversation"]].append(frame["seq"])
            elif frame["type"] == "events":
                self.shown[frame["conversation"]] += [event["seq"] for event in frame["events"]]
            elif frame["type"] == "session" and frame["expires_at"] == self._expires_at:
                self._renewing = asyncio.create_task(self._renew())
            elif frame["type"] == "session":
                self._expires_at = frame["expires_at"]
            elif frame["type"] in {"ack", "error"} and self._waiting[frame["id"]]:
                self._waiting[frame["id"]].popleft().set_result(frame)

    async def _renew(self) -> None:
        """The token ends within a minute: show a fresh one, which the person's other device may have got already."""
        if self.account.seconds_left() < RENEW_SECONDS:
            await asyncio.to_thread(self.account.refresh, spent=self.account.access)
        await self._wire.send("auth", token=self.account.access)
