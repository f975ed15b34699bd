"""The same frames to the gateway under Autobahn and under the slim front in each of its ways: the same bytes come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID, uuid4

import pytest
from house import House, running
from peer import Peer
from rawframes import BINARY, CONTINUATION, PING, PONG, TEXT, closing, frame, text

PROTOCOL = "Sec-WebSocket-Protocol: chatire.v1"
WAYS = {
    "daphne": ("daphne", {}),
    "slim": ("slim", {}),
    "buffered": ("slim", {"CHATIRE_DIRECT_WRITES": "off"}),
    "stock": ("stock", {}),
    "uvicorn, slim": ("uvicorn-slim", {}),
    "uvicorn": ("uvicorn", {}),
}
WITHOUT_OUR_FRAMING = {"uvicorn"}
"""Plain ASGI: handshake, and codes for what breaks the RFC, are the server's; frames are not."""
CHANGES = re.compile(rb'("(?:connection|server_time|expires_at|epoch|at|created_at|id|client_id|actor)":")[^"]*"')


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, House]]:
    """One gateway each way."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(running(kind, tmp_path_factory.mktemp(name), **environment))
            for name, (kind, environment) in WAYS.items()
        }


WHY = re.compile(rb"\x88.((?:\x03\xea|\x11\x30|\x11\x3d)).*$", re.DOTALL)
"""The words of a close with 1002, 4400 or 4413 are each server's own."""
LAST = 999_999
PONG_OF_LAST = '{"type":"pong","n":999999}'


def ping(number: int, padding: int = 0) -> bytes:
    return text(json.dumps({"type": "ping", "n": number}) + " " * padding)


CONVERSATIONS = {
    "pings of many sizes": b"".join(ping(n, size) for n, size in enumerate((0, 1, 100, 101, 65_000, 131_000))),
    "errors": text('{"type":"nonsense"}') + text('{"type":"ping"}') + text('{"type":"watch","users":[]}') + ping(1),
    "fragments and control frames": text('{"type":"pi', fin=False)
    + frame(PING, b"in between")
    + frame(PONG, b"unasked")
    + frame(CONTINUATION, b'ng","n":', fin=False)
    + frame(CONTINUATION, b"7}"),
    "pings of the protocol": frame(PING, b"") + frame(PONG, b"x") + frame(PING, b"p" * 125),
    "many at once": b"".join(ping(n) for n in range(300)),
    "binary": frame(BINARY, b"{}"),
    "not JSON": text("{"),
    "empty": frame(TEXT),
    "not UTF-8": text(b'{"type":"\xff"}'),
    "too large": text(" " * 131_073),
    "declared too large": frame(TEXT, b"", declared=1 << 30),
    "unmasked": frame(TEXT, b"{}", mask=None),
    "reserved bit": frame(TEXT, b"{}", rsv=4),
    "reserved opcode": frame(0x5, b"{}"),
    "fragmented ping": frame(PING, b"", fin=False),
    "continuation of nothing": frame(CONTINUATION, b"{}"),
    "a second auth without a token": text('{"type":"auth"}') + ping(1),
    "a bad second token": text('{"type":"auth","token":"a.b.c"}'),
}
CLOSES = (1000, 1001, 3000, 4321)


LAWFUL = (
    "pings of many sizes",
    "errors",
    "fragments and control frames",
    "pings of the protocol",
    "many at once",
    "a second auth without a token",
)


@pytest.mark.parametrize("said", CONVERSATIONS.values(), ids=CONVERSATIONS.keys())
async def test_the_same_frames_are_answered_with_the_same_bytes(houses, said: bytes) -> None:
    user = uuid4()
    ours = [house for name, house in houses.items() if name not in WITHOUT_OUR_FRAMING]
    answers = await asyncio.gather(*(answered(house, user, said) for house in ours))
    assert answers == [answers[0]] * len(answers)
    assert len(answers[0][1]) > 4


@pytest.mark.parametrize("said", LAWFUL)
async def test_plain_asgi_answers_lawful_frames_with_the_same_bytes(houses, said: str) -> None:
    user = uuid4()
    ours = await answered(houses["slim"], user, CONVERSATIONS[said])
    plain = await answered(houses["uvicorn"], user, CONVERSATIONS[said])
    assert plain[1] == ours[1]


@pytest.mark.parametrize("code", CLOSES)
async def test_a_close_is_answered_with_the_same_bytes(houses, code: int) -> None:
    user = uuid4()
    answers = await asyncio.gather(*(answered(house, user, b"", close=code) for house in houses.values()))
    assert {frames for _head, frames in answers} == {answers[0][1]}


@pytest.mark.parametrize("length", [1, 125, 126, 65_535, 65_536])
async def test_the_same_events_leave_as_the_same_bytes(houses, length: int) -> None:
    user = uuid4()
    answers = await asyncio.gather(*(heard(house, user, length) for house in houses.values()))
    assert answers == [answers[0]] * len(answers)
    assert len(answers[0]) > length


async def answered(house: House, user: UUID, said: bytes, close: int = 1000) -> tuple[bytes, bytes]:
    """The handshake's answer and everything that comes back, but for what names this one socket."""
    peer = await let_in(house, user)
    await peer.send(said + ping(LAST))
    while (got := await peer.frame()) is not None and got[0] != "close" and got != ("text", PONG_OF_LAST):
        pass
    # Autobahn resets a connection that it has failed while more was on its way to it.
    with contextlib.suppress(ConnectionError):
        if got is not None:
            await peer.send(closing(close if got[0] == "text" else got[1]))
            await peer.rest()
    peer.close()
    return peer.head, alike(peer.raw)


async def let_in(house: House, user: UUID) -> Peer:
    peer = await Peer.open(house.port, "/ws", PROTOCOL)
    await peer.send(text(json.dumps({"type": "auth", "token": house.backstage.token(user)})))
    assert (await peer.frame())[0] == "text"
    return peer


async def heard(house: House, user: UUID, length: int) -> bytes:
    """What comes of one event whose frame is so long, give or take what the ids take."""
    conversation = house.backstage.begin(user)
    peer = await let_in(house, user)
    house.backstage.say(conversation, "x" * length)
    assert (await peer.frame())[0] == "text"
    await peer.send(closing(1000))
    await peer.rest()
    return alike(peer.raw.replace(conversation.encode(), b"c" * 36))


def alike(raw: bytes) -> bytes:
    """Without what names one socket, one moment, one process; all of it has the same length everywhere."""
    return WHY.sub(rb"\1", CHANGES.sub(rb'\1"', raw))
