"""Asking the messages service for what is missing: together, once, and until it works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from truth import Truth, id_of

from chatire_shared.contracts.errors import Unavailable
from gateway_service.realtime import healing
from gateway_service.realtime.healing import Heads, Ranges, Refreshing, Tasks
from gateway_service.realtime.people import Memberships

ADA = id_of("ada")
LOBBY, LAB = id_of("lobby"), id_of("lab")


class Service:
    """The messages service over the truth, that can be away for a number of calls and answers when it is let."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.away = 0
        self.trouble: Exception = Unavailable()
        self.calls: list[Any] = []
        self.open = asyncio.Event()
        self.open.set()

    async def ranges(self, ranges: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        await self._called([(item["conversation"], item["after"]) for item in ranges])
        return [self.truth.range_answer(item["conversation"], item["after"], item["limit"]) for item in ranges]

    async def heads(
        self, conversations: Sequence[str], users: Sequence[str]
    ) -> tuple[dict[str, tuple[str, int]], dict[str, int]]:
        await self._called((list(conversations), list(users)))
        return self.truth.heads(list(conversations)), {user: self.truth.versions.get(user, 0) for user in users}

    async def memberships(self, user: str) -> Memberships:
        await self._called(user)
        return self.truth.memberships(user)

    async def _called(self, call: Any) -> None:
        self.calls.append(call)
        await self.open.wait()
        if self.away:
            self.away -= 1
            raise self.trouble


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    tasks.stop()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(healing, "RETRY_SECONDS", 0.001)
    truth = Truth()
    truth.create("lobby", [ADA])
    truth.create("lab", [ADA])
    truth.post(LOBBY, ADA)
    return Service(truth)


async def test_the_same_page_wanted_by_many_is_fetched_once(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    ranges = Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer))
    for _ in range(100):
        ranges.want(LOBBY, 1, 0)
    conversation, after, answer, entries = await fetched.get()
    assert (conversation, after, answer["last_seq"]) == (LOBBY, 1, 2)
    assert [entry.seq for entry in entries] == [2]
    assert service.calls == [[(LOBBY, 1)]]


async def test_the_larger_events_are_the_fewer_make_a_page(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    ranges = Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer))
    usual = ranges.page_events
    for _ in range(300):
        service.truth.post(LOBBY, ADA, padding=16_000)
    sizes = []
    for after in (2, 20, 40):
        ranges.want(LOBBY, after, 0)
        sizes.append(len((await fetched.get())[3]))
    assert sizes[0] == usual
    assert sizes[1] == sizes[2] == healing.PAGE_BYTES // len(service.truth.logs[LOBBY].bodies[-1])


async def test_after_small_events_pages_grow_again(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    ranges = Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer))
    service.truth.post(LOBBY, ADA, padding=100_000)
    ranges.want(LOBBY, 2, 0)
    await fetched.get()
    assert ranges.page_events == healing.LEAST_PAGE_EVENTS
    for _ in range(300):
        service.truth.post(LOBBY, ADA)
        ranges.want(LOBBY, 3, 0)
        await fetched.get()
    assert ranges.page_events == healing.PAGE_EVENTS


async def test_pages_that_are_wanted_while_a_call_is_in_flight_travel_together(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    ranges = Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer))
    service.open.clear()
    ranges.want(LOBBY, 0, 0)
    while not service.calls:
        await asyncio.sleep(0)
    ranges.want(LOBBY, 1, 0)
    ranges.want(LAB, 0, 0)
    service.open.set()
    for _ in range(3):
        await fetched.get()
    assert service.calls == [[(LOBBY, 0)], [(LOBBY, 1), (LAB, 0)]]


async def test_a_page_is_asked_for_until_the_service_is_back(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    service.away = 3
    Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer)).want(LOBBY, 0, 0)
    assert (await fetched.get())[0] == LOBBY
    assert len(service.calls) == 4


async def test_trouble_that_nobody_thought_of_ends_no_repair(
    service: Service, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    service.away, service.trouble = 1, ValueError("what is this?")
    got = asyncio.Event()
    Ranges(service, tasks, lambda *_: got.set()).want(LOBBY, 0, 0)  # type: ignore[arg-type]
    await asyncio.wait_for(got.wait(), 5)
    assert "what is this?" in caplog.text


async def test_an_answer_with_a_gap_is_used_up_to_the_gap(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    for _ in range(5):
        service.truth.post(LOBBY, ADA)
    service.truth.logs[LOBBY].bodies[4] = "not an event"
    Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer)).want(LOBBY, 1, 0)
    assert [entry.seq for entry in (await fetched.get())[3]] == [2, 3, 4]


async def test_a_page_may_be_wanted_a_moment_later(service: Service, tasks: Tasks) -> None:
    fetched: asyncio.Queue[Any] = asyncio.Queue()
    Ranges(service, tasks, lambda *answer: fetched.put_nowait(answer)).want(LOBBY, 0, 0.001)
    assert service.calls == []
    await fetched.get()


async def test_heads_and_versions_are_asked_for_together(service: Service, tasks: Tasks) -> None:
    told: asyncio.Queue[Any] = asyncio.Queue()
    heads = Heads(service, tasks, lambda *answer: told.put_nowait(answer))
    heads.want([LOBBY, LAB], [ADA])
    heads.want([LOBBY])
    assert heads.busy
    found, asked, versions = await told.get()
    assert found[LOBBY] == (service.truth.logs[LOBBY].epoch, 2)
    assert asked == [LOBBY, LAB]
    assert versions == {ADA: 2}
    assert service.calls == [([LOBBY, LAB], [ADA])]


async def test_nothing_wanted_is_nothing_asked(service: Service, tasks: Tasks) -> None:
    heads = Heads(service, tasks, lambda *_: None)
    heads.want([])
    assert not heads.busy


async def test_memberships_wanted_again_meanwhile_are_read_again(service: Service, tasks: Tasks) -> None:
    """The answer under way may be older than the wish."""
    told: asyncio.Queue[Memberships] = asyncio.Queue()
    refreshing = Refreshing(service, tasks, told.put_nowait)
    service.open.clear()
    refreshing.want(ADA)
    while not service.calls:
        await asyncio.sleep(0)
    for _ in range(10):
        refreshing.want(ADA)
    service.open.set()
    await told.get()
    await told.get()
    assert service.calls == [ADA, ADA]


async def test_one_task_that_fails_is_logged_and_harms_no_other(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("the test wants it")

    failed = tasks.start(fail())
    await asyncio.wait([failed])
    await asyncio.sleep(0)
    assert "a background task failed" in caplog.text
