"""The messages service as the gateway calls it (docs/internal.md)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from chatire_shared.clients.service import ServiceClient
from chatire_shared.contracts.errors import NotFound, Unavailable
from chatire_shared.contracts.strict_json import dumps_bytes, loads_ours
from gateway_service.realtime.line import Answer as Answered
from gateway_service.realtime.line import Failed
from gateway_service.realtime.people import Memberships, memberships_from_answer
from gateway_service.realtime.posting import Post

THREADS = 8
ONE_BY_ONE_SECONDS = 60.0
"""For so long we don't ask again for many people's memberships where that call isn't known yet (N−1 of messages)."""
POST_SECONDS = 12.0
"""Longer than PostgreSQL's statement time-out, so that the answer to a slow batch is the service's own."""
LOOK_SECONDS = 2.0
"""What only looks may be asked for again, of another instance."""

Answer = TypeVar("Answer")


class Poster(Protocol):
    """Posts bytes, without a thread (`posting.Post`)."""

    async def __call__(self, path: str, body: bytes, *, seconds: float) -> Answered:
        """The answer; raises Failed."""

    def close(self) -> None:
        """Let go of connections."""


class Upstream:
    """Calls of one process; each may raise Unavailable."""

    def __init__(self, messages: ServiceClient, post: Poster, ask: Poster) -> None:
        """Prepare.

        Args:
            messages: For what an older messages service must be asked otherwise; in threads.
            post: For batches of messages, which come with every message: they keep a lane of their own (`serving.lane`).
            ask: For all other calls.
        """
        self._messages = messages
        self._post = post
        self._ask = ask
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="upstream")
        self._one_by_one_until = 0.0

    @classmethod
    def at(cls, messages: ServiceClient) -> Upstream:
        """All calls where `messages` makes them."""
        post, ask = (Post(messages.bases, messages.authorization) for _ in range(2))
        return cls(messages, post, ask)

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """Do something slow in one of our threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def memberships(self, user: str) -> Memberships:
        """What a person belongs to.

        Raises:
            Unavailable: the service can't be reached, or answers something else.
        """
        (found,) = await self.memberships_of([user])
        return found

    async def memberships_of(self, users: Sequence[str]) -> list[Memberships]:
        """What some people belong to, in the same order.

        Raises:
            Unavailable: as `memberships`.
        """
        if time.monotonic() >= self._one_by_one_until:
            try:
                answer = await self._looked_up("/internal/memberships/", {"users": list(users)})
            except NotFound:
                self._one_by_one_until = time.monotonic() + ONE_BY_ONE_SECONDS
            else:
                found = _objects(answer, "memberships", len(users))
                return [_memberships(user, each) for user, each in zip(users, found, strict=True)]
        return list(await asyncio.gather(*(self._memberships_as_before(user) for user in users)))

    async def _memberships_as_before(self, user: str) -> Memberships:
        try:
            answer = await self.run(lambda: self._messages.get(f"/internal/users/{user}/memberships/"))
        except NotFound as error:
            raise Unavailable from error
        return _memberships(user, answer)

    async def batch(self, tokens: Sequence[str], items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Post messages; one result for each item.

        Raises:
            Unavailable: nobody knows whether they were posted; sending them again is safe.
        """
        return await _list(self._post, "/internal/messages/batch/", _items(tokens, items), "results", len(items))

    async def reads(self, tokens: Sequence[str], items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Move read markers; one result for each item.

        Raises:
            Unavailable: as `batch`.
        """
        return await _list(self._ask, "/internal/reads/", _items(tokens, items), "results", len(items))

    async def ranges(self, ranges: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Parts of logs; one answer for each.

        Raises:
            Unavailable: the service can't be reached.
        """
        answers = await _list(self._ask, "/internal/events/ranges/", {"ranges": list(ranges)}, "ranges", len(ranges))
        if not all(_is_range(answer) for answer in answers):
            raise Unavailable
        return answers

    async def heads(
        self, conversations: Sequence[str], users: Sequence[str]
    ) -> tuple[dict[str, tuple[str, int]], dict[str, int]]:
        """Epoch and newest seq of conversations, and membership versions of people; unknown ones are left out.

        Raises:
            Unavailable: the service can't be reached.
        """
        body = {"conversations": list(conversations), "users": list(users)}
        answer = await _known(_called(self._ask, "/internal/heads/", body, LOOK_SECONDS))
        try:
            heads = {name: (str(head["epoch"]), int(head["last_seq"])) for name, head in answer["heads"].items()}
            return heads, {user: int(version) for user, version in answer["membership_versions"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unavailable from error

    def stop(self) -> None:
        """Let go of the threads and connections; calls under way end by themselves."""
        self._post.close()
        self._ask.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _looked_up(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Something that changes nothing may be tried again at once, on another connection."""
        try:
            return await _called(self._ask, path, body, LOOK_SECONDS)
        except Unavailable:
            return await _called(self._ask, path, body, LOOK_SECONDS)


async def _called(post: Poster, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The object in the answer to a call; it is one of ours, so it isn't looked at as strictly as a stranger's.

    Raises:
        NotFound: the service says 404.
        Unavailable: it can't be reached in time, or answers anything but success.
    """
    try:
        answer = await post(path, dumps_bytes({"v": 1, **body}), seconds=seconds)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotFound
        found = loads_ours(answer.body) if answer.status == HTTPStatus.OK else None
    except (Failed, ValueError) as error:
        raise Unavailable from error
    if not isinstance(found, dict):
        raise Unavailable
    return found


async def _known(call: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """A call that exists: the service that says it doesn't doesn't know our key yet, or is another version just now."""
    try:
        return await call
    except NotFound as error:
        raise Unavailable from error


async def _list(post: Poster, path: str, body: dict[str, Any], field: str, length: int) -> list[dict[str, Any]]:
    return _objects(await _known(_called(post, path, body, POST_SECONDS)), field, length)


def _items(tokens: Sequence[str], items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"tokens": list(tokens), "items": list(items)}


def _memberships(user: str, answer: dict[str, Any]) -> Memberships:
    try:
        return memberships_from_answer(user, answer)
    except (KeyError, TypeError, ValueError) as error:
        raise Unavailable from error


def _objects(answer: dict[str, Any], field: str, length: int) -> list[dict[str, Any]]:
    found = answer.get(field)
    if not isinstance(found, list) or len(found) != length or not all(isinstance(item, dict) for item in found):
        raise Unavailable
    return found


def _is_range(answer: dict[str, Any]) -> bool:
    return (
        isinstance(answer.get("epoch"), str | None)
        and isinstance(answer.get("last_seq"), int)
        and isinstance(answer.get("expired"), bool)
        and isinstance(answer.get("bodies"), list)
        and all(isinstance(body, str) for body in answer["bodies"])
    )
