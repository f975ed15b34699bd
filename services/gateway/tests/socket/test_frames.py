from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest

NOBODY = str(UUID(int=0))


async def test_a_message_goes_to_everybody_and_is_acknowledged(house) -> None:
    conversation = house.backstage.begin(house.ada, house.grace)
    ada, grace = await house.device(house.ada), await house.device(house.grace)
    client_id = str(uuid4())
    await ada.send(type="send", id=client_id, conversation=conversation, body="hello")
    ack = await ada.gets("ack")
    assert (ack["id"], ack["conversation"], ack["seq"]) == (client_id, conversation, 3)
    heard = await grace.gets("event", conversation=conversation)
    assert (heard["seq"], heard["kind"], heard["data"]["body"]) == (3, "message.created", "hello")
    await ada.send(type="send", id=client_id, conversation=conversation, body="again")
    assert (await ada.gets("ack"))["seq"] == 3
    await ada.close()
    await grace.close()


async def test_what_one_device_sends_is_posted_in_order(house) -> None:
    conversation = house.backstage.begin(house.ada)
    ada = await house.device(house.ada)
    for number in range(200):
        await ada.send(type="send", id=str(uuid4()), conversation=conversation, body=str(number))
    events = await ada.hears(200)
    assert [event["data"]["body"] for event in events] == [str(number) for number in range(200)]
    await ada.close()


async def test_ready_says_who_and_where(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    device = await house.device(user)
    assert device.ready["user"]["id"] == str(user)
    assert device.ready["heartbeat"] == 25
    assert device.ready["conversations"] == [
        {
            "id": conversation,
            "kind": "group",
            "epoch": house.backstage.epoch_of(conversation),
            "visible_from_seq": 1,
            "last_seq": 1,
            "read_seq": 1,
        }
    ]
    assert device.socket.subprotocol == "chatire.v1"
    await device.close()


async def test_refused_frames_get_an_error_and_the_socket_stays(house) -> None:
    ada = await house.device(house.ada)
    client_id = str(uuid4())
    for frame in (
        {"type": "nonsense"},
        {"type": "send", "id": client_id, "conversation": NOBODY, "body": ""},
        {"type": "read", "conversation": NOBODY},
        {"type": "ping", "n": "1"},
        {"type": "auth", "token": "x", "cursors": {}},
    ):
        await ada.send(**frame)
        error = await ada.gets("error")
        assert (error["code"], error["retryable"], error.get("id")) == ("invalid", False, frame.get("id"))
    await ada.send(type="send", id=client_id, conversation=NOBODY, body="x")
    assert (await ada.gets("error"))["code"] == "not_found"
    await ada.send(type="typing", conversation=NOBODY, state="started")
    assert (await ada.gets("error"))["code"] == "not_found"
    await ada.send(type="watch", users=[NOBODY])
    await ada.send(type="ping", n=7)
    assert (await ada.gets("pong"))["n"] == 7
    await ada.close()


async def test_typing_reaches_the_others_and_never_oneself(house) -> None:
    conversation = house.backstage.begin(house.ada, house.grace)
    ada, tablet = await house.device(house.ada), await house.device(house.ada)
    grace = await house.device(house.grace)
    await ada.send(type="typing", conversation=conversation, state="started")
    typing = await grace.gets("typing")
    assert typing == {"type": "typing", "conversation": conversation, "user": str(house.ada), "state": "started"}
    for device in (ada, tablet):
        await device.send(type="ping", n=1)
        await device.gets("pong")
        assert "typing" not in [frame["type"] for frame in device.seen]
        await device.close()
    await grace.close()


async def test_reading_clears_ones_other_devices_only(house) -> None:
    conversation = house.backstage.begin(house.ada, house.grace)
    phone, laptop, grace = [await house.device(user) for user in (house.ada, house.ada, house.grace)]
    await phone.send(type="read", conversation=conversation, seq=2)
    heard = await laptop.gets("read")
    assert heard == {"type": "read", "conversation": conversation, "user": str(house.ada), "seq": 2}
    for device in (phone, grace):
        await device.send(type="ping", n=1)
        await device.gets("pong")
        assert "read" not in [frame["type"] for frame in device.seen]
    for device in (phone, laptop, grace):
        await device.close()


async def test_while_messages_is_away_sends_fail_as_retryable_and_the_socket_stays(house) -> None:
    conversation = house.backstage.begin(house.ada)
    ada = await house.device(house.ada)
    house.backstage.away = True
    try:
        await ada.send(type="send", id=str(uuid4()), conversation=conversation, body="lost?")
        error = await ada.gets("error")
        assert (error["code"], error["retryable"]) == ("unavailable", True)
    finally:
        house.backstage.away = False
    await ada.send(type="send", id=error["id"], conversation=conversation, body="lost?")
    assert (await ada.gets("ack"))["id"] == error["id"]
    await ada.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ('{"type":"ping","n":NaN}', 4400),
        ('{"type":"send","body":"\\ud800"}', 4400),
        ("[" * 50_000, 4400),
        (b"\x01\x02", 4400),
        (json.dumps({"type": "ping", "n": 1, "x": "y" * 131_072}), 4413),
    ],
)
async def test_what_cannot_be_read_closes_the_socket(house, text: str | bytes, code: int) -> None:
    ada = await house.device(house.ada)
    await ada.socket.send(text)
    assert await ada.code() == code
