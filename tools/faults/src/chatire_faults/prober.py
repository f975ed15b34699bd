"""Asks several times a second whether a message can be sent now: how long a fault keeps everybody from it.

The clients cannot tell: after a failure they wait, longer each time, as they should.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random
from uuid import UUID

import requests

from chatire_client import Account, Problem
from chatire_faults.history import Sent

PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt, in Unix seconds."""

    began: float
    ended: float
    worked: bool


class Prober:
    """Posts over HTTP, each message until it is taken."""

    def __init__(self, account: Account, conversation: str, random: Random) -> None:
        """Post as `account` into `conversation`."""
        self._account = account
        self._path = f"/api/conversations/{conversation}/messages/"
        self._conversation = conversation
        self._random = random
        self.probes: list[Probe] = []
        self.sent: list[Sent] = []

    async def probe(self, until: asyncio.Event) -> None:
        """Go on until told to stop and the last message is taken."""
        while not until.is_set():
            client_id = str(UUID(int=self._random.getrandbits(128), version=4))
            message = Sent(client_id, self._conversation, self._account.id, f"probe {len(self.sent)}", time.time())
            self.sent.append(message)
            taken = False
            while not taken:
                taken = await self._attempt(message)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _attempt(self, message: Sent) -> bool:
        began = time.time()
        fields = {"client_id": message.client_id, "body": message.body}
        try:
            answer = await asyncio.to_thread(self._account.call, "POST", self._path, fields)
        except (Problem, requests.RequestException):
            self.probes.append(Probe(began, time.time(), worked=False))
            return False
        self.probes.append(Probe(began, time.time(), worked=True))
        message.acks.append(answer["seq"])
        message.acked_at = time.time()
        return True
