"""What people belong to, asked for many of them at once: thousands come back in the same seconds, often several times each."""

from __future__ import annotations

import asyncio

from chatire_shared.contracts.errors import Unavailable
from gateway_service.realtime.healing import Tasks
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.upstream import Upstream

MAX_PEOPLE = 100
CALLS = 2


class Gathering:
    """All first looks at memberships of one process.

    Who asks gets an answer that was read after that: a question joins only a call that hasn't begun. A second call goes out
    beside the first only when it is full: two half-full ones cost more and bring the answers no sooner.
    """

    def __init__(self, upstream: Upstream, tasks: Tasks) -> None:
        self._upstream = upstream
        self._tasks = tasks
        self._wanted: dict[str, asyncio.Future[Memberships]] = {}
        self._calls = 0

    async def memberships(self, user: str) -> Memberships:
        """What a person belongs to.

        Raises:
            Unavailable: the messages service can't be reached.
        """
        answer = self._wanted.get(user)
        if answer is None:
            answer = self._wanted[user] = asyncio.get_running_loop().create_future()
            if not self._calls or (self._calls < CALLS and len(self._wanted) >= MAX_PEOPLE):
                self._calls += 1
                self._tasks.start(self._work())
        # Shielded: the end of one who waits is not the end of the others.
        return await asyncio.shield(answer)

    async def _work(self) -> None:
        try:
            while self._wanted:
                batch = dict(list(self._wanted.items())[:MAX_PEOPLE])
                for user in batch:
                    del self._wanted[user]
                await self._answer(batch)
        finally:
            self._calls -= 1

    async def _answer(self, batch: dict[str, asyncio.Future[Memberships]]) -> None:
        try:
            found = await self._upstream.memberships_of(list(batch))
        except Unavailable as unavailable:
            for answer in batch.values():
                answer.set_exception(unavailable)
                answer.exception()  # Those who waited may be gone.
            return
        for answer, memberships in zip(batch.values(), found, strict=True):
            answer.set_result(memberships)
