"""Acting out one log in one channel: each person's deeds in their order, a bounded number of messages under way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from uuid import UUID, uuid5

from chatire_client import Account, Ack, Refused
from chatire_replay.insisting import insist
from chatire_replay.ledger import Entry, Ledger
from chatire_replay.pace import Pace
from chatire_replay.script import Deed, Script, Step
from chatire_replay.troupe import Troupe


@dataclass(frozen=True, slots=True)
class Means:
    """What all channels share."""

    accounts: dict[str, Account]
    troupe: Troupe
    pace: Pace
    calls: Executor
    """Threads for joining and leaving, which are HTTP calls."""
    window: int
    """Messages under way in one channel."""
    on_sent: Callable[[], None]


class Channel:
    """One log and its channel."""

    def __init__(self, script: Script, ledger: Ledger, means: Means) -> None:
        """Act out `script`; keep the books in `ledger`."""
        self.ledger = ledger
        self._script = script
        self._means = means
        self._window = asyncio.Semaphore(means.window)
        self._lanes: dict[str, asyncio.Queue[Step | None]] = {}

    async def act(self) -> None:
        """Do everything; returns when the last message is settled and the last person has left.

        Raises: ExceptionGroup, as soon as one person can't go on: their messages would hold the others' places for ever.
        """
        async with asyncio.TaskGroup() as players:
            for step in self._script.steps:
                await self._means.pace.until(step.at_seconds)
                if step.deed is Deed.SAY:
                    await self._window.acquire()
                self._lane_of(step.who, players).put_nowait(step)
            for lane in self._lanes.values():
                lane.put_nowait(None)

    def _lane_of(self, who: str, players: asyncio.TaskGroup) -> asyncio.Queue[Step | None]:
        if who not in self._lanes:
            self._lanes[who] = asyncio.Queue()
            players.create_task(self._play(who, self._lanes[who]))
        return self._lanes[who]

    async def _play(self, who: str, lane: asyncio.Queue[Step | None]) -> None:
        """One person's deeds: messages don't wait for each other, joining and leaving wait for what was before."""
        under_way: set[asyncio.Future[Ack]] = set()
        while (step := await lane.get()) is not None:
            if step.deed is Deed.SAY:
                sent = await self._say(step)
                under_way.add(sent)
                sent.add_done_callback(under_way.discard)
            else:
                await _settled(under_way)
                await self._call(self._join if step.deed is Deed.JOIN else self._leave, who)
        await _settled(under_way)

    async def _say(self, step: Step) -> asyncio.Future[Ack]:
        live = await self._means.troupe.borrow(step.who)
        client_id = str(uuid5(UUID(self.ledger.conversation), str(step.line)))
        self.ledger.sent(Entry(client_id, step.who, step.line, step.body, time.monotonic()))
        sent = live.submit(self.ledger.conversation, step.body, client_id=client_id)
        sent.add_done_callback(lambda done: self._on_settled(step.who, client_id, done))
        self._means.on_sent()
        return sent

    def _on_settled(self, who: str, client_id: str, done: asyncio.Future[Ack]) -> None:
        self._window.release()
        self._means.troupe.release(who)
        refusal = done.exception()
        if refusal is None:
            self.ledger.acked(done.result(), time.monotonic())
        else:
            self.ledger.refused(client_id, str(refusal))

    def _call(self, call: Callable[[str], object], who: str) -> Awaitable[object]:
        return asyncio.get_running_loop().run_in_executor(self._means.calls, call, who)

    def _join(self, who: str) -> None:
        account = self._means.accounts[who]
        insist(lambda: account.call("POST", f"/api/conversations/{self.ledger.conversation}/join/"))

    def _leave(self, who: str) -> None:
        account = self._means.accounts[who]
        path = f"/api/conversations/{self.ledger.conversation}/members/{account.id}/"
        insist(lambda: account.call("DELETE", path))


async def _settled(under_way: set[asyncio.Future[Ack]]) -> None:
    for sent in list(under_way):
        try:
            await sent
        except Refused:
            continue  # The ledger has it.
