"""What people do at the worst moment: being removed while messages are in flight, and sending the same one many times."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import requests

from chatire_client import Closed, Problem, Wire
from chatire_faults.errors import NotNow
from chatire_faults.history import Sent
from chatire_faults.insisting import insist
from chatire_faults.talker import Talker, note_ack
from chatire_faults.world import World

IN_FLIGHT = 3
MOST_TIMES = 5
SECONDS_FOR_AN_ACK = 10.0


async def remove_and_rejoin(world: World, random: Random) -> str:
    """A member is removed while they and others talk, and added again a moment later."""
    conversation = random.choice(world.hiding)
    there = [talker for talker in world.talkers if conversation in talker.conversations]
    if len(there) < 2:
        raise NotNow("too few members")
    out, stays = random.sample(there, 2)
    for _ in range(IN_FLIGHT):
        out.say(conversation)
        stays.say(conversation)
    path = f"/api/conversations/{conversation}/members/"
    call = world.keeper.call
    await insist(lambda: call("DELETE", f"{path}{out.account.id}/"))
    for _ in range(IN_FLIGHT):
        out.say(conversation)
        stays.say(conversation)
    await asyncio.sleep(random.uniform(0, 2))
    await insist(lambda: call("POST", path, {"user_ids": [out.account.id]}))
    stays.say(conversation)
    return out.device.name


async def duplicate_sends(world: World, random: Random) -> str:
    """One message, 1 to 5 times in parallel over each of: its own device, both gateways directly, HTTP."""
    able = [talker for talker in world.talkers if talker.conversations]
    talker = random.choice(able)
    message = talker.compose(random.choice(talker.conversations))
    ways = [_over_http(talker, message) for _ in range(random.randint(1, MOST_TIMES))]
    ways += [_over_gateway(talker, message, address, random.randint(1, MOST_TIMES)) for address in world.stack.gateways]
    talker.transmit(message)
    await asyncio.gather(*ways)
    return f"{len(message.acks)} acks of one message"


async def _over_http(talker: Talker, message: Sent) -> None:
    path = f"/api/conversations/{message.conversation}/messages/"
    fields = {"client_id": message.client_id, "body": message.body}
    with suppress(Problem, requests.RequestException):  # The own device insists; this is only one more.
        answer = await asyncio.to_thread(talker.account.call, "POST", path, fields)
        note_ack(message, answer["seq"])


async def _over_gateway(talker: Talker, message: Sent, address: str, times: int) -> None:
    """Past the API gateway, so that it is this gateway and no other."""
    with suppress(Closed, OSError, TimeoutError):
        async with asyncio.timeout(SECONDS_FOR_AN_ACK):
            wire = await Wire.open(f"ws://{address}/ws")
            try:
                await wire.send("auth", token=talker.account.access)
                await _repeat(wire, message, times)
            finally:
                wire.abort()


async def _repeat(wire: Wire, message: Sent, times: int) -> None:
    answers = 0
    while answers < times:
        frame = await wire.receive(skip_events=True)
        if frame["type"] == "ready":
            for _ in range(times):
                await wire.send("send", id=message.client_id, conversation=message.conversation, body=message.body)
        elif frame["type"] in {"ack", "error"} and frame.get("id") == message.client_id:
            answers += 1
            if frame["type"] == "ack":
                note_ack(message, frame["seq"])
