"""The handshake on a real socket, and what isn't ours on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import struct
import urllib.error
import urllib.request

import pytest
import websockets
from peer import Peer, request
from rawframes import closing, text


async def test_the_application_sees_the_request_as_it_was(echo) -> None:
    peer = await Peer.open(echo.port, "/ws?room=1%20a", "X-Twice: 1", "X-Twice: 2", "Sec-WebSocket-Protocol: a, b")
    assert b"sec-websocket-protocol: a\r\n" in peer.head.lower()
    await peer.send(text("scope"))
    kind, told = await peer.frame()
    assert kind == "text"
    scope = json.loads(told)
    assert (scope["type"], scope["path"], scope["query"]) == ("websocket", "/ws", "room=1%20a")
    assert scope["client"] == list(peer.writer.get_extra_info("sockname"))
    assert scope["subprotocols"] == ["a", "b"]
    assert [value for name, value in scope["headers"] if name == "x-twice"] == ["1", "2"]
    peer.close()


async def test_frames_sent_before_the_answer_are_not_lost(echo) -> None:
    peer = await Peer.open(echo.port, early=text("early") + text("bird"))
    assert [await peer.frame(), await peer.frame()] == [("text", "early"), ("text", "bird")]
    peer.close()


async def test_a_head_may_come_byte_by_byte(echo) -> None:
    peer = await Peer.dial(echo.port)
    for byte in request(echo.port):
        await peer.send(bytes([byte]))
    await peer.read_head()
    await peer.send(text("x"))
    assert await peer.frame() == ("text", "x")
    peer.close()


@pytest.mark.parametrize(("how", "status"), [("close", 403), ("raise", 500), ("return", 500)])
async def test_an_application_that_does_not_accept_is_a_refused_handshake(echo, how: str, status: int) -> None:
    peer = await Peer.open(echo.port, f"/ws?refuse={how}")
    assert peer.status == status
    assert await peer.rest() == b""


async def test_an_application_may_close_with_any_code(echo) -> None:
    peer = await Peer.open(echo.port)
    await peer.send(text("close"))
    assert await peer.frame() == ("close", 4001, "as you wish")
    await peer.send(closing(4001))
    assert await peer.rest() == b""


async def test_who_does_not_answer_a_close_is_cut_off(echo) -> None:
    peer = await Peer.open(echo.port)
    await peer.send(text("close"))
    assert await peer.frame() == ("close", 4001, "as you wish")
    async with asyncio.timeout(8):
        assert await peer.frames() == []


async def test_a_close_is_answered_with_its_own_code_and_reason(echo) -> None:
    peer = await Peer.open(echo.port)
    await peer.send(closing(4321, b"done"))
    assert await peer.frames() == [("close", 4321, "done")]


async def test_a_broken_frame_is_answered_though_more_is_on_its_way(echo) -> None:
    """What is unread when a server closes makes its kernel send a reset, which overtakes the close frame."""
    peer = await Peer.open(echo.port)
    await peer.send(b"\x83\x80\0\0\0\0" + b"\0" * 3_000_000)
    assert await peer.frame() == ("close", 1002, "a reserved opcode")
    assert await peer.rest() == b""


async def test_an_unmodified_consumer_works_on_another_path(echo) -> None:
    async with websockets.connect(f"ws://127.0.0.1:{echo.port}/echo", compression=None) as device:
        for message in ("hello", b"\x00\xff", "x" * 70_000):
            await device.send(message)
            assert await device.recv() == message


def test_the_pages_are_daphnes(echo) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{echo.port}/healthz", timeout=5) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{echo.port}/readyz", timeout=5) as answer:
        assert answer.status == 200
    assert "chatire_gateway_connections" in echo.metrics()
    for path in ("/ws", "/nothing"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{echo.port}{path}", timeout=5)
        assert refused.value.code == 404
        refused.value.close()


async def test_requests_may_follow_one_another_on_one_connection(echo) -> None:
    peer = await Peer.dial(echo.port)
    page = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    await peer.send(page + page + page.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert (await peer.rest()).count(b"HTTP/1.1 200") == 3


async def test_a_socket_may_follow_a_page_on_one_connection(echo) -> None:
    """As an API gateway does that keeps its connections; it is Daphne's then."""
    peer = await Peer.dial(echo.port)
    await peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await peer.read_head()
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    await peer.reader.readexactly(length)
    await peer.send(request(echo.port))
    await peer.read_head()
    assert peer.status == 101
    await peer.send(text("x"))
    assert await peer.frame() == ("text", "x")
    peer.close()


async def test_who_does_not_finish_a_request_is_cut_off(echo) -> None:
    peers = [await Peer.dial(echo.port) for _ in range(4)]
    for peer, data in zip(peers, (b"", b"GET /w", request(echo.port)[:-1], request(echo.port)), strict=True):
        await peer.send(data)
    async with asyncio.timeout(20):
        for peer in peers[:3]:
            with contextlib.suppress(ConnectionError):
                assert await peer.reader.read() == b""
            peer.close()
    assert b" 101 " in await peers[3].read_head()
    peers[3].close()
    assert re.search(r'^chatire_gateway_shed_total{class="handshake_slow"} [3-9]', echo.metrics(), re.MULTILINE)


async def test_a_client_that_vanishes_leaves_the_server_as_it_was(echo) -> None:
    for data in (b"GET /w", request(echo.port), request(echo.port) + text("x") * 100, request(echo.port) + b"\x81"):
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", echo.port)) as gone:
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                gone.sendall(data)
    peer = await Peer.open(echo.port)
    await peer.send(text("still there"))
    assert await peer.frame() == ("text", "still there")
    peer.close()
