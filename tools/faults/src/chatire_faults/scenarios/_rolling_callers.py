"""Callers over HTTP who try nothing twice: whatever is not a success counts as failed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import requests

from chatire_client import Account
from chatire_faults.history import Sent
from chatire_faults.insisting import insist

PASSWORD = "correct horse battery staple"  # noqa: S105 (of people who live for minutes)
PAUSE_SECONDS = 0.08
_FAILED = 400
_KEPT = 20


@dataclass(slots=True)
class Calls:
    """How all calls went.

    Attributes:
        made: How many of each kind.
        failed: How many were not a success.
        examples: Some that failed, in words.
        slowest_seconds: The slowest of each kind.
        phase: What is being done to the stack now; for `examples`.
    """

    made: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    examples: list[str] = field(default_factory=list)
    slowest_seconds: dict[str, float] = field(default_factory=dict)
    phase: str = ""

    def note(self, kind: str, seconds: float, failure: str | None) -> None:
        """Count one."""
        self.made[kind] += 1
        self.slowest_seconds[kind] = max(seconds, self.slowest_seconds.get(kind, 0.0))
        if failure is not None:
            self.failed += 1
            if len(self.examples) < _KEPT:
                self.examples.append(f"{kind} while {self.phase or 'nothing'} restarts, {seconds:.2f} s: {failure}")


class Caller:
    """One person who reads, posts, refreshes and signs in, one call after the other."""

    def __init__(self, account: Account, conversation: str, calls: Calls, random: Random) -> None:
        """Call as `account`, about `conversation`; tell `calls`."""
        self.sent: list[Sent] = []
        self._account = account
        self._path = f"/api/conversations/{conversation}/messages/"
        self._conversation = conversation
        self._calls = calls
        self._random = random
        kinds = [(self._list, 6), (self._read, 6), (self._post, 6), (self._refresh, 3), (self._sign_in, 1)]
        self._deeds: list[Callable[[], None]] = [deed for deed, share in kinds for _ in range(share)]

    async def call(self, until: asyncio.Event) -> None:
        """Go on until told to stop."""
        while not until.is_set():
            await asyncio.to_thread(self._random.choice(self._deeds))
            await asyncio.sleep(self._random.uniform(0, 2 * PAUSE_SECONDS))

    async def make_up(self) -> None:
        """Post again what failed, as a client would: what becomes of it is the checker's business."""
        for message in self.sent:
            if not message.acks:
                fields = {"client_id": message.client_id, "body": message.body}
                answer = await insist(lambda: self._account.call("POST", self._path, fields))  # noqa: B023
                message.acks.append(answer["seq"])

    def _list(self) -> None:
        self._once("GET conversations", "GET", "/api/conversations/")

    def _read(self) -> None:
        self._once("GET messages", "GET", self._path)

    def _post(self) -> None:
        client_id = str(UUID(int=self._random.getrandbits(128), version=4))
        message = Sent(client_id, self._conversation, self._account.id, f"call {len(self.sent)}", time.time())
        self.sent.append(message)
        fields = {"client_id": message.client_id, "body": message.body}
        if (answer := self._once("POST messages", "POST", self._path, fields)) is not None:
            message.acks.append(answer["seq"])
            message.acked_at = time.time()

    def _refresh(self) -> None:
        fields = {"refresh": self._account.refresh_token}
        if (answer := self._once("POST refresh", "POST", "/api/auth/token/refresh/", fields, signed=False)) is not None:
            self._account.access, self._account.refresh_token = answer["access"], answer["refresh"]

    def _sign_in(self) -> None:
        fields = {"username": self._account.username, "password": PASSWORD}
        self._once("POST token", "POST", "/api/auth/token/", fields, signed=False)

    def _once(
        self, kind: str, method: str, path: str, body: dict[str, Any] | None = None, *, signed: bool = True
    ) -> dict[str, Any] | None:
        began = time.monotonic()
        failure = answer = None
        try:
            response = self._account.http.raw(method, path, token=self._account.access if signed else None, body=body)
            if response.status_code < _FAILED:
                answer = dict(response.json())
            else:
                failure = f"{response.status_code} {response.text[:200]}"
        except (requests.RequestException, ValueError) as error:
            failure = f"{type(error).__name__} {error}"
        self._calls.note(kind, time.monotonic() - began, failure)
        return answer
