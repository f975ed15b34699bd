from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest
from raw import STANDARD, RawSocket, text

from chatire_shared.testing.tokens import TokenMint


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"ping","n":1}',
        '{"type":"auth"}',
        '{"type":"auth","token":5}',
        '{"type":"auth","token":"a.b.c"}',
        '{"type":"auth","token":"t","surprise":1}',
        '{"type":"resume","cursors":{}}',
        "{",
        "[]",
    ],
)
async def test_nothing_but_auth_is_a_first_frame(house, frame: str) -> None:
    stranger = await house.stranger()
    await stranger.socket.send(frame)
    assert await stranger.code() == 4401
    assert stranger.seen == []


async def test_bad_tokens_of_every_kind_are_refused(house) -> None:
    mint, other = house.backstage.mint, TokenMint()
    now = int(time.time())
    tokens = [
        mint.access(exp=now - 60, iat=now - 120),
        mint.access(iss="evil"),
        mint.access(aud="other"),
        mint.access(token_type="refresh"),
        mint.access(sid=None),
        mint.sign(mint.claims(), typ="svc+jwt"),
        mint.sign(mint.claims(), kid="unknown"),
        other.sign(other.claims(), kid=mint.kid),
        mint.access()[:-4] + "AAAA",
    ]
    for token in tokens:
        stranger = await house.stranger()
        await stranger.send(type="auth", token=token)
        assert await stranger.code() == 4401, token
        assert stranger.seen == []


@pytest.mark.parametrize("subprotocols", [(), ("chatire.v0",), ("graphql-ws",)])
async def test_another_subprotocol_is_refused_by_a_close_code(house, subprotocols: tuple[str, ...]) -> None:
    assert await (await house.stranger(subprotocols=subprotocols)).code() == 4400


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://chat.example.evil", "http://127.0.0.1:1"])
async def test_a_foreign_page_is_refused_by_a_close_code(house, origin: str) -> None:
    assert await (await house.stranger(origin=origin)).code() == 4403


async def test_our_own_pages_are_let_in(house) -> None:
    for origin in ("http://chat.example", f"http://127.0.0.1:{house.port}"):
        stranger = await house.stranger(origin=origin)
        await stranger.send(type="auth", token=house.backstage.token(uuid4()))
        await stranger.gets("ready")
        await stranger.close()


async def test_a_token_in_the_handshake_is_followed_by_resume(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    headers = {"Authorization": f"Bearer {house.backstage.token(user)}"}
    device = await house.stranger(additional_headers=headers)
    await device.send(type="resume", cursors={conversation: 0})
    await device.gets("ready")
    assert [event["seq"] for event in await device.hears(1)] == [1]
    await device.close()


async def test_a_fresh_token_of_the_same_user_goes_on_and_anybody_elses_ends_it(house) -> None:
    user = uuid4()
    device = await house.device(user)
    await device.send(type="auth", token=house.backstage.token(user))
    assert (await device.gets("session"))["expires_at"]
    await device.send(type="auth", token=house.backstage.token(uuid4()))
    assert await device.code() == 4401


async def test_a_token_that_ends_within_a_minute_is_announced_and_then_the_socket_ends(house) -> None:
    user, now = uuid4(), int(time.time())
    device = await house.stranger()
    await device.send(type="auth", token=house.backstage.token(user, iat=now, exp=now + 3))
    await device.gets("ready")
    await device.gets("session")
    assert await device.code() == 4401


async def test_a_revoked_session_is_closed_and_does_not_come_back(house) -> None:
    user, session = uuid4(), uuid4()
    token = house.backstage.token(user, sid=str(session))
    device = await house.stranger()
    await device.send(type="auth", token=token)
    await device.gets("ready")
    house.backstage.revoke(str(session), user)
    assert await device.code() == 4409
    again = await house.stranger()
    await again.send(type="auth", token=token)
    assert await again.code() == 4409


async def test_the_twenty_first_socket_of_a_user_is_refused(house) -> None:
    user = uuid4()
    devices = [await house.device(user) for _ in range(20)]
    late = await house.stranger()
    await late.send(type="auth", token=house.backstage.token(user))
    assert await late.code() == 4431
    await asyncio.gather(*(device.close() for device in devices))


async def test_who_says_nothing_is_sent_away(house) -> None:
    stranger = await house.stranger()
    async with asyncio.timeout(20):
        await stranger.socket.wait_closed()
    assert stranger.socket.close_code == 4408


async def test_the_five_hundred_and_first_socket_of_an_address_is_refused(own_house) -> None:
    crowded, quiet = "X-Forwarded-For: 203.0.113.9", "X-Forwarded-For: 203.0.113.10"
    sockets = [await RawSocket.connect(own_house.port, *STANDARD, crowded) for _ in range(500)]
    late = await RawSocket.connect(own_house.port, *STANDARD, crowded)
    assert await late.code() == 4431
    other = await RawSocket.connect(own_house.port, *STANDARD, quiet)
    await other.send(text(type="auth", token=own_house.backstage.token(uuid4())))
    assert (await other.message())["type"] == "ready"
    everybody = [*sockets, late, other]
    for socket in everybody:
        socket.close()
    await asyncio.gather(*(socket.writer.wait_closed() for socket in everybody), return_exceptions=True)
