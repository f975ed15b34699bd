"""What one socket can make the process hold."""

from __future__ import annotations

import asyncio
import re
import time
from uuid import uuid4

from raw import TEXT, RawSocket, text

from gateway_service.realtime.gateway import MAX_OUTSTANDING_SENDS
from gateway_service.realtime.transport import MAX_UNREAD_BYTES

FLOOD = 600
BODY = "x" * 7_000
ONE_READ = 65_536
PATIENCE_SECONDS = 8


def figure(house, name: str) -> int:
    found = re.search(rf"^chatire_gateway_{name} (\d+)$", house.metrics(), re.MULTILINE)
    assert found is not None
    return int(found[1])


async def test_a_flood_of_sends_waits_with_its_sender_and_is_done_in_order_later(own_house) -> None:
    conversation = own_house.backstage.begin(own_house.ada)
    raw = await RawSocket.connect(own_house.port)
    await raw.send(text(type="auth", token=own_house.backstage.token(own_house.ada)))
    await raw.message()
    ids = [str(uuid4()) for _ in range(FLOOD)]
    with own_house.backstage.lock:  # The messages service answers nobody for a while.
        raw.writer.writelines(text(type="send", id=each, conversation=conversation, body=BODY) for each in ids)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await asyncio.to_thread(figure, own_house, "uplink_pending") < MAX_OUTSTANDING_SENDS:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        unread = await asyncio.to_thread(figure, own_house, "unread_bytes")
        assert await asyncio.to_thread(figure, own_house, "uplink_pending") == MAX_OUTSTANDING_SENDS
        assert unread <= MAX_UNREAD_BYTES + ONE_READ
    acked: list[str] = []
    while len(acked) < FLOOD:
        opcode, payload = await raw.receive()
        assert opcode == TEXT
        acked += re.findall(r'^\{"type":"ack","id":"([0-9a-f-]+)"', payload.decode())
    assert acked == ids
    raw.close()
