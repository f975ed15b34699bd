"""Answers of the messages service that can't be are as good as none: the caller tries again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chatire_shared.contracts.errors import NotFound, Unavailable
from gateway_service.realtime.line import Answer, Failed
from gateway_service.realtime.upstream import Upstream


class Answering:
    """Stands at the place of a ServiceClient and gives one answer to everything, or one for each path."""

    def __init__(self) -> None:
        self.answer: Any = {}
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []

    def get(self, path: str, params: dict[str, Any] | None = None) -> Any:
        return self._say(path)

    async def __call__(self, path: str, body: bytes, *, seconds: float) -> Answer:
        try:
            answer = self._say(path)
        except NotFound:
            return Answer(404, b"{}")
        except Unavailable:
            raise Failed("nobody there") from None
        return answer if isinstance(answer, Answer) else Answer(200, json.dumps(answer).encode())

    def close(self) -> None:
        pass

    def _say(self, path: str) -> Any:
        self.asked.append(path)
        answer = self.answers.get(path, self.answer)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def client() -> Answering:
    return Answering()


@pytest.fixture
def upstream(client: Answering) -> Iterator[Upstream]:
    upstream = Upstream(client, client, client)  # type: ignore[arg-type]
    yield upstream
    upstream.stop()


GOOD_RANGE = {"conversation": "c", "epoch": "e", "last_seq": 1, "expired": False, "bodies": ["{}"]}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ranges": None},
        {"ranges": []},
        {"ranges": [GOOD_RANGE, GOOD_RANGE]},
        {"ranges": ["x"]},
        {"ranges": [GOOD_RANGE | {"bodies": [5]}]},
        {"ranges": [GOOD_RANGE | {"bodies": None}]},
        {"ranges": [GOOD_RANGE | {"last_seq": "1"}]},
        {"ranges": [{}]},
        NotFound(),
        Unavailable(),
    ],
)
async def test_ranges_that_cannot_be_are_unavailable(client: Answering, upstream: Upstream, answer: Any) -> None:
    client.answer = answer
    with pytest.raises(Unavailable):
        await upstream.ranges([{"conversation": "c", "after": 0, "limit": 1}])


async def test_ranges_as_promised_are_taken(client: Answering, upstream: Upstream) -> None:
    unknown = {"conversation": "d", "epoch": None, "last_seq": 0, "expired": False, "bodies": []}
    client.answer = {"v": 1, "ranges": [GOOD_RANGE, unknown], "more": "ignored"}
    assert await upstream.ranges([{}, {}]) == [GOOD_RANGE, unknown]


@pytest.mark.parametrize(
    "answer",
    [{}, {"heads": [], "membership_versions": {}}, {"heads": {"c": {}}, "membership_versions": {}}, {"heads": {}}],
)
async def test_heads_that_cannot_be_are_unavailable(client: Answering, upstream: Upstream, answer: Any) -> None:
    client.answer = answer
    with pytest.raises(Unavailable):
        await upstream.heads(["c"], [])


@pytest.mark.parametrize(
    "answer", [{}, {"membership_version": 1}, {"membership_version": 1, "conversations": [{}]}, NotFound()]
)
async def test_memberships_that_cannot_be_are_unavailable(client: Answering, upstream: Upstream, answer: Any) -> None:
    client.answer = answer
    with pytest.raises(Unavailable):
        await upstream.memberships("ada")


async def test_results_that_are_too_few_are_unavailable(client: Answering, upstream: Upstream) -> None:
    client.answer = {"results": [{"ok": True}]}
    with pytest.raises(Unavailable):
        await upstream.batch(["t"], [{}, {}])
    assert await upstream.reads(["t"], [{}]) == [{"ok": True}]


MANY = "/internal/memberships/"
EMPTY = {"membership_version": 1, "conversations": []}


async def test_many_people_are_asked_for_at_once(client: Answering, upstream: Upstream) -> None:
    client.answers[MANY] = {"memberships": [EMPTY, EMPTY]}
    assert [found.user for found in await upstream.memberships_of(["ada", "grace"])] == ["ada", "grace"]
    assert client.asked == [MANY]


@pytest.mark.parametrize("answer", [{}, {"memberships": [EMPTY]}, {"memberships": [EMPTY, {}]}, Unavailable()])
async def test_many_memberships_that_cannot_be_are_unavailable(
    client: Answering, upstream: Upstream, answer: Any
) -> None:
    client.answers[MANY] = answer
    with pytest.raises(Unavailable):
        await upstream.memberships_of(["ada", "grace"])


async def test_an_older_messages_service_is_asked_one_by_one_and_not_tried_again_for_a_while(
    client: Answering, upstream: Upstream
) -> None:
    client.answers[MANY] = NotFound()
    client.answer = EMPTY
    for _ in range(2):
        assert [found.user for found in await upstream.memberships_of(["ada", "grace"])] == ["ada", "grace"]
    assert client.asked.count(MANY) == 1
    assert client.asked.count("/internal/users/ada/memberships/") == 2
