"""The messages service as the gateway calls it: in threads of its own, never in the event loop's (docs/internal.md)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from chatire_shared.clients.service import ServiceClient
from chatire_shared.contracts.errors import NotFound, Unavailable
from chatire_shared.contracts.strict_json import dumps
from gateway_service.realtime.people import Memberships, memberships_from_answer
from gateway_service.realtime.posting import Answer as Answered
from gateway_service.realtime.posting import Failed

THREADS = 8
ONE_BY_ONE_SECONDS = 60.0
"""For so long we don't ask again for many people's memberships where that call isn't known yet (N−1 of messages)."""
POST_SECONDS = 12.0
"""Longer than PostgreSQL's statement time-out, so that the answer to a slow batch is the service's own."""

Answer = TypeVar("Answer")


class Poster(Protocol):
    """Posts bytes, without a thread (`posting.Post`)."""

    async def __call__(self, path: str, body: bytes) -> Answered:
        """The answer; raises Failed."""

    def close(self) -> None:
        """Let go of connections."""


class Upstream:
    """Calls of one process; each may raise Unavailable."""

    def __init__(self, messages: ServiceClient, post: Poster) -> None:
        """Prepare.

        Args:
            messages: For all calls but one.
            post: For batches of messages, which come with every message.
        """
        self._messages = messages
        self._post = post
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="upstream")
        self._one_by_one_until = 0.0

    async def run(self, call: Callable[[], Answer]) -> Answer:
        """Do something slow in one of our threads."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def memberships(self, user: str) -> Memberships:
        """What a person belongs to.

        Raises:
            Unavailable: the service can't be reached, or answers something else.
        """
        answer = await self._ask(lambda: self._messages.get(f"/internal/users/{user}/memberships/"))
        return _memberships(user, answer)

    async def memberships_of(self, users: Sequence[str]) -> list[Memberships]:
        """What some people belong to, in the same order.

        Raises:
            Unavailable: as `memberships`.
        """
        if time.monotonic() >= self._one_by_one_until:
            body = {"v": 1, "users": list(users)}
            try:
                answer = await self.run(lambda: _twice(lambda: self._messages.post("/internal/memberships/", body)))
            except NotFound:
                self._one_by_one_until = time.monotonic() + ONE_BY_ONE_SECONDS
            else:
                found = _objects(answer, "memberships", len(users))
                return [_memberships(user, each) for user, each in zip(users, found, strict=True)]
        return list(await asyncio.gather(*(self.memberships(user) for user in users)))

    async def batch(self, tokens: Sequence[str], items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Post messages; one result for each item.

        Raises:
            Unavailable: nobody knows whether they were posted; sending them again is safe.
        """
        data = dumps({"v": 1, "tokens": list(tokens), "items": list(items)}).encode()
        try:
            answer = await self._post("/internal/messages/batch/", data)
        except Failed as error:
            raise Unavailable from error
        return _objects(_body(answer), "results", len(items))

    async def reads(self, tokens: Sequence[str], items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Move read markers; one result for each item.

        Raises:
            Unavailable: as `batch`.
        """
        return await self._results("/internal/reads/", tokens, items)

    async def ranges(self, ranges: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Parts of logs; one answer for each.

        Raises:
            Unavailable: the service can't be reached.
        """
        body = {"v": 1, "ranges": list(ranges)}
        answers = await self._list("/internal/events/ranges/", body, "ranges", len(ranges))
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
        body = {"v": 1, "conversations": list(conversations), "users": list(users)}
        answer = await self._ask(lambda: self._messages.post("/internal/heads/", body))
        try:
            heads = {name: (str(head["epoch"]), int(head["last_seq"])) for name, head in answer["heads"].items()}
            return heads, {user: int(version) for user, version in answer["membership_versions"].items()}
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unavailable from error

    def stop(self) -> None:
        """Let go of the threads and connections; calls under way end by themselves."""
        self._post.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _results(self, path: str, tokens: Sequence[str], items: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return await self._list(path, {"v": 1, "tokens": list(tokens), "items": list(items)}, "results", len(items))

    async def _list(self, path: str, body: dict[str, Any], field: str, length: int) -> list[dict[str, Any]]:
        answer = await self._ask(lambda: self._messages.post(path, body, timeout_seconds=POST_SECONDS))
        return _objects(answer, field, length)

    async def _ask(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            return await self.run(call)
        except NotFound as error:
            # Every call of ours exists: the service doesn't know our key yet, or is another version just now.
            raise Unavailable from error


def _body(answer: Answered) -> dict[str, Any]:
    """The object in an answer; it is one of ours, so it isn't looked at as strictly as a stranger's."""
    try:
        body = json.loads(answer.body) if answer.status == HTTPStatus.OK else None
    except (ValueError, RecursionError) as error:
        raise Unavailable from error
    if not isinstance(body, dict):
        raise Unavailable
    return body


def _twice(call: Callable[[], Answer]) -> Answer:
    """Something that changes nothing may be tried again at once, on another connection."""
    try:
        return call()
    except Unavailable:
        return call()


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
