"""What can't be: rows that nobody can publish, bytes that nobody can read, events that never happened, hostile text."""

from __future__ import annotations

import asyncio
import json
import time
from random import Random
from typing import Any
from uuid import UUID

import requests

from chatire_client import Problem
from chatire_faults.errors import NotNow
from chatire_faults.insisting import insist
from chatire_faults.stack import Stack
from chatire_faults.world import World
from chatire_shared.bus import wire
from chatire_shared.bus.groups import TICK_GROUP, conversation_group, group_channel, user_group
from chatire_shared.contracts import envelopes

PARKED_WITHIN_SECONDS = 8.0
LOOK_EVERY_SECONDS = 0.1
COPIES = 20
FAR_AHEAD = 1_000_000
LONG_AGO = 1
"""The newest ones may not have reached a gateway yet, and the forgery would be the first to."""
MOST_CODE_POINTS = 8_000
FOUR_BYTE_MARK = "\U0001d167"
"""A combining mark of four bytes in UTF-8: 8,000 of them are 32 KB that want to be drawn on one letter."""

_INSERT = "INSERT INTO outbox_row (stream, topic, payload) VALUES (%s, %s, %s) RETURNING id"
_PARKED = "SELECT count(*) FROM outbox_row WHERE id = ANY(%s) AND parked_at IS NOT NULL"
_REMOVE = "DELETE FROM outbox_row WHERE id = ANY(%s)"


async def poison_outbox(world: World, random: Random) -> str:
    """Rows that can't be published, in streams of their own and of a busy conversation: parked, others go by."""
    busy = random.choice(world.hiding)
    alone = str(UUID(int=random.getrandbits(128), version=4))
    good = wire.encode(envelopes.auth_changed(latest=0))
    rows = [
        (busy, conversation_group(busy), random.randbytes(100)),
        (busy, "not a group: name", good),
        (alone, conversation_group(busy), b""),
        (alone, conversation_group(busy), wire.encode({"type": "x", "body": "x" * wire.MAX_MESSAGE_BYTES})),
    ]
    before = await asyncio.to_thread(_parked_so_far, world.stack)
    ids = await asyncio.to_thread(_insert, world.stack, rows)
    try:
        await _until_parked(world, ids)
    finally:
        await insist_on_database(world.stack, _REMOVE, ids)
    after = await asyncio.to_thread(_parked_so_far, world.stack)
    if after - before < len(rows):
        world.trouble.append(f"the relay counted {after - before} parked rows of {len(rows)}")
    return f"{len(rows)} rows, half of them in {busy[-8:]}"


async def _until_parked(world: World, ids: list[int]) -> None:
    deadline = time.monotonic() + PARKED_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with_answer = await asyncio.to_thread(_run, world.stack, _PARKED, ids)
        if with_answer == len(ids):
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    world.trouble.append(f"rows that can't be published were not parked within {PARKED_WITHIN_SECONDS:g} s")


def _insert(stack: Stack, rows: list[tuple[str, str, bytes]]) -> list[int]:
    ids = []
    with stack.database() as cursor:
        for row in rows:
            cursor.execute(_INSERT, row)
            ids.append(int(cursor.fetchone()[0]))
    return ids


def _run(stack: Stack, statement: str, ids: list[int]) -> int:
    with stack.database() as cursor:
        cursor.execute(statement, [ids])
        return int(cursor.fetchone()[0]) if cursor.description else 0


async def insist_on_database(stack: Stack, statement: str, ids: list[int]) -> None:
    """Run a statement, again while PostgreSQL is away."""
    for _ in range(20):
        try:
            await asyncio.to_thread(_run, stack, statement, ids)
        except NotNow:
            await asyncio.sleep(0.5)
        else:
            return


def _parked_so_far(stack: Stack) -> int:
    """What all relays counted since they started."""
    return sum(_parked_by(relay) for relay in stack.addresses["relays"])


def _parked_by(relay: str) -> int:
    try:
        text = requests.get(f"http://{relay}/metrics", timeout=5).text
    except requests.RequestException as failure:
        raise NotNow(f"the relay does not answer: {failure}") from failure
    line = next(line for line in text.splitlines() if line.startswith("chatire_relay_parked_total "))
    return int(float(line.split()[1]))


async def garbage_on_channels(world: World, random: Random) -> str:
    """Bytes that are no message, and messages that are not what they say, on every kind of channel."""
    return await asyncio.to_thread(_publish_garbage, world, random)


def _publish_garbage(world: World, random: Random) -> str:
    conversation, user = random.choice(world.hiding), random.choice(world.talkers).account.id
    channels = [group_channel(group) for group in (TICK_GROUP, conversation_group(conversation), user_group(user))]
    count = 0
    with world.stack.valkey() as client:
        for _ in range(COPIES):
            for payload in _garbage(random, conversation, user):
                client.publish(random.choice(channels), payload)
                count += 1
    return f"{count} messages on {len(channels)} channels"


def _garbage(random: Random, conversation: str, user: str) -> list[bytes]:
    event = _event(conversation, 1, conversation)
    wrong: list[dict[str, Any]] = [
        event | {"seq": "1"},
        event | {"seq": -1},
        event | {"body": None},
        event | {"body": b""},
        event | {"conversation": "nowhere"},
        {"type": envelopes.EVENT},
        {"type": envelopes.TICK, "heads": [[conversation]], "members": 7},
        {"type": envelopes.MEMBER, "kind": "left", "user": user},
        {"type": "chatire.unheard_of", "body": "x" * 10_000},
    ]
    good = wire.encode(event)
    return [b"", random.randbytes(200), good[: len(good) // 2], b"\xc1" * 50, *map(wire.encode, wrong)]


async def forge_events(world: World, random: Random) -> str:
    """Events that are not in the log and can be told: far ahead of it, of another epoch, told before; and a false tick."""
    return await asyncio.to_thread(_forge, world, random)


def _forge(world: World, random: Random) -> str:
    conversation = random.choice(world.hiding)
    with world.stack.database() as cursor:
        cursor.execute("SELECT epoch, last_seq FROM conversations_conversation WHERE id = %s", [conversation])
        epoch, last_seq = cursor.fetchone()
    other = str(UUID(int=random.getrandbits(128), version=4))
    messages = [
        _event(conversation, last_seq + FAR_AHEAD, str(epoch)),
        _event(conversation, last_seq + 1, other),
        _event(conversation, LONG_AGO, str(epoch)),
        _event(other, last_seq + 1, str(epoch)),
    ]
    tick = envelopes.tick(relay="forger", n=1, heads=[[conversation, last_seq + FAR_AHEAD]], members=[])
    with world.stack.valkey() as client:
        for message in messages:
            client.publish(group_channel(conversation_group(conversation)), wire.encode(message))
        client.publish(group_channel(TICK_GROUP), wire.encode(tick))
    return f"{len(messages)} events and a tick about {conversation[-8:]}"


def _event(conversation: str, seq: int, epoch: str) -> dict[str, Any]:
    """With a body that every checker would find: nobody ever sent it."""
    frame = {
        "type": "event",
        "conversation": conversation,
        "seq": seq,
        "kind": "message.created",
        "at": "2026-01-01T00:00:00.000000Z",
        "actor": conversation,
        "request_id": None,
        "data": {"body": "forged", "client_id": conversation, "sender": {"id": conversation}},
    }
    body = json.dumps(frame, separators=(",", ":")).encode()
    return envelopes.event(
        kind="message.created", conversation=conversation, seq=seq, epoch=epoch, at_us=time.time_ns() // 1000, body=body
    )


async def combining_marks(world: World, random: Random) -> str:
    """A body of nothing but combining marks, as long as one may be, is a message; 64 KiB of them are refused."""
    talker = random.choice([talker for talker in world.talkers if talker.conversations])
    conversation = random.choice(talker.conversations)
    message = talker.compose(conversation)
    message.body = "a" + FOUR_BYTE_MARK * (MOST_CODE_POINTS - 1)
    talker.transmit(message)
    fields = {"client_id": str(UUID(int=random.getrandbits(128), version=4)), "body": FOUR_BYTE_MARK * 16_384}
    try:
        await insist(lambda: talker.account.call("POST", f"/api/conversations/{conversation}/messages/", fields))
    except Problem as refusal:
        if refusal.code not in {"invalid", "not_found"}:  # `not_found`: it was removed in this moment.
            world.trouble.append(f"64 KiB of combining marks are answered with {refusal}")
    else:
        world.trouble.append("64 KiB of combining marks were taken as a message")
    return f"32 KB by {talker.device.name}"
