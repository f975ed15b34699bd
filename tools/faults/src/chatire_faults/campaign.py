"""One campaign: a stack, people who talk, a nemesis, quiet, and the check of everything that was noted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from chatire_client import Account, Http
from chatire_faults.checker import Verdict, check
from chatire_faults.figures import Figures, Run, summed_up
from chatire_faults.history import History, Sent, Stored, StoredEvent
from chatire_faults.insisting import insist
from chatire_faults.lateness import broken_times, check_lateness
from chatire_faults.nemesis import Nemesis
from chatire_faults.prober import Prober
from chatire_faults.proxy import GOOD, FaultProxy
from chatire_faults.sampler import Sampler
from chatire_faults.stack import Stack
from chatire_faults.talker import Talker
from chatire_faults.world import World

HEALTHY_WITHIN_SECONDS = 60.0
EXTRA_SECONDS = 20.0
THREADS = 64
LOOK_EVERY_SECONDS = 0.2
OPENING_AT_ONCE = 8
_CLIENTS_OF_A_PROXY = 4
_HTTP_CONNECTIONS = 16
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    Attributes:
        rate: Messages per second of all clients together.
        acked: Go on until so many are acknowledged, for at most twice the time.
        patience_seconds: How long everything may take to settle once nothing is broken any more.
    """

    seed: int
    faults: Sequence[str]
    minutes: float = 5.0
    clients: int = 60
    conversations: int = 20
    rate: float = 20.0
    every_seconds: float = 6.0
    acked: int = 0
    patience_seconds: float = 90.0


class Campaign:
    """Everything of one run. `run` is all there is to call."""

    def __init__(self, stack: Stack, options: Options, tell: Callable[[str], None]) -> None:
        """Prepare; progress goes to `tell`."""
        self._stack = stack
        self._options = options
        self._tell = tell
        self._random = Random(options.seed)
        self._trouble: list[str] = []
        self._sampler = Sampler(stack)
        self.history = History([], [], [])

    async def run(self) -> Figures:
        """Do it."""
        # People insist in threads while parts are away; the prober and the nemesis must not wait behind them.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        world = await self._prepare()
        ends = [asyncio.create_task(self._watch_for_end(talker)) for talker in world.talkers]
        nemesis = self._nemesis(world)
        prober = Prober(world.keeper, self._open_conversation(), self._chance())
        began = time.monotonic()
        await self._under_load(world, nemesis, prober)
        seconds = time.monotonic() - began
        self._tell("Quiet now; waiting until everybody has everything …")
        await self._come_to_rest(world)
        self.history = await self._remember(world, prober.sent)
        gave_up = [end.result() for end in ends if end.done()]
        for end in ends:
            end.cancel()
        await self._close(world)
        verdict: Verdict = check(self.history)
        times = [(fault.began, fault.ended) for fault in nemesis.injected if not fault.skipped]
        check_lateness(self.history, broken_times(times, prober.probes), verdict)
        parts, trouble = self._sampler.figures(), [*self._trouble, *world.trouble]
        run = Run(self._options.seed, seconds, nemesis.injected, prober.probes, gave_up, trouble, parts)
        return summed_up(run, self.history, verdict)

    def _open_conversation(self) -> str:
        """One that nobody is removed from, unless there is but one."""
        return min(self._hides, key=lambda each: self._hides[each])

    def _nemesis(self, world: World) -> Nemesis:
        o = self._options
        return Nemesis(world, o.faults, o.seed, o.every_seconds, self._tell)

    # Before.

    async def _prepare(self) -> World:
        count = self._options.clients
        names = [f"verify-{number:03}" for number in range(count)]
        address = ("127.0.0.1", self._stack.port)
        straight = Http(f"http://127.0.0.1:{self._stack.port}", connections=_HTTP_CONNECTIONS)
        proxies = [FaultProxy(*address, self._chance()) for _ in range(max(2, count // 2 // _CLIENTS_OF_A_PROXY))]
        for proxy in proxies:
            await proxy.start()
        keeper, *people = await asyncio.to_thread(self._stack.make_people, ["verify-keeper", *names], straight)
        through = [Http(f"http://127.0.0.1:{proxy.port}", connections=_HTTP_CONNECTIONS) for proxy in proxies]
        talkers = []
        for number, account in enumerate(people):
            direct = number % 2 == 0
            account.http = straight if direct else through[number // 2 % len(through)]
            talkers.append(Talker(account, self._chance(), direct=direct))
        hiding = await asyncio.to_thread(self._make_conversations, keeper, people)
        await _a_few_at_a_time([talker.live.start for talker in talkers])
        return World(self._stack, proxies, talkers, keeper, hiding)

    def _chance(self) -> Random:
        return Random(self._random.random())

    def _make_conversations(self, keeper: Account, people: list[Account]) -> list[str]:
        """Groups of a third of the people each, everybody in one at least; every second one hides its past: those."""
        self._hides: dict[str, bool] = {}
        count = self._options.conversations
        size = min(len(people), max(4, len(people) // 3))
        for number in range(count):
            members = {account.id for account in people[number::count]}
            members |= {account.id for account in self._random.sample(people, size)}
            fields = {
                "kind": "group",
                "title": f"Verify {number}",
                "member_ids": sorted(members),
                "history": "since_joined" if number % 2 == 0 else "all",
            }
            conversation = keeper.call("POST", "/api/conversations/", fields)
            self._hides[conversation["id"]] = number % 2 == 0
        return [conversation for conversation, hides in self._hides.items() if hides]

    # During.

    async def _under_load(self, world: World, nemesis: Nemesis, prober: Prober) -> None:
        enough = asyncio.Event()
        each = self._options.rate / len(world.talkers)
        talking = [asyncio.create_task(talker.talk(each, enough)) for talker in world.talkers]
        probing = asyncio.create_task(prober.probe(enough))
        sampling = asyncio.create_task(self._sampler.sample())
        seconds = self._options.minutes * 60
        began = time.monotonic()
        try:
            while (left := began + seconds - time.monotonic()) > 0:
                await nemesis.rage(left)
                await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
                if _acked(world) < self._options.acked and seconds < 2 * 60 * self._options.minutes:
                    seconds += EXTRA_SECONDS
        finally:
            enough.set()
            sampling.cancel()
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
        await probing

    async def _watch_for_end(self, talker: Talker) -> str:
        why = await talker.live.wait_ended()
        return f"{talker.device.name} gave up for good: {type(why).__name__} {why}"

    # After.

    async def _come_to_rest(self, world: World) -> None:
        for proxy in world.proxies:
            proxy.become(GOOD)
        await self._until(
            lambda: asyncio.to_thread(self._stack.is_healthy), HEALTHY_WITHIN_SECONDS, "parts are not healthy again"
        )
        await self._until(
            lambda: _answer(not any(talker.unsettled for talker in world.talkers)),
            self._options.patience_seconds,
            "messages are neither acknowledged nor refused",
        )
        heads = {each: await self._head(world.keeper, each) for each in self._hides}
        await self._until(
            lambda: _answer(not any(talker.behind(heads) for talker in world.talkers)),
            self._options.patience_seconds,
            "devices have not got everything",
        )

    async def _until(self, condition: Callable[[], Awaitable[bool]], seconds: float, otherwise: str) -> None:
        deadline = time.monotonic() + seconds
        while not await condition():
            if time.monotonic() > deadline:
                self._trouble.append(f"{otherwise} after {seconds:.0f} s of quiet")
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _head(self, keeper: Account, conversation: str) -> int:
        path = f"/api/conversations/{conversation}/"
        return int((await insist(lambda: keeper.call("GET", path)))["last_seq"])

    async def _remember(self, world: World, probes: list[Sent]) -> History:
        sent = [*probes, *(message for talker in world.talkers for message in talker.sent)]
        stored = [await self._read_back(world.keeper, each) for each in self._hides]
        changes = [change for talker in world.talkers for change in talker.changes]
        return History(sent, [talker.device for talker in world.talkers], stored, changes)

    async def _read_back(self, keeper: Account, conversation: str) -> Stored:
        events: list[StoredEvent] = []
        path = f"/api/conversations/{conversation}/events/"
        while True:
            after = str(events[-1].seq if events else 0)
            page = await insist(lambda: keeper.call("GET", path, None, after=after, limit=str(_PAGE)))  # noqa: B023
            events += [_stored_event(fields) for fields in page["events"]]
            if not page["events"] or events[-1].seq >= page["last_seq"]:
                return Stored(conversation, page["last_seq"], events, self._hides[conversation])

    async def _close(self, world: World) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                await asyncio.gather(*(talker.stop() for talker in world.talkers))
        for proxy in world.proxies:
            await proxy.stop()


def _acked(world: World) -> int:
    return sum(1 for talker in world.talkers for message in talker.sent if message.acks)


async def _a_few_at_a_time(starts: list[Callable[[], Awaitable[None]]]) -> None:
    turns = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one(start: Callable[[], Awaitable[None]]) -> None:
        async with turns:
            await start()

    await asyncio.gather(*(one(start) for start in starts))


async def _answer(value: bool) -> bool:  # noqa: FBT001 (it is the answer)
    return value


def _stored_event(fields: dict[str, Any]) -> StoredEvent:
    return StoredEvent(fields["seq"], fields["kind"], datetime.fromisoformat(fields["at"]).timestamp(), fields["data"])
