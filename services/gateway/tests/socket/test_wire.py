"""RFC 6455 as our server keeps it, byte by byte, and what those get who don't (security.md R23, R24)."""

from __future__ import annotations

import asyncio
import json
import struct
from uuid import uuid4

import pytest
from raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, frame, text


async def let_in(house) -> RawSocket:
    raw = await RawSocket.connect(house.port)
    assert raw.status == 101
    await raw.send(text(type="auth", token=house.backstage.token(uuid4())))
    assert (await raw.message())["type"] == "ready"
    return raw


async def still_alive(raw: RawSocket) -> None:
    await raw.send(text(type="ping", n=4))
    assert await raw.message() == {"type": "pong", "n": 4}
    raw.close()


# Under uvicorn these are closed too, with codes of its own.
@pytest.mark.parametrize("house", ["daphne", "slim", "uvicorn-slim"], indirect=True)
@pytest.mark.parametrize(
    ("broken", "code"),
    [
        pytest.param(frame(TEXT, b"{}", masked=False), 1002, id="unmasked"),
        pytest.param(frame(TEXT, b"{}", rsv=4), 1002, id="compressed without having agreed"),
        pytest.param(frame(TEXT, b"{}", rsv=1), 1002, id="reserved bit"),
        pytest.param(frame(0x3, b"{}"), 1002, id="reserved opcode"),
        pytest.param(frame(0xB, b""), 1002, id="reserved control opcode"),
        pytest.param(frame(PING, b"", fin=False), 1002, id="fragmented ping"),
        pytest.param(frame(PING, b"x" * 126), 1002, id="large ping"),
        pytest.param(frame(CONTINUATION, b"{}"), 1002, id="continuation of nothing"),
        pytest.param(frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), 1002, id="a second beginning"),
        pytest.param(frame(TEXT, b'{"type":"\xff"}'), 4400, id="not UTF-8"),
        pytest.param(frame(TEXT, b"\xed\xa0\x80"), 4400, id="a surrogate in UTF-8"),
        pytest.param(frame(TEXT, b"\xf0\x9f", fin=False) + frame(CONTINUATION, b"x"), 4400, id="half a character"),
        pytest.param(frame(BINARY, b"{}"), 4400, id="binary"),
        pytest.param(frame(TEXT, b""), 4400, id="empty"),
        pytest.param(struct.pack("!BBQI", 0x81, 0xFF, 1 << 30, 0) + b"x" * 65_536, 4413, id="a declared gigabyte"),
        pytest.param(frame(TEXT, b" " * 131_073), 4413, id="one byte too many"),
        pytest.param(
            b"".join(frame(TEXT if n == 0 else CONTINUATION, b" " * 1_024, fin=False) for n in range(600)),
            4413,
            id="too many fragments",
        ),
    ],
)
async def test_what_breaks_the_rules_gets_a_code_and_only_itself_closed(house, broken: bytes, code: int) -> None:
    bystander, raw = await let_in(house), await let_in(house)
    await raw.send(broken)
    assert await raw.code() == code
    raw.close()
    await still_alive(bystander)


@pytest.mark.parametrize("payload", [b"\x03", struct.pack("!H", 999), struct.pack("!H", 1005), b"\x03\xe8\xff"])
async def test_a_broken_close_is_the_end(house, payload: bytes) -> None:
    raw = await let_in(house)
    await raw.send(frame(CLOSE, payload))
    assert await raw.code() in {1002, 1006, 1007, 4400}
    raw.close()


async def test_as_large_as_allowed_is_allowed(house) -> None:
    raw = await let_in(house)
    base = json.dumps({"type": "ping", "n": 1}).encode()
    await raw.send(frame(TEXT, base + b" " * (131_072 - len(base))))
    assert await raw.message() == {"type": "pong", "n": 1}
    raw.close()


async def test_a_frame_may_come_in_fragments_with_pings_in_between(house) -> None:
    raw = await let_in(house)
    await raw.send(frame(TEXT, b'{"type":"pi', fin=False))
    await raw.send(frame(PING, b"here?"))
    await raw.send(frame(CONTINUATION, b'ng","n":1}'))
    assert await raw.receive() == (PONG, b"here?")
    assert await raw.message() == {"type": "pong", "n": 1}
    raw.close()


async def test_frames_may_come_byte_by_byte_or_many_at_once(house) -> None:
    raw = await let_in(house)
    for byte in text(type="ping", n=1):
        await raw.send(bytes([byte]))
    assert await raw.message() == {"type": "pong", "n": 1}
    await raw.send(b"".join(text(type="ping", n=n) for n in range(50)))
    assert [(await raw.message())["n"] for _ in range(50)] == list(range(50))
    raw.close()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 131_072])
async def test_events_of_every_length_are_framed_as_the_rfc_says(house, length: int) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    raw = await RawSocket.connect(house.port)
    await raw.send(text(type="auth", token=house.backstage.token(user)))
    await raw.message()
    house.backstage.say(conversation, "")
    empty = len(json.dumps(await raw.message(), separators=(",", ":")))
    house.backstage.say(conversation, "é" + "x" * max(0, length - empty - 2))
    event = await raw.message()
    assert event["seq"] == 3
    assert len(json.dumps(event, separators=(",", ":"))) >= length - 10
    raw.close()


async def test_a_client_that_closes_gets_its_close_answered(house) -> None:
    raw = await let_in(house)
    await raw.send(frame(CLOSE, struct.pack("!H", 1000)))
    assert await raw.code() == 1000
    assert await asyncio.wait_for(raw.reader.read(), 8) == b""
    raw.close()


@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: chatire.v1"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 7"),
        ("Sec-WebSocket-Key: short", "Sec-WebSocket-Version: 13"),
    ],
)
async def test_a_broken_handshake_is_a_client_error(house, headers: tuple[str, ...]) -> None:
    raw = await RawSocket.connect(house.port, *headers)
    assert 400 <= raw.status < 500
    raw.close()


async def test_compression_is_not_agreed_to(house) -> None:
    raw = await RawSocket.connect(
        house.port,
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: other, chatire.v1",
        "Sec-WebSocket-Extensions: permessage-deflate",
    )
    assert raw.status == 101
    assert b"permessage-deflate" not in raw.head.lower()
    assert b"sec-websocket-protocol: chatire.v1" in raw.head.lower()
    raw.close()


@pytest.mark.parametrize(
    "broken", [frame(TEXT, b"{}", masked=False), frame(TEXT, b"\xff")], ids=["unmasked", "not UTF-8"]
)
async def test_who_begins_with_a_broken_frame_leaves_nothing_behind(own_house, broken: bytes) -> None:
    for _ in range(3):
        raw = await RawSocket.connect(own_house.port)
        await raw.send(broken)
        assert await raw.code() in {1002, 4400}
        raw.close()
    async with asyncio.timeout(8):
        while "chatire_gateway_connections 0\n" not in await asyncio.to_thread(own_house.metrics):
            await asyncio.sleep(0.02)


async def test_before_it_is_let_in_a_socket_cannot_fill_our_memory(own_house) -> None:
    """Nothing is read from it while it is being let in, once what waits is more than a little."""
    own_house.backstage.lock.acquire()
    try:
        raw = await RawSocket.connect(own_house.port)
        await raw.send(text(type="auth", token=own_house.backstage.token(uuid4())))
        chunk = frame(TEXT, b'{"type":"ping","n":1}' + b" " * 60_000) * 16
        assert await taken_before_it_stalls(raw, chunk, 64_000_000) < 32_000_000
    finally:
        own_house.backstage.lock.release()
    assert (await raw.message())["type"] == "ready"
    await still_alive_after_all(raw)


async def taken_before_it_stalls(raw: RawSocket, chunk: bytes, most: int) -> int:
    """Bytes that went out before the other side took no more for a second."""
    taken = 0
    while taken < most:
        try:
            await asyncio.wait_for(raw.send(chunk), 1.0)
        except TimeoutError:
            break
        taken += len(chunk)
    return taken


async def still_alive_after_all(raw: RawSocket) -> None:
    """It is read from again: every ping that was taken is answered."""
    for _ in range(32):
        assert await raw.message() == {"type": "pong", "n": 1}
    raw.close()
