"""Getting what is missing from the messages service: ranges, heads, memberships; batched, and asked until it works."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from chatire_shared.contracts.errors import Unavailable
from chatire_shared.crash_points import hit
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.ring import Entry, entry_from_body
from gateway_service.realtime.upstream import Upstream

logger = logging.getLogger("chatire.gateway")

RETRY_SECONDS = 0.3
MOST_RETRY_SECONDS = 2.0
PAGE_EVENTS = 200
LEAST_PAGE_EVENTS = 10
PAGE_BYTES = 262_144
"""About so much is asked for at once: as much as a replay may fill of a socket's queue, since the rest would wait here."""
USUAL_EVENT_BYTES = 2_048.0
FORGETTING = 0.05
"""How fast it is forgotten, page by page, that events were large."""
MAX_RANGES = 20
MAX_HEADS = 2_000

Answer = TypeVar("Answer")

OnFetched = Callable[[str, int, Mapping[str, Any], Sequence[Entry]], None]
"""Takes conversation, `after`, the answer, and its entries."""


class Tasks:
    """Background tasks that are kept from the garbage collector and ended together."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run it; an exception is logged."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def stop(self) -> None:
        """Cancel all."""
        for task in self._tasks:
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("a background task failed", exc_info=task.exception())


class Ranges:
    """Fetches pages of logs; the same page wanted by many is fetched once, different ones travel together."""

    def __init__(self, upstream: Upstream, tasks: Tasks, on_fetched: OnFetched) -> None:
        self._upstream = upstream
        self._tasks = tasks
        self._on_fetched = on_fetched
        self._wanted: dict[tuple[str, int], None] = {}
        self._task: asyncio.Task[Any] | None = None
        self._event_bytes = USUAL_EVENT_BYTES

    @property
    def page_events(self) -> int:
        """How many events a page has at most, by how large they were lately."""
        return max(LEAST_PAGE_EVENTS, min(PAGE_EVENTS, int(PAGE_BYTES / self._event_bytes)))

    def want(self, conversation: str, after: int, delay_seconds: float) -> None:
        """Fetch what follows `after`, now or a moment later."""
        if delay_seconds > 0:
            asyncio.get_running_loop().call_later(delay_seconds, self._add, conversation, after)
        else:
            self._add(conversation, after)

    def _add(self, conversation: str, after: int) -> None:
        self._wanted[conversation, after] = None
        if self._task is None:
            self._task = self._tasks.start(self._work())

    async def _work(self) -> None:
        try:
            while self._wanted:
                batch = list(self._wanted)[:MAX_RANGES]
                for key in batch:
                    del self._wanted[key]
                answers = await self._fetch(batch)
                hit("gateway.in_healing")
                for (conversation, after), answer in zip(batch, answers, strict=True):
                    self._measure(answer["bodies"])
                    entries = [entry_from_body(body) for body in answer["bodies"]]
                    self._on_fetched(conversation, after, answer, _run(after, entries))
        finally:
            self._task = None

    async def _fetch(self, batch: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
        limit = self.page_events
        ranges = [{"conversation": conversation, "after": after, "limit": limit} for conversation, after in batch]
        return await until_it_works(lambda: self._upstream.ranges(ranges))

    def _measure(self, bodies: Sequence[str]) -> None:
        """Large events are believed at once, small ones little by little."""
        if bodies:
            mean = sum(map(len, bodies)) / len(bodies)
            self._event_bytes = max(mean, self._event_bytes + FORGETTING * (mean - self._event_bytes))


class Heads:
    """Asks for the heads of conversations; what is wanted while a call is in flight goes with the next."""

    def __init__(
        self,
        upstream: Upstream,
        tasks: Tasks,
        on_heads: Callable[[Mapping[str, tuple[str, int]], Sequence[str], Mapping[str, int]], None],
    ) -> None:
        self._upstream = upstream
        self._tasks = tasks
        self._on_heads = on_heads
        self._conversations: dict[str, None] = {}
        self._users: dict[str, None] = {}
        self._task: asyncio.Task[Any] | None = None

    @property
    def busy(self) -> bool:
        """Whether a call is in flight."""
        return self._task is not None

    def want(self, conversations: Sequence[str], users: Sequence[str] = ()) -> None:
        """Look where these stand."""
        self._conversations |= dict.fromkeys(conversations)
        self._users |= dict.fromkeys(users)
        if self._task is None and (self._conversations or self._users):
            self._task = self._tasks.start(self._work())

    async def _work(self) -> None:
        try:
            while self._conversations or self._users:
                conversations, users = _take(self._conversations), _take(self._users)
                heads, versions = await until_it_works(partial(self._upstream.heads, conversations, users))
                self._on_heads(heads, conversations, versions)
        finally:
            self._task = None


class Refreshing:
    """Asks what people belong to; one call at a time for each of them."""

    def __init__(self, upstream: Upstream, tasks: Tasks, on_members: Callable[[Memberships], None]) -> None:
        self._upstream = upstream
        self._tasks = tasks
        self._on_members = on_members
        self._under_way: dict[str, bool] = {}

    def want(self, user: str) -> None:
        """Ask; when somebody asks already, once more after that, since its answer may be older than the wish."""
        if user in self._under_way:
            self._under_way[user] = True
        else:
            self._under_way[user] = False
            self._tasks.start(self._work(user))

    async def _work(self, user: str) -> None:
        try:
            while True:
                self._under_way[user] = False
                self._on_members(await until_it_works(lambda: self._upstream.memberships(user)))
                if not self._under_way[user]:
                    return
                await asyncio.sleep(RETRY_SECONDS / 3)
        finally:
            del self._under_way[user]


async def until_it_works(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call again after a pause while the messages service is away, or whatever else stands in the way.

    Giving up would leave a conversation unrepaired for as long as the process lives.
    """
    pause = RETRY_SECONDS
    while True:
        try:
            return await call()
        except Exception as error:
            if not isinstance(error, Unavailable):
                logger.exception("a call of the messages service failed; it is tried again")
            await asyncio.sleep(pause)
            pause = min(pause * 2, MOST_RETRY_SECONDS)


def _take(wanted: dict[str, None]) -> list[str]:
    taken = list(wanted)[:MAX_HEADS]
    for name in taken:
        del wanted[name]
    return taken


def _run(after: int, entries: Sequence[Entry | None]) -> list[Entry]:
    """The entries that follow `after` without a gap; anything else in an answer is nothing to build on."""
    run: list[Entry] = []
    for entry in entries:
        if entry is None or entry.seq != after + len(run) + 1:
            break
        run.append(entry)
    return run
