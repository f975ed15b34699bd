"""Frames on their way out: joined, straight to the kernel or through Twisted's buffer, never lost or out of order."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from echoing import echoing
from house import House
from peer import Peer
from rawframes import PING, closing, frame, text

from gateway_service.front import wire

PLENTY = 12_000_000
"""Over what the kernel holds for a socket on loopback."""


@pytest.fixture(scope="module", params=["on", "off", "uvicorn"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """An echo on sockets of our own, on Twisted's transports, and on asyncio's."""
    kind = "uvicorn-slim" if request.param == "uvicorn" else "stock"
    direct = "off" if request.param == "off" else "on"
    with echoing(tmp_path_factory.mktemp("echo"), kind, CHATIRE_DIRECT_WRITES=direct) as house:
        yield house


def flood(count: int, size: int) -> bytes:
    return text(json.dumps({"flood": {"count": count, "size": size}}))


async def numbers(peer: Peer, count: int, size: int) -> None:
    """The flood comes, each frame whole, in order."""
    for number in range(count):
        kind, payload = await peer.frame()
        assert (kind, len(payload), int(payload[:8])) == ("text", size, number)


async def test_frames_of_one_turn_are_counted_until_they_are_gone(house) -> None:
    peer = await Peer.open(house.port)
    await peer.send(flood(10, 100))
    await numbers(peer, 10, 100)
    _, told = await peer.frame()
    assert json.loads(told) == [102 * (number + 1) for number in range(10)]
    await peer.send(flood(1, 100))
    await numbers(peer, 1, 100)
    assert json.loads((await peer.frame())[1]) == [102]
    peer.close()


async def test_what_a_slow_reader_does_not_take_is_known_and_arrives_when_it_reads(house) -> None:
    peer = await Peer.dial(house.port)
    peer.writer.transport.set_write_buffer_limits(0)
    await peer.send(b"".join([*(line + b"\r\n" for line in OPENING), b"\r\n"]))
    await peer.read_head()
    peer.writer.transport.pause_reading()
    await peer.send(flood(PLENTY // 100_000, 100_000) + flood(1, 1_000))
    await taken(house)
    peer.writer.transport.resume_reading()
    await numbers(peer, PLENTY // 100_000, 100_000)
    await peer.frame()
    await numbers(peer, 1, 1_000)
    (buffered,) = json.loads((await peer.frame())[1])
    assert PLENTY // 4 < buffered < PLENTY + 20_000
    peer.close()


OPENING = (
    b"GET /ws HTTP/1.1",
    b"Host: x",
    b"Connection: Upgrade",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)


async def taken(house: House) -> None:
    """The server has done what came before: it answers somebody else."""
    other = await Peer.open(house.port)
    await other.send(text("x"))
    await other.frame()
    other.close()


@pytest.mark.parametrize("size", [1_000, 9_000, 40_000])
async def test_what_waits_for_room_is_told_when_there_is_some(house, size: int) -> None:
    peer = await Peer.open(house.port)
    count = 6_000_000 // size
    await peer.send(text(json.dumps({"feed": {"count": count, "size": size}})))
    expected = b"".join(wire.frame(wire.TEXT, f"{number:08}".encode() + b"x" * (size - 8)) for number in range(count))
    async with asyncio.timeout(40):
        assert await peer.reader.readexactly(len(expected)) == expected
    peer.close()


async def test_a_close_comes_behind_what_was_sent(house) -> None:
    peer = await Peer.open(house.port)
    await peer.send(flood(200, 10_000) + text("close"))
    await numbers(peer, 200, 10_000)
    await peer.frame()
    assert await peer.frame() == ("close", 4001, "as you wish")
    await peer.send(closing(4001))
    assert await peer.rest() == b""


async def test_a_reader_that_vanishes_in_the_middle_harms_nobody(house) -> None:
    peer, bystander = await Peer.open(house.port), await Peer.open(house.port)
    await peer.send(flood(400, 100_000))
    await peer.frame()
    peer.writer.transport.abort()
    await bystander.send(text("still there"))
    assert await bystander.frame() == ("text", "still there")
    bystander.close()


async def test_pings_without_end_from_one_who_does_not_read_cannot_fill_memory(house) -> None:
    before = resident(house)
    peer = await Peer.open(house.port)
    peer.writer.transport.pause_reading()
    pings = frame(PING, b"p" * 125) * 1_000
    for _ in range(300):
        await peer.send(pings)
    await taken(house)
    assert resident(house) - before < 10_000_000
    assert re.search(r'^chatire_gateway_shed_total{class="pong"} [1-9]', house.metrics(), re.MULTILINE)
    peer.writer.transport.abort()


def resident(house: House) -> int:
    return int(Path(f"/proc/{house.process.pid}/statm").read_text().split()[1]) * 4_096


async def test_many_readers_of_the_same_get_the_same(house) -> None:
    peers = [await Peer.open(house.port) for _ in range(20)]
    for peer in peers:
        await peer.send(flood(50, 500))
    await asyncio.gather(*(numbers(peer, 50, 500) for peer in peers))
    for peer in peers:
        peer.close()


async def test_one_who_sends_all_the_time_leaves_room_for_others(house) -> None:
    """Frames of one socket are taken in slices; another's single one is answered long before the first's last."""
    busy, other = await Peer.open(house.port), await Peer.open(house.port)
    await busy.send(text("x") * 9_000)
    await other.send(text("me too"))
    assert await other.frame() == ("text", "me too")
    for _ in range(9_000):
        assert await busy.frame() == ("text", "x")
    busy.close()
    other.close()
