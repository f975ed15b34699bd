from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chatire_shared.contracts.errors import Unavailable
from gateway_service.realtime.gathering import CALLS, MAX_PEOPLE, Gathering
from gateway_service.realtime.healing import Tasks
from gateway_service.realtime.people import Memberships


class Messages:
    """The messages service; answers when it is told to."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.version = 0
        self.away = False
        self.may_answer = asyncio.Event()

    async def memberships_of(self, users: Sequence[str]) -> list[Memberships]:
        self.calls.append(list(users))
        read = self.version
        await self.may_answer.wait()
        if self.away:
            raise Unavailable
        return [Memberships(user, read, {}) for user in users]


@pytest.fixture
def messages() -> Messages:
    return Messages()


@pytest.fixture
def gathering(messages: Messages) -> Gathering:
    return Gathering(messages, Tasks())  # type: ignore[arg-type]


def _ask(gathering: Gathering, *users: str) -> list[asyncio.Task[Memberships]]:
    return [asyncio.ensure_future(gathering.memberships(user)) for user in users]


async def test_one_who_comes_alone_is_asked_for_at_once(messages: Messages, gathering: Gathering) -> None:
    messages.may_answer.set()
    assert (await gathering.memberships("ada")).user == "ada"
    assert messages.calls == [["ada"]]


async def test_those_who_come_together_are_asked_for_together_and_once_each(
    messages: Messages, gathering: Gathering
) -> None:
    asked = _ask(gathering, "ada", "grace", "ada", "linus", "grace")
    await asyncio.sleep(0)
    messages.may_answer.set()
    assert [found.user for found in await asyncio.gather(*asked)] == ["ada", "grace", "ada", "linus", "grace"]
    assert messages.calls == [["ada", "grace", "linus"]]


async def test_who_asks_later_gets_what_is_read_later(messages: Messages, gathering: Gathering) -> None:
    first = _ask(gathering, "ada")
    while not messages.calls:
        await asyncio.sleep(0)
    messages.version = 1
    second = _ask(gathering, "ada")
    await asyncio.sleep(0)
    messages.may_answer.set()
    assert [found.version for found in await asyncio.gather(*first, *second)] == [0, 1]


async def test_a_storm_is_a_few_calls_of_many(messages: Messages, gathering: Gathering) -> None:
    people = [f"person {number}" for number in range(3 * MAX_PEOPLE)]
    asked = _ask(gathering, *people)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(messages.calls) == CALLS
    messages.may_answer.set()
    assert [found.user for found in await asyncio.gather(*asked)] == people
    assert [len(call) for call in messages.calls] == [MAX_PEOPLE] * 3


async def test_who_goes_while_waiting_takes_nobody_along(messages: Messages, gathering: Gathering) -> None:
    gone, stays = _ask(gathering, "ada", "ada")
    while not messages.calls:
        await asyncio.sleep(0)
    gone.cancel()
    messages.may_answer.set()
    assert (await stays).user == "ada"


async def test_all_are_told_when_the_service_is_away_and_later_ones_are_asked_for_again(
    messages: Messages, gathering: Gathering
) -> None:
    messages.may_answer.set()
    messages.away = True
    results = await asyncio.gather(*_ask(gathering, "ada", "grace"), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]
    messages.away = False
    assert (await gathering.memberships("ada")).user == "ada"
