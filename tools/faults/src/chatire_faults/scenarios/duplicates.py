"""Every message is sent one to five times at once, over both gateways and over HTTP to two workers, and again later (G4).

A double click, a second tab, a retry whose first answer was lost, a replay from a backup: there must be one message, every
send must be answered with its `seq`, and what was said first stays, whatever a repeat says.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from chatire_client import Account, Http
from chatire_faults.insisting import insist
from chatire_faults.scenarios._repeater import Repeater
from chatire_faults.scenarios.scenario import Report, Setting
from chatire_faults.stack import Stack

MESSAGES = 10_000
PEOPLE = 6
CONVERSATIONS = 4
MOST_COPIES = 5
AT_ONCE = 12
BATCH = 500
PAGE = 500
REST_SECONDS = 30.0
THREADS = 32


@dataclass(slots=True)
class Message:
    """One message and what its sends were answered."""

    conversation: str
    sender: Account
    client_id: str
    body: str
    seqs: list[int] = field(default_factory=list)
    created: int = 0


def run(setting: Setting) -> Report:
    """Play it."""
    with Stack.started(setting.folder) as stack:
        return asyncio.run(_Play(setting, stack).run())


class _Play:
    """One run."""

    def __init__(self, setting: Setting, stack: Stack) -> None:
        self._setting = setting
        self._stack = stack
        self._random = Random(setting.seed)
        self._http = Http(f"http://127.0.0.1:{stack.port}", connections=THREADS)
        self._messages: list[Message] = []
        self._sends: Counter[str] = Counter()

    async def run(self) -> Report:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        names = [f"repeater-{number}" for number in range(PEOPLE)]
        self._people = await asyncio.to_thread(self._stack.make_people, names, self._http)
        self._places = [await asyncio.to_thread(self._begin, number) for number in range(CONVERSATIONS)]
        self._devices = {
            (account.id, gateway): Repeater(account, gateway)
            for account in self._people
            for gateway in self._stack.gateways
        }
        await asyncio.gather(*(device.open() for device in self._devices.values()))
        count = self._setting.count(MESSAGES, least=100)
        while len(self._messages) < count:
            batch = [self._compose() for _ in range(min(BATCH, count - len(self._messages)))]
            self._messages += batch
            await self._in_parallel([self._send_copies(message) for message in batch])
            await self._in_parallel([self._repeat_later(message) for message in batch])
            self._setting.tell(f"{len(self._messages)} messages, {self._sends.total()} sends")
        stored = await asyncio.to_thread(self._stored)
        await self._come_to_rest(stored)
        report = self._report(stored)
        await asyncio.gather(*(device.close() for device in self._devices.values()))
        return report

    def _begin(self, number: int) -> str:
        fields = {"kind": "group", "title": f"Room {number}", "member_ids": [one.id for one in self._people[1:]]}
        return str(self._people[0].call("POST", "/api/conversations/", fields)["id"])

    # Sending

    def _compose(self) -> Message:
        """A new message, or now and then one under an id that somebody else has used: another message all the same."""
        sender, place = self._random.choice(self._people), self._random.choice(self._places)
        client_id = str(UUID(int=self._random.getrandbits(128), version=4))
        if self._messages and self._random.random() < 0.02:
            theirs = self._random.choice(self._messages)
            others = [one for one in self._people if one is not theirs.sender]
            sender, place, client_id = self._random.choice(others), theirs.conversation, theirs.client_id
            if any(
                (one.sender, one.conversation, one.client_id) == (sender, place, client_id) for one in self._messages
            ):
                client_id = str(UUID(int=self._random.getrandbits(128), version=4))
        return Message(place, sender, client_id, f"first words {self._random.getrandbits(40)}")

    async def _in_parallel(self, work: list[Awaitable[None]]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(task: Awaitable[None]) -> None:
            async with gate:
                await task

        await asyncio.gather(*(one(task) for task in work))

    async def _send_copies(self, message: Message) -> None:
        copies = self._random.randint(1, MOST_COPIES)
        await asyncio.gather(*(self._send(message, message.body, "at_once") for _ in range(copies)))

    async def _repeat_later(self, message: Message) -> None:
        """Long after it was answered, by somebody who has something else to say under its id."""
        await self._send(message, f"other words {self._random.getrandbits(40)}", "later")

    async def _send(self, message: Message, body: str, when: str) -> None:
        way = self._random.choice([*self._stack.gateways, "http"])
        self._sends[f"{when}_over_{'http' if way == 'http' else 'socket'}"] += 1
        if way == "http":
            await self._post(message, body)
        else:
            device = self._devices[message.sender.id, way]
            message.seqs.append(await device.send(message.conversation, message.client_id, body))

    async def _post(self, message: Message, body: str) -> None:
        path = f"/api/conversations/{message.conversation}/messages/"
        fields = {"client_id": message.client_id, "body": body}

        def post() -> Any:
            return self._http.raw("POST", path, token=message.sender.fresh_access(), body=fields)

        def accepted() -> Any:
            response = post()
            response.raise_for_status()
            return response

        response = await insist(accepted)
        message.created += response.status_code == 201
        message.seqs.append(int(response.json()["seq"]))

    # Afterwards

    def _stored(self) -> dict[str, list[dict[str, Any]]]:
        return {place: self._log(place) for place in self._places}

    def _log(self, place: str) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        while True:
            path = f"/api/conversations/{place}/events/"
            page = self._people[0].call("GET", path, after=str(len(events)), limit=str(PAGE))["events"]
            if not page:
                return events
            events += page

    async def _come_to_rest(self, stored: dict[str, list[dict[str, Any]]]) -> None:
        """Wait until every device has everything, for a while."""
        async with asyncio.timeout(REST_SECONDS):
            while any(  # noqa: ASYNC110 (an event for each event shown would be more code than waiting)
                (device.shown[place] or [0])[-1] < len(events)
                for device in self._devices.values()
                for place, events in stored.items()
            ):
                await asyncio.sleep(0.05)

    def _report(self, stored: dict[str, list[dict[str, Any]]]) -> Report:
        report = Report("duplicates")
        report.figures |= {"messages": len(self._messages), "sends": self._sends.total()}
        report.figures["repeats"] = self._sends.total() - len(self._messages)
        report.figures |= dict(sorted(self._sends.items()))
        created = [
            event["data"] for events in stored.values() for event in events if event["kind"] == "message.created"
        ]
        report.figures["stored"] = len(created)
        found = Counter((one["conversation"], one["sender"]["id"], one["client_id"]) for one in created)
        by_key = {(one["conversation"], one["sender"]["id"], one["client_id"]): one for one in created}
        wrong = [sentence for message in self._messages for sentence in _judge(message, found, by_key)]
        if len(created) != len(self._messages):
            wrong.append(f"{len(created)} messages are stored, {len(self._messages)} were meant")
        for device in self._devices.values():
            wrong += device.refused
            wrong += _judge_shown(device, stored)
        report.figures["shown"] = sum(len(seqs) for device in self._devices.values() for seqs in device.shown.values())
        report.figures["wrong"] = len(wrong)
        report.wrong += wrong
        return report


def _judge(message: Message, found: Counter[tuple[str, str, str]], by_key: dict[Any, dict[str, Any]]) -> list[str]:
    key = (message.conversation, message.sender.id, message.client_id)
    if found[key] != 1:
        return [f"{message.client_id} is stored {found[key]} times"]
    stored, wrong = by_key[key], []
    if set(message.seqs) != {stored["seq"]}:
        wrong.append(f"{message.client_id} has seq {stored['seq']}, and was answered with {sorted(set(message.seqs))}")
    if stored["body"] != message.body:
        wrong.append(f"{message.client_id} says what a later repeat said")
    if message.created > 1:
        wrong.append(f"{message.client_id} was answered {message.created} times as new")
    return wrong


def _judge_shown(device: Repeater, stored: dict[str, list[dict[str, Any]]]) -> list[str]:
    who = device.account.username
    return [
        f"{who} was shown something else than the log, each event once and in order"
        for place, events in stored.items()
        if device.shown[place] != list(range(device.began[place] + 1, len(events) + 1))
    ]
