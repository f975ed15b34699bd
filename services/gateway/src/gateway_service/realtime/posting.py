"""Calls of the messages service: HTTP/1.1 in the event loop itself, over connections that stay open.

On a quiet system a message cost the gateway 5.3 ms of CPU with `requests` in a thread, and 2.5 ms with this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from chatire_shared.clients.bases import Bases
from gateway_service.realtime.line import Answer, Failed, Line

CONNECT_SECONDS = 2.0
_ELSEWHERE = frozenset({502, 503, 504})


class Post:
    """Posts to a service of which several may run; as many connections to each as there are calls at once."""

    def __init__(self, bases: Bases, authorization: Callable[[], str]) -> None:
        """Prepare; connections are made when they are needed.

        Args:
            bases: Where instances of the service listen.
            authorization: Makes the header of this name.
        """
        self._bases = bases
        self._authorization = authorization
        self._idle: dict[str, list[Line]] = {}

    async def __call__(self, path: str, body: bytes, *, seconds: float) -> Answer:
        """The first answer of an instance that takes the call.

        It may be done twice where a connection broke: every internal call must allow that (docs/internal.md).

        Args:
            path: Where to.
            body: JSON.
            seconds: How long the answer may take.

        Raises:
            Failed: nobody took it.
        """
        bases = self._bases.in_turn()
        failure = Failed("nobody to ask")
        # A single one is asked again: its connection may have been kept from before a restart.
        for base in bases if len(bases) > 1 else bases * 2:
            try:
                answer = await self._ask(base, path, body, seconds)
            except Failed as error:
                self._bases.failed(base)
                failure = error
                if error.is_late:
                    break
                continue
            if answer.status not in _ELSEWHERE or len(bases) == 1:
                self._bases.worked(base)
                return answer
            self._bases.failed(base)
            failure = Failed(f"it answered {answer.status}")
        raise failure

    def close(self) -> None:
        """Drop the connections that nobody uses."""
        for lines in self._idle.values():
            while lines:
                lines.pop().close()

    async def _ask(self, base: str, path: str, body: bytes, seconds: float) -> Answer:
        line = self._kept(base) or await _connect(base)
        try:
            answer = await _answer(line, self._head(base, path, len(body)) + body, seconds)
        except BaseException:
            line.close()
            raise
        if line.is_open:
            self._idle.setdefault(base, []).append(line)
        return answer

    def _kept(self, base: str) -> Line | None:
        lines = self._idle.get(base, [])
        while lines:
            line = lines.pop()
            if line.is_open:
                return line
        return None

    def _head(self, base: str, path: str, length: int) -> bytes:
        parts = urlsplit(base)
        return (
            f"POST {parts.path}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: {self._authorization()}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode("latin-1")


async def _answer(line: Line, request: bytes, seconds: float) -> Answer:
    # Not `asyncio.wait`, which makes a future and a callback more for each call.
    timer = asyncio.get_running_loop().call_later(seconds, line.give_up)
    try:
        return await line.ask(request)
    finally:
        timer.cancel()


async def _connect(base: str) -> Line:
    parts = urlsplit(base)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, line = await asyncio.get_running_loop().create_connection(Line, parts.hostname or "", parts.port or 80)
    except (OSError, TimeoutError) as error:
        raise Failed(f"no connection: {error or 'time is over'}") from error
    return line
