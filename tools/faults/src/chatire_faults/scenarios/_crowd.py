"""What the scenarios with thousands of sockets share: people in conversations, and sockets for them."""

from __future__ import annotations

import asyncio
import math
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Self

from chatire_client import Account, Http
from chatire_faults.errors import FaultsError
from chatire_faults.scenarios._light import LightSocket, Place, Tally
from chatire_faults.stack import Stack

OPENING_AT_ONCE = 200
PING_SECONDS = 20.0
GAUGE_SECONDS = 1.0
_PAGE_BYTES = resource.getpagesize()
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Town:
    """People and the groups that they are in."""

    people: list[Account]
    groups: list[str]
    members: dict[str, list[Account]]

    @classmethod
    async def built(cls, stack: Stack, http: Http, people: int, groups: int, each_in: int) -> Town:
        """Make people, and groups with everybody in `each_in` of them."""
        accounts = await asyncio.to_thread(stack.make_people, [f"person{number:05}" for number in range(people)], http)
        wanted = {
            group: [one for number, one in enumerate(accounts) if (group - number) % groups < each_in]
            for group in range(groups)
        }
        members: dict[str, list[Account]] = {}
        for group, belonging in wanted.items():
            owner, others = belonging[0], [one.id for one in belonging[1:]]
            fields = {"kind": "group", "title": f"Group {group}"}
            made = await asyncio.to_thread(owner.call, "POST", "/api/conversations/", fields)
            for start in range(0, len(others), 100):
                path, page = f"/api/conversations/{made['id']}/members/", {"user_ids": others[start : start + 100]}
                await asyncio.to_thread(owner.call, "POST", path, page)
            members[made["id"]] = belonging
        return cls(accounts, list(members), members)


class Crowd:
    """Many light sockets."""

    def __init__(self, random: Random) -> None:
        self.tally = Tally()
        self.sockets: list[LightSocket] = []
        self._random = random

    def add(self, place: Place) -> LightSocket:
        """One more; it isn't connected yet."""
        made = LightSocket(place, self.tally, Random(self._random.random()))
        self.sockets.append(made)
        return made

    @property
    def ready(self) -> int:
        """How many are let in."""
        return sum(one.is_ready for one in self.sockets)

    async def open(self, seconds: float) -> None:
        """Connect all, some at a time.

        Raises: FaultsError, when they don't get in.
        """
        deadline = time.monotonic() + seconds
        for start in range(0, len(self.sockets), OPENING_AT_ONCE):
            some = self.sockets[start : start + OPENING_AT_ONCE]
            for one in some:
                one.start()
            await until(lambda some=some: all(one.is_ready for one in some), deadline)  # type: ignore[misc]

    async def keep_alive(self) -> None:
        """Ping for all of them, spread over the time, until cancelled."""
        while True:
            pause = PING_SECONDS / max(1, len(self.sockets) / 50)
            for start in range(0, len(self.sockets), 50):
                for one in self.sockets[start : start + 50]:
                    one.ping()
                await asyncio.sleep(pause)

    async def __aenter__(self) -> Self:
        """Use it; at the end everybody leaves."""
        return self

    async def __aexit__(self, *ignored: object) -> None:
        """Everybody leaves."""
        for one in self.sockets:
            one.stop()
        await asyncio.sleep(0)  # So that their lines are closed.


async def until(condition: Callable[[], bool], deadline: float) -> None:
    """Wait.

    Raises: FaultsError, at the deadline (monotonic seconds).
    """
    while not condition():
        if time.monotonic() > deadline:
            raise FaultsError("waited in vain")
        await asyncio.sleep(0.05)


def p99_ms(seconds: Sequence[float]) -> float:
    """The 99th percentile in milliseconds."""
    return round(sorted(seconds)[math.ceil(len(seconds) * 0.99) - 1] * 1_000, 1) if seconds else 0.0


def p50_ms(seconds: Sequence[float]) -> float:
    """The median in milliseconds."""
    return round(sorted(seconds)[len(seconds) // 2] * 1_000, 1) if seconds else 0.0


def room_for_sockets() -> None:
    """Let this process open as many files as it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
