"""Calls get through to the messages service, or somebody hears why not; whatever it answers, and whenever it goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from chatire_shared.clients.bases import Bases
from gateway_service.realtime import line
from gateway_service.realtime.line import Answer, Failed
from gateway_service.realtime.posting import Post

SECONDS = 5.0
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Service:
    """A server that behaves as told, call by call, and remembers what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = ""
        self._behaviour = behaviour

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self._behaviour(reader, writer, len(self.requests))
                if writer.is_closing():
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def service(behaviour: Behaviour) -> AsyncIterator[Service]:
    running = Service(behaviour)
    server = await asyncio.start_server(running.serve, "127.0.0.1", 0)
    running.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield running
    finally:
        server.close()


def saying(*answers: bytes, cut: bool = False) -> Behaviour:
    """Answers one after the other, the last again and again; with `cut`, closes after each."""

    async def behave(_: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(answers[min(number, len(answers)) - 1])
        if cut:
            writer.close()

    return behave


def post_to(*urls: str) -> Post:
    return Post(Bases(" ".join(urls)), lambda: "Bearer of news")


async def ask_twice(behaviour: Behaviour, body: bytes) -> None:
    """The same answer both times, on one connection."""
    async with service(behaviour) as one:
        post = post_to(one.url)
        for _ in range(2):
            assert await post("/", b"", seconds=SECONDS) == Answer(200, body)
        assert one.connections == 1
        post.close()


async def test_a_call_brings_path_authorization_and_body() -> None:
    async with service(saying(GOOD)) as one:
        post = post_to(f"{one.url}/prefix")
        assert await post("/x/", b"[1]", seconds=SECONDS) == Answer(200, b"{}")
        head, _, body = one.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /prefix/x/ HTTP/1.1\r\nHost: 127.0.0.1:")
        assert b"\r\nAuthorization: Bearer of news\r\n" in head
        assert body == b"[1]"
        post.close()


async def test_calls_share_a_connection_and_those_at_once_have_one_each() -> None:
    async with service(saying(GOOD)) as one:
        post = post_to(one.url)
        for _ in range(5):
            await post("/", b"", seconds=SECONDS)
        assert one.connections == 1
        await asyncio.gather(*(post("/", b"", seconds=SECONDS) for _ in range(3)))
        assert one.connections == 3
        post.close()


async def test_an_answer_may_come_byte_by_byte() -> None:
    async def dribble(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        for byte in GOOD:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)

    async with service(dribble) as one:
        post = post_to(one.url)
        assert await post("/", b"", seconds=SECONDS) == Answer(200, b"{}")
        post.close()


async def test_a_connection_that_is_to_close_is_used_no_more() -> None:
    closing = GOOD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with service(saying(closing)) as one:
        post = post_to(one.url)
        await post("/", b"", seconds=SECONDS)
        await post("/", b"", seconds=SECONDS)
        assert one.connections == 2
        post.close()


async def test_a_kept_connection_that_was_broken_meanwhile_costs_nothing() -> None:
    async with service(saying(GOOD, cut=True)) as one:
        post = post_to(one.url)
        for _ in range(4):
            assert (await post("/", b"", seconds=SECONDS)).status == 200
            await asyncio.sleep(0.02)
        post.close()


async def test_another_instance_is_asked_when_one_is_gone_or_not_ready() -> None:
    away = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
    async with service(saying(away)) as busy, service(saying(GOOD)) as free:
        post = post_to("http://127.0.0.1:1", busy.url, free.url)
        for _ in range(6):
            assert (await post("/", b"", seconds=SECONDS)).status == 200
        assert len(free.requests) == 6
        post.close()


async def test_the_only_instance_says_itself_that_it_is_not_ready() -> None:
    async with service(saying(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nlate")) as one:
        post = post_to(one.url)
        assert await post("/", b"", seconds=SECONDS) == Answer(503, b"late")
        post.close()


async def test_a_long_answer_comes_in_many_pieces_and_is_whole() -> None:
    body = bytes(range(256)) * 20_000

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        for piece in (head[:10], head[10:-1], head[-1:] + body[:1], body[1:]):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)

    await ask_twice(say, body)


@pytest.mark.parametrize("size", [1, 3, 7, 1_000])
async def test_chunks_are_put_together_however_they_come(size: int) -> None:
    body = b"[0\r\n\r\n, 1]0\r\n" * 20
    chunks = [body[at : at + 14] for at in range(0, len(body), 14)]  # Each ends like the last one does.
    sent = CHUNKED + b"".join(b"%x;name=x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: int) -> None:
        for at in range(0, len(sent), size):
            writer.write(sent[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)

    await ask_twice(say, body)


async def test_nobody_there_is_a_failure_at_once() -> None:
    with pytest.raises(Failed, match="no connection"):
        await post_to("http://127.0.0.1:1")("/", b"", seconds=SECONDS)


async def test_one_that_is_late_is_not_asked_again_nor_is_another() -> None:
    async def sleep(_: asyncio.StreamReader, __: asyncio.StreamWriter, ___: int) -> None:
        await asyncio.sleep(30)

    async with service(sleep) as slow, service(sleep) as other:
        post = post_to(slow.url, other.url)
        with pytest.raises(Failed, match="in time"):
            await post("/", b"", seconds=0.1)
        assert len(slow.requests) + len(other.requests) == 1
        post.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        CHUNKED + b"x\r\n0\r\n\r\n",
        CHUNKED + b"-1\r\n0\r\n\r\n",
        CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}",
        CHUNKED + b"2\r\n{}\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
        GOOD + GOOD,
        b"x" * (line.MAX_HEAD_BYTES + 1),
    ],
)
async def test_what_is_no_answer_of_ours_is_a_failure(answer: bytes) -> None:
    async with service(saying(answer, cut=True)) as one:
        post = post_to(one.url)
        with pytest.raises(Failed):
            await post("/", b"", seconds=SECONDS)
        post.close()
