from __future__ import annotations

import asyncio
import signal
from uuid import uuid4

import pytest
import websockets


async def test_a_resume_brings_everything_once_and_in_order(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    for number in range(700):
        house.backstage.say(conversation, f"line {number}")
    device = await house.device(user, cursors={conversation: 100})
    house.backstage.say(conversation, "live")
    events = await device.hears(602)
    assert [event["seq"] for event in events] == list(range(101, 703))
    assert max(len(frame.get("events", [])) for frame in device.seen) <= 100
    await device.close()


async def test_who_takes_everything_at_once_is_given_everything(house) -> None:
    """More than a replay's share of the queue, in several conversations, to a reader who never lets anything pile up."""
    user = uuid4()
    conversations = [house.backstage.begin(user) for _ in range(6)]
    first = await house.device(user)
    for number in range(100):
        for conversation in conversations:
            house.backstage.say(conversation, f"{number} " + "long " * 300)
        await first.hears(6)
    # The gateway has all of it at hand, and needs not ask for it.
    again = await house.device(user, cursors=dict.fromkeys(conversations, 1))
    events = await again.hears(600)
    for conversation in conversations:
        seqs = [event["seq"] for event in events if event["conversation"] == conversation]
        assert seqs == list(range(2, 102))
    await first.close()
    await again.close()


async def test_without_a_cursor_only_what_is_new_comes(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    house.backstage.say(conversation, "old")
    device = await house.device(user)
    assert device.ready["conversations"][0]["last_seq"] == 2
    house.backstage.say(conversation, "new")
    assert [event["seq"] for event in await device.hears(1)] == [3]
    await device.close()


async def test_a_cursor_that_leads_nowhere_is_answered(house) -> None:
    user = uuid4()
    own, foreign = house.backstage.begin(user), house.backstage.begin(uuid4())
    unknown = str(uuid4())
    device = await house.device(user, cursors={own: 99, foreign: 0, unknown: 0})
    answers = [await device.receive() for _ in range(3)]
    assert {"type": "resync", "conversation": own, "last_seq": 1} in answers
    assert {"type": "left", "conversation": foreign} in answers
    assert {"type": "left", "conversation": unknown} in answers
    await device.close()
    device = await house.device(user, cursors={own: 0}, epochs={own: str(uuid4())})
    assert await device.receive() == {"type": "resync", "conversation": own, "last_seq": 1}
    house.backstage.say(own, "live goes on by itself")
    assert [event["seq"] for event in await device.hears(1)] == [2]
    await device.close()


async def test_a_lost_event_is_filled_in_without_being_asked_for(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    device = await house.device(user)
    house.backstage.silent = True
    house.backstage.say(conversation, "never published")
    house.backstage.silent = False
    house.backstage.say(conversation, "published")
    assert [event["seq"] for event in await device.hears(2)] == [2, 3]
    await device.close()


async def test_a_lost_last_event_is_filled_in_too(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(user)
    device = await house.device(user)
    house.backstage.silent = True
    house.backstage.say(conversation, "the last before silence")
    house.backstage.silent = False
    assert [event["seq"] for event in await device.hears(1)] == [2]
    await device.close()


async def test_who_joins_gets_what_follows_and_who_is_removed_gets_nothing_after_it(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(uuid4())
    house.backstage.say(conversation, "before")
    device = await house.device(user)
    house.backstage.add(conversation, user)
    joined = await device.gets("joined")
    assert joined == {"type": "joined", "conversation": conversation, "last_seq": 2, "visible_from_seq": 1}
    assert [event["seq"] for event in await device.hears(1)] == [3]
    house.backstage.say(conversation, "hello")
    house.backstage.remove(conversation, user)
    house.backstage.say(conversation, "secret")
    left = await device.gets("left")
    assert left == {"type": "left", "conversation": conversation, "seq": 5}
    await device.send(type="ping", n=1)
    await device.gets("pong")
    assert "secret" not in str(device.seen)
    await device.close()


async def test_a_lost_note_about_joining_heals(house) -> None:
    user = uuid4()
    conversation = house.backstage.begin(uuid4())
    device = await house.device(user)
    house.backstage.silent = True
    house.backstage.add(conversation, user)
    house.backstage.silent = False
    assert (await device.gets("joined"))["conversation"] == conversation
    house.backstage.say(conversation, "welcome")
    assert (await device.hears(1))[0]["data"]["body"] == "welcome"
    await device.close()


async def test_a_gateway_that_is_told_to_stop_says_goodbye(own_house) -> None:
    devices = [await own_house.device(uuid4()) for _ in range(5)]
    own_house.process.terminate()
    codes = await asyncio.gather(*(device.code() for device in devices))
    assert codes == [1012] * 5
    for device in devices:
        assert device.seen[-1]["type"] == "bye"
        assert 0 <= device.seen[-1]["reconnect_after_ms"] <= 5_000
    # uvicorn ends by the signal it was sent, once it has done all that follows from it.
    expected = -signal.SIGTERM if own_house.kind == "uvicorn-slim" else 0
    assert await asyncio.to_thread(own_house.process.wait, 20) == expected


async def test_a_reader_that_never_reads_is_cut_off_and_others_notice_nothing(own_house) -> None:
    conversation = own_house.backstage.begin(own_house.ada, own_house.grace)
    ada, slow = await own_house.device(own_house.ada), await own_house.device(own_house.grace)
    slow.socket.transport.pause_reading()
    for _ in range(60):
        for _ in range(20):
            own_house.backstage.say(conversation, "x" * 8_000)
        await ada.hears(20)
        if 'closes_total{code="4430"} 1' in own_house.metrics():
            break
    assert 'closes_total{code="4430"} 1' in own_house.metrics()
    slow.socket.transport.resume_reading()
    code = await slow.code()
    assert code in {4430, 1006}  # The close frame is behind what it didn't read; the cut may come first.
    again = await own_house.device(own_house.grace, cursors={conversation: 0})
    await again.gets("events")
    await ada.close()
    await again.close()


async def test_a_storm_of_handshakes_is_told_to_come_later(own_house) -> None:
    outcomes = await asyncio.gather(*(_knock(own_house.url) for _ in range(1_300)))
    assert 503 in outcomes
    assert 101 in outcomes
    assert set(outcomes) <= {101, 503}


async def _knock(url: str) -> int:
    host, port = url.removeprefix("ws://").removesuffix("/ws").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: chatire.v1\r\n\r\n".encode()
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    writer.close()
    status = int(head.split()[1])
    assert status == 101 or b"Retry-After" in head
    return status


async def test_the_plain_pages_are_for_those_inside(house) -> None:
    assert "chatire_gateway_connections" in house.metrics()
    for path, header in (("/metrics", "X-Forwarded-For: 1.2.3.4\r\n"), ("/other", "")):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        assert b" 404 " in answer.split(b"\r\n")[0]
        assert b"application/problem+json" in answer.lower()


async def test_another_path_is_no_socket(house) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(house.url + "/elsewhere", subprotocols=["chatire.v1"])
    assert refused.value.response.status_code in {403, 404}
