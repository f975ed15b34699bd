"""The watchers: members of every channel, connected throughout; some lose the network at moments of the seed."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

from chatire_client import Account, Event, Live
from chatire_client.events import Arrival
from chatire_client.observer import Observer
from chatire_replay.ledger import Faults, Ledger, Sight

PAGE = 500


class Watcher(Observer):
    """One watcher; checks every event as it comes."""

    def __init__(self, account: Account, ledgers: dict[str, Ledger], latencies: list[float], random: Random) -> None:
        """Watch the channels of `ledgers`; add the time from sending to seeing to `latencies` for what comes live."""
        self.account = account
        self.faults = Faults()
        self.drops = 0
        self.resyncs = 0
        self._ledgers = ledgers
        self._latencies = latencies
        self._sights: dict[str, Sight] = {}
        self._live_from: dict[str, int] = {}
        self._fetches: set[asyncio.Task[None]] = set()
        self._live = Live(account, observer=self, random=random)

    @property
    def name(self) -> str:
        """Their username."""
        return self.account.username

    @property
    def delivered(self) -> int:
        """Messages seen, each counted once."""
        return sum(len(sight.seen) for sight in self._sights.values())

    @property
    def connections(self) -> int:
        """How often they were connected."""
        return self._live.connections

    async def start(self) -> None:
        """Connect; from here on nothing may be missed."""
        await self._live.start()
        unknown = set(self._ledgers) - set(self._sights)
        if unknown:
            raise RuntimeError(f"{self.name}'s `ready` lacks {len(unknown)} of the channels they are a member of")

    async def stop(self) -> None:
        """Disconnect."""
        await self._live.stop()

    def lose_network(self) -> None:
        """Drop without a word."""
        self.drops += 1
        self._live.cut()

    def regain_network(self) -> None:
        """Come back, and resume."""
        self._live.restore()

    def behind(self, heads: dict[str, int]) -> bool:
        """Whether something up to `heads` is still to come."""
        return any(self._sights[conversation].latest < seq for conversation, seq in heads.items())

    @property
    def progress(self) -> int:
        """A number that rises with every new event."""
        return sum(sight.latest for sight in self._sights.values())

    def settle(self) -> None:
        """Close the books."""
        for sight in self._sights.values():
            sight.settle()

    # As told by the connection.

    def on_ready(self, frame: dict[str, Any]) -> None:
        """Begin a channel at its head, or go on; up to the head of now it is a replay and says nothing of latency."""
        for each in frame["conversations"]:
            conversation, head = each["id"], each["last_seq"]
            if conversation in self._ledgers:
                self._live_from[conversation] = head
                if conversation not in self._sights:
                    self._sights[conversation] = Sight(self._ledgers[conversation], self.faults, head)

    def on_event(self, event: Event, _arrival: Arrival) -> None:
        """Check an event of a watched channel."""
        sight = self._sights.get(event.conversation)
        if sight is None:
            return
        entry = sight.see(event)
        if entry and event.seq > self._live_from[event.conversation]:
            self._latencies.append(time.monotonic() - entry.sent_at)

    def on_frame(self, frame: dict[str, Any]) -> None:
        """Fetch what a `resync` leaves to HTTP; a `left` is wrong here, nobody removes a watcher."""
        conversation = frame.get("conversation")
        if conversation not in self._sights:
            return
        if frame["type"] == "resync":
            self.resyncs += 1
            after = self._sights[conversation].hold()
            fetch = asyncio.create_task(self._fetch(conversation, after, frame["last_seq"]))
            self._fetches.add(fetch)
            fetch.add_done_callback(self._fetches.discard)
        elif frame["type"] == "left":
            self.faults.note("missing", f"{self.name} was told to have left {self._ledgers[conversation].title}")

    async def _fetch(self, conversation: str, after: int, until: int) -> None:
        events: list[Event] = []
        while after < until:
            path = f"/api/conversations/{conversation}/events/"
            page = await asyncio.to_thread(self.account.call, "GET", path, None, after=str(after), limit=str(PAGE))
            got = [Event.read({"conversation": conversation} | each) for each in page["events"]]
            if not got:
                break
            events += [event for event in got if event.seq <= until]
            after = got[-1].seq
        self._sights[conversation].heal(events)


class Weather:
    """When which watcher loses the network, and for how long: drawn from the seed, counted in lines sent."""

    def __init__(self, watchers: list[Watcher], total: int, random: Random, *, times: int = 3) -> None:
        """A fifth of the watchers, each `times` times, somewhere between the first line and the last."""
        unlucky = random.sample(watchers, max(1, len(watchers) // 5)) if watchers else []
        self._changes: list[tuple[int, int, Watcher]] = []
        for watcher in unlucky:
            for down, up in _absences(total, times, random):
                # At the same moment, coming back is before the next loss.
                self._changes += [(down, 1, watcher), (up, 0, watcher)]
        self._away: list[Watcher] = []
        self._changes.sort(key=lambda change: change[:2], reverse=True)

    def at(self, lines_sent: int) -> None:
        """Let happen what is due."""
        while self._changes and self._changes[-1][0] <= lines_sent:
            _, loses, watcher = self._changes.pop()
            if loses:
                self._away.append(watcher)
                watcher.lose_network()
            else:
                self._away.remove(watcher)
                watcher.regain_network()

    def clear(self) -> None:
        """Everybody has the network back, and keeps it."""
        self._changes.clear()
        while self._away:
            self._away.pop().regain_network()


def _absences(total: int, times: int, random: Random) -> list[tuple[int, int]]:
    """`times` stretches that do not touch each other, each up to a tenth of the replay long."""
    moments = sorted(random.sample(range(max(total, 4 * times)), times))
    ends = [*moments[1:], max(total, 4 * times)]
    longest = max(1, total // 10)
    return [(down, min(down + random.randint(1, longest), end)) for down, end in zip(moments, ends, strict=True)]
