"""The authors' sockets: opened when somebody speaks, at most so many at a time, the longest idle one closed first."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from random import Random

from chatire_client import Account, Live

# A gateway checks a signature for each; more at once only makes each of them slower.
OPENING_AT_ONCE = 16
READY_SECONDS = 300


class _Seat:
    def __init__(self, live: Live) -> None:
        self.live = live
        self.users = 0
        self.opening: asyncio.Task[None] | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Troupe:
    """Authors by username, each with a socket of their own while they have something to say."""

    def __init__(self, accounts: dict[str, Account], most_open: int, chance: Callable[[], Random]) -> None:
        """Keep at most `most_open` sockets."""
        self._accounts = accounts
        self._most_open = most_open
        self._chance = chance
        self._seats: OrderedDict[str, _Seat] = OrderedDict()
        self._opening = asyncio.Semaphore(OPENING_AT_ONCE)
        self._released = asyncio.Event()
        self.opened = 0

    async def borrow(self, username: str) -> Live:
        """The author's socket, connected; give it back with `release` once what was sent is settled."""
        while True:
            seat = self._seats.get(username)
            if seat is not None:
                break
            if len(self._seats) < self._most_open or await self._close_an_idle_one():
                # Somebody else may have taken the seat while an idle one was closing.
                seat = self._seats.get(username) or self._open(username)
                break
            self._released.clear()
            await self._released.wait()
        seat.users += 1
        self._seats.move_to_end(username)
        await asyncio.shield(seat.opened)
        return seat.live

    def release(self, username: str) -> None:
        """Give a borrowed socket back."""
        self._seats[username].users -= 1
        self._released.set()

    async def close(self) -> None:
        """Close all."""
        seats = list(self._seats.values())
        self._seats.clear()
        await asyncio.gather(*(seat.live.stop() for seat in seats))

    def _open(self, username: str) -> _Seat:
        live = Live(self._accounts[username], follow=False, random=self._chance())
        seat = self._seats[username] = _Seat(live)
        seat.opening = asyncio.create_task(self._start(seat))
        return seat

    async def _start(self, seat: _Seat) -> None:
        try:
            async with self._opening:
                await seat.live.start(within=READY_SECONDS)
        except Exception as failed:  # noqa: BLE001 (whoever waits for the seat gets it)
            seat.opened.set_exception(failed)
        else:
            self.opened += 1
            seat.opened.set_result(None)

    async def _close_an_idle_one(self) -> bool:
        for username, seat in self._seats.items():
            if seat.users == 0 and seat.opened.done():
                del self._seats[username]
                await seat.live.stop()
                return True
        return False
