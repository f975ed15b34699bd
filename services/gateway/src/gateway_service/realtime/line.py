"""One connection to the messages service, and what its answers look like: HTTP/1.1 as our own services speak it.

A status, headers, and a body whose length is said, or whose chunks' are (RFC 9112); nothing else is taken.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

MAX_HEAD_BYTES = 16_384
_END = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


class Failed(Exception):
    """No answer, or none that can be read.

    Attributes:
        is_late: It may be at work still, so nobody else should be asked.
    """

    def __init__(self, why: str, *, is_late: bool = False) -> None:
        super().__init__(why)
        self.is_late = is_late


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


class Line(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._data = bytearray()
        self._head: _Head | None = None
        self._keeps = True

    @property
    def is_open(self) -> bool:
        """Whether another request can be sent, as far as the kernel has told us."""
        return self._transport is not None and self._keeps and not self._transport.is_closing()

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        """Send a request; the future gets the answer, or Failed."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._fail(Failed("the connection is closed"))
        else:
            self._transport.write(request)
        return self._answer

    def give_up(self) -> None:
        """Wait no longer; the future gets Failed."""
        self._fail(Failed("no answer in time", is_late=True))

    def close(self) -> None:
        """Drop the connection."""
        self._keeps = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: it is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """asyncio: bytes have come."""
        self._data += data
        try:
            answer = self._read()
        except ValueError as error:
            self.close()
            self._fail(Failed(f"not an answer of ours: {error}"))
            return
        if answer is not None and self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncio: it is over."""
        self._transport = None
        self._fail(Failed(str(exc or "closed")))

    def _fail(self, failure: Failed) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(failure)

    def _read(self) -> Answer | None:
        """The answer, when all of it is here.

        Raises:
            ValueError: it isn't one that we know.
        """
        if self._head is None:
            end = self._data.find(_END)
            if end < 0:
                if len(self._data) > MAX_HEAD_BYTES:
                    raise ValueError("a head without end")
                return None
            self._head = _head(bytes(self._data[:end]))
            del self._data[: end + len(_END)]
        body = _chunked(self._data) if self._head.length is None else _body(self._data, self._head.length)
        if body is None:
            return None
        answer = Answer(self._head.status, body)
        self._keeps = self._head.keeps
        self._data, self._head = bytearray(), None
        return answer


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    length: int | None
    keeps: bool


def _head(head: bytes) -> _Head:
    first, *lines = head.split(b"\r\n")
    if not first.startswith(b"HTTP/1.1 "):
        raise ValueError("not HTTP/1.1")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    keeps = headers.get(b"connection") != b"close"
    length = headers.get(b"content-length", b"")
    if headers.get(b"transfer-encoding") == b"chunked" and not length:
        return _Head(int(first[9:12]), None, keeps)
    if not length.isdigit() or b"transfer-encoding" in headers:
        raise ValueError("a body of unknown length")
    return _Head(int(first[9:12]), int(length), keeps)


def _body(data: bytearray, length: int) -> bytes | None:
    if len(data) > length:
        raise ValueError("more than one answer")
    return bytes(data) if len(data) == length else None


def _chunked(data: bytearray) -> bytes | None:
    """The body in chunks (RFC 9112 section 7.1) without trailers; looked at only when its end seems to have come."""
    if not data.endswith(_LAST_CHUNK):
        return None
    parts, place = [], 0
    while True:
        end = data.find(b"\r\n", place)
        if end < 0:
            return None
        size = int(data[place:end].partition(b";")[0], 16)
        if size < 0:
            raise ValueError("not a chunk")
        start, place = end + 2, end + 2 + size + 2
        if place > len(data):
            return None
        if data[start + size : place] != b"\r\n":
            raise ValueError("a chunk that doesn't end")
        if size == 0:
            break
        parts.append(bytes(data[start : start + size]))
    if place != len(data):
        raise ValueError("more than one answer")
    return b"".join(parts)
