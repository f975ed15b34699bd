"""People with devices: what the journeys are told in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from chatire_client import Account, Ack, Event, Http, Live, Problem, Wire
from chatire_client.events import Arrival
from chatire_client.observer import Observer

DEADLINE_SECONDS = 10.0
PASSWORD = "a sentence nobody else would choose"
_TOO_MANY_REQUESTS = 429
Json = dict[str, Any]


class Company:
    """Everybody of one test; their names are their own, whatever ran on the stack before."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.people: list[Person] = []

    def hire(self, name: str) -> Person:
        """Register somebody."""
        username = f"{name}-{uuid4().hex[:12]}"
        try:
            account = Account.register(self.http, username, PASSWORD, display_name=name.title())
        except Problem as problem:
            if problem.status == _TOO_MANY_REQUESTS:
                raise RuntimeError("the stack has its limits on: start it with ./chatire up --limits off") from problem
            raise
        person = Person(account)
        self.people.append(person)
        return person

    async def go_home(self) -> None:
        """Close every device."""
        await asyncio.gather(*(device.close() for person in self.people for device in person.devices))


class Person:
    """A user, signed in."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.devices: list[Device] = []

    @property
    def id(self) -> str:
        return self.account.id

    def get(self, path: str, **params: str) -> Json:
        return self.account.call("GET", path, None, **params)

    def post(self, path: str, body: object = None) -> Json:
        return self.account.call("POST", path, body)

    def patch(self, path: str, body: object) -> Json:
        return self.account.call("PATCH", path, body)

    def put(self, path: str) -> Json:
        return self.account.call("PUT", path)

    def delete(self, path: str) -> Json:
        return self.account.call("DELETE", path)

    def start(self, kind: str, *others: Person, **more: str) -> str:
        """Start a conversation with others; its id."""
        fields = {"kind": kind, "member_ids": [other.id for other in others]} | more
        return str(self.post("/api/conversations/", fields)["id"])

    def say(self, conversation: str, body: str, **more: Any) -> Json:
        """Say something over HTTP; the message."""
        fields = {"client_id": str(uuid4()), "body": body} | more
        return self.post(f"/api/conversations/{conversation}/messages/", fields)

    def history(self, conversation: str, **params: str) -> list[Json]:
        """The newest messages."""
        return list(self.get(f"/api/conversations/{conversation}/messages/", **params)["messages"])

    def refused(self, method: str, path: str, body: object = None) -> Problem:
        """The problem that a call meets."""
        try:
            answer = self.account.call(method, path, body)
        except Problem as problem:
            return problem
        raise AssertionError(f"{method} {path} was not refused: {answer}")

    def on_another_device(self) -> Person:
        """The same person in a session of its own."""
        other = Person(Account.sign_in(self.account.http, self.account.username, PASSWORD))
        other.devices = self.devices
        return other

    async def connect(self) -> Device:
        """Open a socket that lasts."""
        device = Device(self.account)
        self.devices.append(device)
        await device.live.start(within=DEADLINE_SECONDS)
        return device

    async def wire(self) -> Wire:
        """Open a bare socket, ready, that does nothing by itself."""
        wire = await Wire.open(self.account.http.socket_url)
        await wire.send("auth", token=self.account.fresh_access())
        frame = await asyncio.wait_for(wire.receive(), DEADLINE_SECONDS)
        assert frame["type"] == "ready"
        return wire


class Device(Observer):
    """A live socket that remembers everything it was told."""

    def __init__(self, account: Account) -> None:
        self.live = Live(account, observer=self)
        self.events: list[Event] = []
        self.frames: list[Json] = []
        self.breaches: list[tuple[Event, Arrival]] = []
        self.closes: list[int] = []
        self._news = asyncio.Event()

    async def say(self, conversation: str, body: str, **more: Any) -> Ack:
        """Say something over the socket; the ack."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.live.send(conversation, body, **more)

    async def close(self) -> None:
        await self.live.stop()
        assert self.breaches == [], "events came twice, late or with a hole"

    async def hears(self, kind: str, *, seq: int | None = None, body: str | None = None) -> Event:
        """Wait for an event."""

        def is_it(event: Event) -> bool:
            return (
                event.kind == kind
                and (seq is None or event.seq == seq)
                and (body is None or event.data.get("body") == body)
            )

        await self.until(lambda: any(map(is_it, self.events)), f"{kind} {seq or ''} {body or ''}")
        return next(filter(is_it, self.events))

    async def gets(self, frame_type: str, **fields: object) -> Json:
        """Wait for a frame that is no event."""

        def is_it(frame: Json) -> bool:
            return frame["type"] == frame_type and all(frame.get(name) == value for name, value in fields.items())

        await self.until(lambda: any(map(is_it, self.frames)), f"{frame_type} {fields}")
        return next(filter(is_it, self.frames))

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            kinds = [f"{event.seq} {event.kind}" for event in self.events]
            raise AssertionError(f"waited in vain for {what}; heard {kinds}, {self.frames}, {self.closes}") from None

    def bodies(self, conversation: str) -> list[str]:
        """What was said, in the order it was heard."""
        return [e.data["body"] for e in self.events if e.kind == "message.created" and e.conversation == conversation]

    def on_ready(self, frame: Json) -> None:
        self._news.set()

    def on_event(self, event: Event, arrival: Arrival) -> None:
        self.events.append(event)
        if arrival is not Arrival.NEXT:
            self.breaches.append((event, arrival))
        self._news.set()

    def on_frame(self, frame: Json) -> None:
        self.frames.append(frame)
        self._news.set()

    def on_closed(self, code: int) -> None:
        self.closes.append(code)
        self._news.set()
