"""A client under load: says things now and then, and notes everything that it is told."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from random import Random
from uuid import UUID

import requests

from chatire_client import Account, Ack, Event, Live, Problem, Refused
from chatire_client.events import Arrival
from chatire_client.observer import Observer
from chatire_client.wire import Frame
from chatire_faults.history import CREATED, DELETED, EDITED, Change, Device, Note, Sent, What
from chatire_faults.insisting import insist

ABOUT_MESSAGES = frozenset({CREATED, EDITED, DELETED})
EDITS, DELETIONS = 0.05, 0.03
"""Shares of what is done; the rest is sending."""
RECENT, MOST_CHANGING = 20, 3
_PAGE = 500


class Talker(Observer):
    """One person with one device."""

    def __init__(self, account: Account, random: Random, *, direct: bool) -> None:
        """Prepare; nothing is connected yet."""
        self.account = account
        self.device = Device(account.username, account.id, direct=direct)
        self.sent: list[Sent] = []
        self.live = Live(account, observer=self, random=Random(random.random()))
        self._random = random
        self.changes: list[Change] = []
        self._places: dict[str, int] = {}
        self._changing: set[asyncio.Task[None]] = set()
        self._fetching: set[asyncio.Task[None]] = set()
        self._ready_at = 0.0
        self._lost_at: float | None = None

    # Talking.

    @property
    def conversations(self) -> list[str]:
        """Where it believes to be a member."""
        return sorted(self._places)

    def say(self, conversation: str) -> Sent:
        """Send something; the answer is noted when it comes."""
        message = self.compose(conversation)
        self.transmit(message)
        return message

    def compose(self, conversation: str) -> Sent:
        """A message of its own, noted as sent."""
        client_id = str(UUID(int=self._random.getrandbits(128), version=4))
        body = f"{self.device.name} {len(self.sent) + 1} " + "é" * self._random.randrange(200)
        message = Sent(client_id, conversation, self.account.id, body.strip(), time.time())
        self.sent.append(message)
        return message

    def transmit(self, message: Sent) -> None:
        """Send it over the own device."""
        answer = self.live.submit(message.conversation, message.body, client_id=message.client_id)
        answer.add_done_callback(lambda done: _note_answer(message, done))

    async def talk(self, per_second: float, until: asyncio.Event) -> None:
        """Say something somewhere at random moments."""
        while not until.is_set():
            await asyncio.sleep(self._random.expovariate(per_second))
            if not self.conversations or until.is_set():
                continue
            dice = self._random.random()
            if dice < EDITS + DELETIONS:
                self._change_something(EDITED if dice < EDITS else DELETED)
            else:
                self.say(self._random.choice(self.conversations))

    def _change_something(self, kind: str) -> None:
        """Edit or delete one of the last own messages, over HTTP, until somebody answers."""
        recent = [each for each in self.sent[-RECENT:] if each.message_id and each.conversation in self._places]
        if not recent or len(self._changing) >= MOST_CHANGING:
            return
        message = self._random.choice(recent)
        body = f"{message.body} (edited {len(self.changes)})" if kind == EDITED else None
        change = Change(kind, message.conversation, str(message.message_id), body)
        self.changes.append(change)
        task = asyncio.create_task(self._insist_on(change))
        self._changing.add(task)
        task.add_done_callback(self._changing.discard)

    async def _insist_on(self, change: Change) -> None:
        path = f"/api/messages/{change.message_id}/"
        method, fields = ("DELETE", None) if change.kind == DELETED else ("PATCH", {"body": change.body})
        # Whoever was removed meanwhile, or edits what was deleted, is refused; who gets no answer at all can't tell.
        with suppress(Problem, requests.RequestException):
            await insist(lambda: self.account.call(method, path, fields))
            change.answered = True

    def behind(self, heads: dict[str, int]) -> int:
        """How many events of its conversations it has not got yet."""
        return sum(max(0, heads.get(each, 0) - place) for each, place in self._places.items()) + len(self._fetching)

    @property
    def unsettled(self) -> int:
        """Messages and changes without an answer."""
        return self.live.unsettled + len(self._changing)

    async def stop(self) -> None:
        """Close the device."""
        await self.live.stop()
        await asyncio.gather(*self._fetching, *self._changing, return_exceptions=True)

    # Being told. The client has moved its own cursors already; these are kept apart from them, to be checked.

    def on_ready(self, frame: Frame) -> None:
        """Begin where there is no place yet, or where the past is hidden now; give up what is not listed any more."""
        self.device.connections += 1
        self._ready_at = time.time()
        if self._lost_at is not None:
            self.device.offline.append(self._ready_at - self._lost_at)
            self._lost_at = None
        listed = {each["id"]: each for each in frame["conversations"]}
        for conversation, each in listed.items():
            place = self._places.get(conversation)
            first_visible = each["visible_from_seq"]
            if place is None:
                self._place(conversation, max(each["last_seq"], first_visible - 1))
            elif place < first_visible - 1:
                self._place(conversation, first_visible - 1)
        for conversation in self._places.keys() - listed.keys():
            self._leave(conversation, 0)

    def on_event(self, event: Event, arrival: Arrival) -> None:
        """Note it, right or wrong."""
        self._note(What.SHOWN, event)
        if event.conversation in self._places:
            self._places[event.conversation] = max(self._places[event.conversation], event.seq)

    def on_frame(self, frame: Frame) -> None:
        """Note where it belongs, and fetch what a `resync` says cannot be continued."""
        match frame["type"]:
            case "joined":
                self._place(frame["conversation"], frame["last_seq"])
            case "left":
                self._leave(frame["conversation"], frame.get("seq") or 0)
            case "resync":
                self.device.resyncs += 1
                after: int = self._places.get(frame["conversation"], int(frame["last_seq"]))
                self._place(frame["conversation"], frame["last_seq"], What.RESYNCED)
                task = asyncio.create_task(self._fetch(frame["conversation"], after, frame["last_seq"]))
                self._fetching.add(task)
                task.add_done_callback(self._fetching.discard)

    def on_closed(self, code: int) -> None:
        """Note when the line was lost; every attempt to reconnect that fails comes here too."""
        self._lost_at = self._lost_at or time.time()

    async def _fetch(self, conversation: str, after: int, last_seq: int) -> None:
        while after < last_seq:
            path = f"/api/conversations/{conversation}/events/"
            start = str(after)
            page = await insist(lambda: self.account.call("GET", path, None, after=start, limit=str(_PAGE)))  # noqa: B023
            for fields in page["events"]:
                event = Event.read(fields)
                if event.seq <= last_seq:
                    self._note(What.FETCHED, event)
            after = page["events"][-1]["seq"] if page["events"] else last_seq

    def _note(self, what: What, event: Event) -> None:
        body = event.data.get("body") if event.kind in ABOUT_MESSAGES else None
        self.device.log.append(Note(what, event.conversation, event.seq, time.time(), event.kind, body, self._ready_at))

    def _place(self, conversation: str, seq: int, what: What = What.PLACED) -> None:
        self._places[conversation] = seq
        self.device.log.append(Note(what, conversation, seq, time.time()))

    def _leave(self, conversation: str, seq: int) -> None:
        self._places.pop(conversation, None)
        self.device.log.append(Note(What.LEFT, conversation, seq, time.time()))


def _note_answer(message: Sent, answer: asyncio.Future[Ack]) -> None:
    if answer.cancelled():
        return
    failure = answer.exception()
    if isinstance(failure, Refused):
        message.refused = failure.code
    elif failure is None:
        message.message_id = answer.result().message_id
        note_ack(message, answer.result().seq)


def note_ack(message: Sent, seq: int) -> None:
    """Note that a message was acknowledged as `seq`; the first time counts for the latency."""
    message.acks.append(seq)
    message.acked_at = message.acked_at or time.time()
