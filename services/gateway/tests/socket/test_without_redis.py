"""Redis is a doorbell: without it everything goes on, a little later (G3, G7; reliability.md C7)."""

from __future__ import annotations

import asyncio
from uuid import uuid4


async def test_what_happens_while_redis_is_away_arrives_all_the_same(frail_house, valkey) -> None:
    backstage, conversation = frail_house.backstage, frail_house.backstage.begin(frail_house.ada, frail_house.grace)
    ada, grace = await frail_house.device(frail_house.ada), await frail_house.device(frail_house.grace)
    valkey.kill()
    for number in range(3):
        await ada.send(type="send", id=str(uuid4()), conversation=conversation, body=f"in the dark {number}")
        await ada.gets("ack")
    async with asyncio.timeout(5):
        assert [event["data"]["body"] for event in await grace.hears(3)] == [f"in the dark {n}" for n in range(3)]
    late = await frail_house.device(frail_house.grace, cursors={conversation: 2})
    assert [event["seq"] for event in await late.hears(3)] == [3, 4, 5]
    backstage.remove(conversation, frail_house.grace)
    backstage.say(conversation, "secret")
    async with asyncio.timeout(5):
        assert (await grace.gets("left"))["seq"] == 6
    valkey.start()
    async with asyncio.timeout(5):
        while "chatire_gateway_deaf 0" not in frail_house.metrics():
            await asyncio.sleep(0.05)
    backstage.say(conversation, "light again")
    assert [event["seq"] for event in await ada.hears(5)][-1] == 7
    assert "secret" not in str(grace.seen) + str(late.seen)
    for device in (ada, grace, late):
        await device.close()


async def test_joining_while_redis_hangs_heals(frail_house, valkey) -> None:
    conversation = frail_house.backstage.begin(uuid4())
    grace = await frail_house.device(frail_house.grace)
    valkey.pause()
    try:
        frail_house.backstage.add(conversation, frail_house.grace)
        async with asyncio.timeout(8):
            assert (await grace.gets("joined"))["conversation"] == conversation
    finally:
        valkey.resume()
    await grace.close()


async def test_a_revocation_needs_no_redis(frail_house, valkey) -> None:
    session = uuid4()
    device = await frail_house.stranger()
    await device.send(type="auth", token=frail_house.backstage.token(frail_house.ada, sid=str(session)))
    await device.gets("ready")
    valkey.kill()
    frail_house.backstage.revoke(str(session), frail_house.ada)
    async with asyncio.timeout(3):
        assert await device.code() == 4409
