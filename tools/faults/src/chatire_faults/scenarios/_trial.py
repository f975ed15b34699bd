"""One try of the revocation scenario: a socket, the end of a session or a membership, and what comes and answers after it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import requests

from chatire_client import Account, Closed, Problem, Wire
from chatire_client.close_codes import SESSION_REVOKED
from chatire_client.wire import Frame
from chatire_faults.insisting import insist
from chatire_faults.scenarios._ways_out import CLOSING, Subject
from chatire_faults.stack import Stack

PATIENCE_SECONDS = 15.0
WATCH_SECONDS = 2.5
"""So long after the deed somebody looks for leaks and asks over HTTP: a little longer than everything may take."""
PROBE_SECONDS = 0.3
LAST_PROBES = 4
TIMEOUT_SECONDS = 10.0
_DISABLED_AT = """
    SELECT extract(epoch FROM at) FROM accounts_change WHERE kind = 'user.disabled' AND data ->> 'user_id' = %s
"""
OK, UNAUTHENTICATED, NOT_FOUND = 200, 401, 404


class Trial:
    """One try.

    Attributes:
        way: How it ends: one of CLOSING, or by removal from the conversation.
        seconds: From the deed to the close, or to `left`.
        refused_after: From the deed to the last HTTP call that was still answered.
        events: Events that came in all.
        leaks: Events that came after the removal, or after what may be seen.
        wrong: A sentence for everything that was not as promised.
        without_valkey: Whether Valkey was frozen.
    """

    def __init__(
        self,
        stack: Stack,
        way: str,
        subject: Subject,
        keeper: Account,
        conversation: str,
        *,
        auths: Sequence[str],
        messages: Sequence[str],
    ) -> None:
        """Prepare; `keeper` owns the conversation, `auths` and `messages` are where each service listens itself."""
        self.way = way
        self.subject = subject
        self.conversation = conversation
        self.seconds = 0.0
        self.refused_after = 0.0
        self.events = 0
        self.leaks = 0
        self.wrong: list[str] = []
        self.without_valkey = False
        self._stack = stack
        self._keeper = keeper
        self._auths = auths
        self._messages = messages
        self._latest = 0
        self._removed_at: int | None = None
        self._is_out = False
        self._over = asyncio.Event()
        self._over_at = 0.0

    # The socket

    async def open(self) -> None:
        """Open the socket; it is read from now on."""
        account = self.subject.account
        self._wire = await Wire.open(account.http.socket_url)
        await self._wire.send("auth", token=account.access)
        ready = await asyncio.wait_for(self._wire.receive(), PATIENCE_SECONDS)
        (self._latest,) = [one["last_seq"] for one in ready["conversations"] if one["id"] == self.conversation]
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._wire.receive())
        except Closed as closed:
            if self.way not in CLOSING:
                self.wrong.append(f"the socket was closed with {closed.code}")
            elif closed.code != SESSION_REVOKED:
                self.wrong.append(f"closed with {closed.code}")
            self._end()

    def _take(self, frame: Frame) -> None:
        if frame["type"] == "event":
            self._take_event(frame)
        elif frame["type"] == "events":
            for event in frame["events"]:
                self._take_event(event)
        elif frame["type"] == "left":
            if frame.get("seq") != self._removed_at:
                self.wrong.append(f"`left` names {frame.get('seq')}, the removal was {self._removed_at}")
            self._is_out = True
            self._end()

    def _take_event(self, event: Frame) -> None:
        self.events += 1
        if self._is_out or self._removed_at is not None:
            self.leaks += 1
            self.wrong.append(f"got event {event['seq']} after the removal")
        if event["seq"] != self._latest + 1:
            self.wrong.append(f"got event {event['seq']} after {self._latest}")
        self._latest = event["seq"]
        if event["kind"] == "member.removed" and event["data"]["user_id"] == self.subject.account.id:
            self._removed_at = event["seq"]

    def _end(self) -> None:
        if not self._over.is_set():
            self._over_at = time.monotonic()
            self._over.set()

    async def close(self) -> None:
        """Close what is still open."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        await self._wire.close()

    # The deed

    async def run(self, delay: float) -> None:
        """After `delay` seconds end it, and see whether everything is over in time."""
        await asyncio.sleep(delay)
        try:
            began = await (self._end_session() if self.way in CLOSING else self._remove())
        except (Problem, requests.RequestException) as refusal:
            self.wrong.append(f"could not be done: {refusal}")
            return
        probing = self._until_refused(began) if self.way in CLOSING else self._refused_at_once()
        await asyncio.gather(self._await_end(began), probing)
        await asyncio.sleep(max(0.0, began + WATCH_SECONDS - time.monotonic()))

    async def _end_session(self) -> float:
        """End it; the moment from which time counts: that of asking, where it happens as soon as it is asked for."""
        way = CLOSING[self.way]
        asked = time.monotonic()
        await asyncio.to_thread(way.do, self._stack, self.subject)
        if way.by_command:
            return await asyncio.to_thread(self._begun_by_command)
        return time.monotonic() if way.by_hashing else asked

    def _begun_by_command(self) -> float:
        """When a command, which takes long to start, began to do it, by its own clock."""
        with self._stack.database("auth") as cursor:
            cursor.execute(_DISABLED_AT, [self.subject.account.id])
            ((at,),) = cursor.fetchall()
        return time.monotonic() - (time.time() - float(at))

    async def _remove(self) -> float:
        """Remove; the conversation may be busy, which whoever posts there all the time would be told as well."""
        path = f"/api/conversations/{self.conversation}/members/{self.subject.account.id}/"

        def remove() -> float:
            asked = time.monotonic()
            self._keeper.call("DELETE", path)
            return asked

        return await insist(remove)

    async def _await_end(self, began: float) -> None:
        try:
            await asyncio.wait_for(self._over.wait(), PATIENCE_SECONDS)
        except TimeoutError:
            self.wrong.append(f"not over after {PATIENCE_SECONDS:g} s")
            self._end()
        self.seconds = max(0.0, self._over_at - began)

    # HTTP

    async def _until_refused(self, began: float) -> None:
        """Auth must refuse at once; messages, each worker by itself, in time and then for good."""
        for address in self._auths:
            status = await asyncio.to_thread(self._status, address, "/api/auth/me/")
            if status != UNAUTHENTICATED:
                self.wrong.append(f"auth answered {status}")
        while time.monotonic() < began + WATCH_SECONDS - PROBE_SECONDS:
            await self._probe(began)
            await asyncio.sleep(PROBE_SECONDS)
        for _ in range(LAST_PROBES):
            await self._probe(began)

    async def _probe(self, began: float) -> None:
        for address in self._messages:
            asked = time.monotonic()
            status = await asyncio.to_thread(self._status, address, f"/api/conversations/{self.conversation}/")
            if status == OK:
                self.refused_after = max(self.refused_after, asked - began)
            elif status != UNAUTHENTICATED:
                self.wrong.append(f"messages answered {status}")

    async def _refused_at_once(self) -> None:
        """A removal is committed when it is answered: no worker may show anything any more."""
        for address in self._messages:
            for what in ("", "messages/", "events/?after=0"):
                path = f"/api/conversations/{self.conversation}/{what}"
                status = await asyncio.to_thread(self._status, address, path)
                if status != NOT_FOUND:
                    self.wrong.append(f"messages answered {status} to {path}")

    def _status(self, address: str, path: str) -> int:
        """Over a connection of its own, so that any worker may get it."""
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {self.subject.account.access}"}
            return session.get(f"http://{address}{path}", headers=headers, timeout=TIMEOUT_SECONDS).status_code
