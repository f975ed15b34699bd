"""The load of the rolling scenarios: people on sockets who talk, callers over HTTP, and what both must have seen."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any

from chatire_client import Account, Http
from chatire_client.close_codes import ABNORMAL
from chatire_client.wire import Frame
from chatire_faults.checker import BREACHES, check
from chatire_faults.errors import FaultsError
from chatire_faults.history import History, Stored, StoredEvent
from chatire_faults.insisting import insist
from chatire_faults.scenarios._rolling_callers import PASSWORD, Caller, Calls
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack
from chatire_faults.talker import Talker

TALKERS, CALLERS, CONVERSATIONS = 30, 8, 6
RESTARTING = 1012
_MESSAGES_PER_SECOND = 0.5
_SETTLED_WITHIN_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.2
_HTTP_CONNECTIONS = 16
_PAGE = 500


class Watcher(Talker):
    """A talker who also notes how its connections end, and when somebody said so beforehand."""

    def __init__(self, account: Account, random: Random, closes: Counter[str], phase: Callable[[], str]) -> None:
        """Count into `closes`, by code and what was being restarted."""
        super().__init__(account, random, direct=True)
        self._closes = closes
        self._phase = phase
        self._connected = self._warned = False
        self.leaving = False

    def on_ready(self, frame: Frame) -> None:
        """There is a connection that can end."""
        super().on_ready(frame)
        self._connected, self._warned = True, False

    def on_frame(self, frame: Frame) -> None:
        """A `bye` comes before a gateway's going."""
        super().on_frame(frame)
        self._warned = self._warned or frame["type"] == "bye"

    def on_closed(self, code: int) -> None:
        """An end, or one more attempt that found nobody."""
        super().on_closed(code)
        if not self.leaving:
            if not self._connected:
                self._closes["attempts that failed"] += 1
            elif code == RESTARTING and self._warned and self._phase().startswith("gateway"):
                self._closes["1012 after bye"] += 1
            else:
                how = "without a word" if code == ABNORMAL else "after bye" if self._warned else "without bye"
                self._closes[f"{code} {how}, while {self._phase() or 'nothing'} restarts"] += 1
        self._connected = False


class Load:
    """All of them on one stack."""

    def __init__(self, stack: Stack, setting: Setting) -> None:
        """Prepare; nobody is there yet."""
        self._stack = stack
        self._setting = setting
        self._random = Random(setting.seed)
        self.calls = Calls()
        self.closes: Counter[str] = Counter()
        self._conversations: list[str] = []

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Talk and call for as long as the block lasts; then come to rest, and remember everything."""
        await asyncio.to_thread(self._gather_people)
        await asyncio.gather(*(talker.live.start() for talker in self._talkers))
        enough = asyncio.Event()
        talking = [asyncio.create_task(talker.talk(_MESSAGES_PER_SECOND, enough)) for talker in self._talkers]
        calling = [asyncio.create_task(caller.call(enough)) for caller in self._callers]
        try:
            yield
            enough.set()
            await asyncio.gather(*calling, *talking)
            await asyncio.gather(*(caller.make_up() for caller in self._callers))
            await self._come_to_rest()
            self._history = await self._remember()
        finally:
            enough.set()
            for talker in self._talkers:
                talker.leaving = True
            await asyncio.gather(*calling, *talking, return_exceptions=True)
            await asyncio.gather(*(talker.stop() for talker in self._talkers))

    def report(self, report: Report) -> None:
        """The figures, and the bars that hold for every kind of rolling."""
        calls, verdict = self.calls, check(self._history)
        away = [seconds for talker in self._talkers for seconds in talker.device.offline]
        report.figures |= {
            "requests": calls.made.total(),
            "requests_failed": calls.failed,
            "requests_by_kind": dict(calls.made),
            "slowest_request_ms": {kind: round(1000 * took) for kind, took in sorted(calls.slowest_seconds.items())},
            "sent": len(self._history.sent),
            "acked": sum(1 for message in self._history.sent if message.acks),
            "slowest_ack_ms": round(1000 * max(_ack_seconds(self._history), default=0.0)),
            "shown": verdict.events_shown,
            **{name: verdict.counts[name] for name in BREACHES},
            "sockets": len(self._talkers),
            "socket_ends": dict(self.closes),
            "longest_away_s": round(max(away, default=0.0), 2),
        }
        for example in (*calls.examples, *verdict.examples):
            report.wrong.append(example)
        report.require(calls.failed == 0, f"{calls.failed} of {calls.made.total()} requests failed")
        report.require(verdict.breaches == 0, f"{verdict.breaches} promises about messages were broken")
        # Who comes back may be told to come a moment later: that is how a socket's door is kept (protocol, section 5).
        odd = {
            how: times for how, times in self.closes.items() if how not in {"1012 after bye", "attempts that failed"}
        }
        report.require(not odd, f"sockets ended otherwise than with 1012 after bye: {odd}")

    # Before and after.

    def _gather_people(self) -> None:
        http = Http(f"http://127.0.0.1:{self._stack.port}", connections=_HTTP_CONNECTIONS)
        count = self._setting.count(TALKERS, least=6)
        names = ["rolling-keeper", *(f"rolling-{number:02}" for number in range(count))]
        self._keeper, *people = self._stack.make_people(names, http)
        callers = [
            Account.register(http, f"caller-{number}", PASSWORD)
            for number in range(self._setting.count(CALLERS, least=4))
        ]
        for number in range(CONVERSATIONS):
            members = [*people[number::CONVERSATIONS], *people[number + 1 :: CONVERSATIONS], *callers]
            fields = {"kind": "group", "title": f"Rolling {number}", "member_ids": [each.id for each in members]}
            self._conversations.append(self._keeper.call("POST", "/api/conversations/", fields)["id"])
        self._talkers = [Watcher(each, self._chance(), self.closes, lambda: self.calls.phase) for each in people]
        self._callers = [
            Caller(account, self._conversations[number % CONVERSATIONS], self.calls, self._chance())
            for number, account in enumerate(callers)
        ]

    def _chance(self) -> Random:
        return Random(self._random.random())

    async def _come_to_rest(self) -> None:
        await _until(lambda: not any(talker.unsettled for talker in self._talkers), self._who_waits)
        heads = {each: await self._head(each) for each in self._conversations}
        await _until(lambda: not any(talker.behind(heads) for talker in self._talkers), lambda: "devices lack events")

    def _who_waits(self) -> str:
        """For the error: whose messages or changes, and whether they have a connection."""
        waiting = [talker for talker in self._talkers if talker.unsettled]
        each = (
            f"{talker.device.name} ({talker.live.unsettled} messages, {talker.unsettled - talker.live.unsettled} changes,"
            f" {'online' if talker.live.connected else 'offline'})"
            for talker in waiting
        )
        return f"these have no answer: {', '.join(each)};"

    async def _head(self, conversation: str) -> int:
        path = f"/api/conversations/{conversation}/"
        return int((await insist(lambda: self._keeper.call("GET", path)))["last_seq"])

    async def _remember(self) -> History:
        sent = [message for talker in self._talkers for message in talker.sent]
        sent += [message for caller in self._callers for message in caller.sent]
        stored = [await self._read_back(each) for each in self._conversations]
        changes = [change for talker in self._talkers for change in talker.changes]
        return History(sent, [talker.device for talker in self._talkers], stored, changes)

    async def _read_back(self, conversation: str) -> Stored:
        events: list[StoredEvent] = []
        path = f"/api/conversations/{conversation}/events/"
        while True:
            after = str(events[-1].seq if events else 0)
            page = await insist(lambda: self._keeper.call("GET", path, None, after=after, limit=str(_PAGE)))  # noqa: B023
            events += [_stored_event(fields) for fields in page["events"]]
            if not page["events"] or events[-1].seq >= page["last_seq"]:
                return Stored(conversation, page["last_seq"], events)


def _stored_event(fields: dict[str, Any]) -> StoredEvent:
    return StoredEvent(fields["seq"], fields["kind"], datetime.fromisoformat(fields["at"]).timestamp(), fields["data"])


def _ack_seconds(history: History) -> list[float]:
    return [message.acked_at - message.at for message in history.sent if message.acked_at]


async def _until(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + _SETTLED_WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise FaultsError(f"{otherwise()} after {_SETTLED_WITHIN_SECONDS:.0f} s of quiet")
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


async def under_load(stack: Stack, setting: Setting, deeds: Callable[[Load], Awaitable[None]]) -> Load:
    """Do something to a stack while people talk and call; the load knows afterwards what they saw."""
    load = Load(stack, setting)
    async with load.going_on():
        await deeds(load)
    return load
