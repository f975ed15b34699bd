"""From sockets to the messages service in batches: what queues while a call is in flight goes as one (architecture.md).

A quiet system pays for one short call, a busy one shares its cost. One conversation is always in the same lane, so what
a connection sends to it is posted in the order sent, and a failure takes what is queued behind it there with it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from chatire_shared.contracts.errors import Unavailable
from chatire_shared.contracts.ids import is_canonical_uuid, uuid7_text
from chatire_shared.crash_points import hit
from gateway_service.realtime import frames
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.protocol import Send

logger = logging.getLogger("chatire.gateway")

LANES = 2
MAX_ITEMS = 300
MAX_BATCH_CHARS = 150_000
"""Of bodies; at four bytes each and with their JSON around them a batch stays under 1 MiB."""
MAX_PENDING_CHARS = 16_777_216
"""Of bodies that wait in one process; over it sockets are read from more slowly."""
RETRY_AFTER_MS = 1_000
BUSY_ITEMS = 8
GATHER_SHARE, MOST_GATHER_SECONDS = 0.1, 0.005
"""After a batch of so many a lane waits for a tenth of the time that it took: those who were just answered say their next, and
half as many calls bring the same."""
FULL_PAUSE_SECONDS = 0.25
"""How long who finds it full waits before looking again."""

Result = dict[str, Any]


class Queued(NamedTuple):
    """A `send` on its way."""

    connection: Connection
    token: str
    frame: Send

    @property
    def lane_key(self) -> tuple[str, str]:
        """What its order is kept within."""
        return self.connection.id, self.frame.conversation


class Poster(Protocol):
    """Who posts a batch."""

    async def batch(self, tokens: list[str], items: list[dict[str, Any]]) -> list[Result]:
        """One result for each item; raises Unavailable."""


class Uplink:
    """All sends of one process."""

    def __init__(self, poster: Poster, answer: Callable[[Connection, Frame, str], None]) -> None:
        """Prepare; calls begin with the first send.

        Args:
            poster: The messages service.
            answer: Takes each `ack` or `error` frame for its connection, and the outcome's name for the metrics.
        """
        self._lanes = [_Lane(poster, answer) for _ in range(LANES)]

    def put(self, queued: Queued) -> None:
        """Take a send; its answer comes through `answer`."""
        self._lanes[hash(queued.frame.conversation) % LANES].put(queued)

    @property
    def pending(self) -> int:
        """Sends that were not answered yet."""
        return sum(lane.pending for lane in self._lanes)

    @property
    def pending_chars(self) -> int:
        """How long the bodies of these are."""
        return sum(lane.pending_chars for lane in self._lanes)

    @property
    def is_full(self) -> bool:
        """Whether so much waits that nobody should add to it."""
        return self.pending_chars >= MAX_PENDING_CHARS


class _Lane:
    def __init__(self, poster: Poster, answer: Callable[[Connection, Frame, str], None]) -> None:
        self._poster = poster
        self._answer = answer
        self._queue: deque[Queued] = deque()
        self._task: asyncio.Task[None] | None = None
        self.pending = 0
        self.pending_chars = 0

    def put(self, queued: Queued) -> None:
        self._queue.append(queued)
        self.pending += 1
        self.pending_chars += len(queued.frame.body)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                began = time.monotonic()
                batch = self._take()
                results = await self._post(batch)
                hit("gateway.before_acks")
                self._conclude(batch, results)
                if len(batch) >= BUSY_ITEMS:
                    await asyncio.sleep(min(MOST_GATHER_SECONDS, GATHER_SHARE * (time.monotonic() - began)))
        finally:
            self._task = None

    def _take(self) -> list[Queued]:
        batch: list[Queued] = []
        chars = 0
        while self._queue and len(batch) < MAX_ITEMS:
            chars += len(self._queue[0].frame.body)
            if batch and chars > MAX_BATCH_CHARS:
                break
            batch.append(self._queue.popleft())
        return batch

    async def _post(self, batch: list[Queued]) -> list[Result]:
        tokens = Numbered[str]()
        items = [_item(queued, tokens.number(queued.token)) for queued in batch]
        try:
            return await self._poster.batch(tokens.all, items)
        except Unavailable:
            return [_unavailable()] * len(batch)
        except Exception:
            # Whatever it is: every sender must get an answer, and the lane must live.
            logger.exception("a batch failed in an unforeseen way")
            return [_unavailable()] * len(batch)

    def _conclude(self, batch: list[Queued], results: Iterable[Result]) -> None:
        failed: set[tuple[str, str]] = set()
        for queued, result in zip(batch, results, strict=True):
            if not result.get("ok") and result.get("retryable"):
                failed.add(queued.lane_key)
            self._tell(queued, result)
        if failed:
            behind = [queued for queued in self._queue if queued.lane_key in failed]
            self._queue = deque(queued for queued in self._queue if queued.lane_key not in failed)
            for queued in behind:
                self._tell(queued, _unavailable("What you sent before this has failed; send both again in order."))

    def _tell(self, queued: Queued, result: Result) -> None:
        self.pending -= 1
        self.pending_chars -= len(queued.frame.body)
        frame, outcome = _frame(queued.frame, result)
        self._answer(queued.connection, frame, outcome)


T = TypeVar("T")


class Numbered(Generic[T]):
    """Different values, each with the place where it stands in a list."""

    def __init__(self) -> None:
        self.all: list[T] = []
        self._places: dict[T, int] = {}

    def number(self, value: T) -> int:
        """The place of `value`, the next one if it is new."""
        place = self._places.get(value)
        if place is None:
            place = self._places[value] = len(self.all)
            self.all.append(value)
        return place


def _item(queued: Queued, token: int) -> dict[str, Any]:
    frame = queued.frame
    item: dict[str, Any] = {
        "token": token,
        "client_id": frame.id,
        "conversation": frame.conversation,
        "body": frame.body,
        "request_id": uuid7_text(),
    }
    if frame.reply_to is not None:
        item["reply_to"] = frame.reply_to
    if frame.attachment_ids:
        item["attachment_ids"] = list(frame.attachment_ids)
    return item


def _unavailable(detail: str = "The message can't be stored at the moment; send it again.") -> Result:
    return {"ok": False, "code": "unavailable", "detail": detail, "retryable": True, "retry_after_ms": RETRY_AFTER_MS}


def _frame(sent: Send, result: Result) -> tuple[Frame, str]:
    seq, message_id = result.get("seq"), result.get("message_id")
    if result.get("ok") and isinstance(seq, int) and is_canonical_uuid(message_id):
        return frames.ack(id=sent.id, conversation=sent.conversation, seq=seq, message_id=str(message_id)), "acked"
    if result.get("ok"):
        result = _unavailable()  # It may be posted, but nobody can say where: sending it again tells.
    retry_after = result.get("retry_after_ms")
    code = str(result.get("code", "internal"))
    frame = frames.error(
        code=code,
        detail=str(result.get("detail", "")),
        id=sent.id,
        retryable=bool(result.get("retryable")),
        retry_after_ms=int(retry_after) if retry_after is not None else None,
    )
    return frame, code
