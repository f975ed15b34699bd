"""Faults inside the servers: what an operator, an upgrade or an overload does to Valkey and PostgreSQL while they run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

from chatire_faults.errors import NotNow
from chatire_faults.stack import Stack
from chatire_faults.world import World
from chatire_shared.bus import wire
from chatire_shared.bus.groups import TICK_GROUP, group_channel

LOCK_SECONDS = 1.5
TABLE_LOCK_SECONDS = 2.0
SHORT_OF_MEMORY_SECONDS = 4.0
OVERFLOWS = 6
_TABLES = ("timeline_message", "conversations_event", "conversations_membership", "outbox_row")
_OUTPUT_LIMIT = "client-output-buffer-limit"
_FLOOD = 300
_FILLING = wire.encode({"type": "chatire.unheard_of", "body": b"x" * 3_000})
"""Small ones: Valkey 9 does not count a large message that all its subscribers share."""


async def flush_valkey(world: World, random: Random) -> str:
    """FLUSHALL and SCRIPT FLUSH: everything Valkey knew is gone."""
    return await asyncio.to_thread(_flush, world.stack)


def _flush(stack: Stack) -> str:
    with stack.valkey() as client:
        client.flushall()
        client.script_flush()
    return "FLUSHALL, SCRIPT FLUSH"


async def cut_subscribers(world: World, random: Random) -> str:
    """CLIENT KILL TYPE pubsub: every gateway loses its subscriptions, and whatever is published until it is back."""
    return await asyncio.to_thread(_cut_subscribers, world.stack)


def _cut_subscribers(stack: Stack) -> str:
    with stack.valkey() as client:
        count = client.client_kill_filter(_type="pubsub")
    return f"{count} subscribers"


async def terminate_backends(world: World, random: Random) -> str:
    """pg_terminate_backend of a random half of what messages and the relay hold open."""
    return await asyncio.to_thread(_terminate, world.stack, random)


def _terminate(stack: Stack, random: Random) -> str:
    with stack.database() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()")
        pids = sorted(row[0] for row in cursor.fetchall())
        if not pids:
            raise NotNow("messages has no backend")
        chosen = random.sample(pids, -(-len(pids) // 2))
        for pid in chosen:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    return f"{len(chosen)} of {len(pids)} backends"


async def lock_conversation(world: World, random: Random) -> str:
    """Somebody holds the row of one conversation for 1.5 s: nothing can be posted there, everywhere else it can."""
    conversation = random.choice(world.hiding)
    await asyncio.to_thread(_lock, world.stack, conversation)
    return f"{conversation[-8:]}, {LOCK_SECONDS:g} s"


def _lock(stack: Stack, conversation: str) -> None:
    with stack.database() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1 FROM conversations_conversation WHERE id = %s FOR UPDATE", [conversation])
        cursor.execute("SELECT pg_sleep(%s)", [LOCK_SECONDS])
        cursor.execute("COMMIT")


async def lock_table(world: World, random: Random) -> str:
    """Somebody holds a whole table for 2 s, as a migration does that should not: nobody can read or write it."""
    table = random.choice(_TABLES)
    await asyncio.to_thread(_lock_table, world.stack, table)
    return f"{table}, {TABLE_LOCK_SECONDS:g} s"


def _lock_table(stack: Stack, table: str) -> None:
    with stack.database() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        cursor.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SELECT pg_sleep(%s)", [TABLE_LOCK_SECONDS])
        cursor.execute("COMMIT")


async def overflow_subscribers(world: World, random: Random) -> str:
    """Valkey cuts every subscriber again and again because its output buffer is over a tiny limit."""
    with_limit = await asyncio.to_thread(_configured, world.stack, _OUTPUT_LIMIT)
    before = await asyncio.to_thread(_cut_so_far, world.stack)
    try:
        await asyncio.to_thread(_configure, world.stack, _OUTPUT_LIMIT, "pubsub 8192 0 0")
        for _ in range(OVERFLOWS):
            await asyncio.to_thread(_flood, world.stack)
            await asyncio.sleep(random.uniform(0.2, 0.6))
    finally:
        await _restored(world.stack, _OUTPUT_LIMIT, with_limit)
    cut = await asyncio.to_thread(_cut_so_far, world.stack) - before
    if cut == 0:
        raise NotNow("no subscriber was cut")
    return f"{cut} subscribers in {OVERFLOWS} floods"


def _cut_so_far(stack: Stack) -> int:
    with stack.valkey() as client:
        return int(client.info("stats")["client_output_buffer_limit_disconnections"])


def _flood(stack: Stack) -> None:
    with stack.valkey() as client:
        pipeline = client.pipeline(transaction=False)
        for _ in range(_FLOOD):
            pipeline.publish(group_channel(TICK_GROUP), _FILLING)
        pipeline.execute()


async def out_of_memory_valkey(world: World, random: Random) -> str:
    """Valkey has no memory left for 4 s: whatever would store something is refused."""
    limit = await asyncio.to_thread(_configured, world.stack, "maxmemory")
    try:
        await asyncio.to_thread(_configure, world.stack, "maxmemory", "1")
        await asyncio.sleep(SHORT_OF_MEMORY_SECONDS)
    finally:
        await _restored(world.stack, "maxmemory", limit)
    return f"{SHORT_OF_MEMORY_SECONDS:g} s"


def _configured(stack: Stack, name: str) -> str:
    with stack.valkey() as client:
        return str(client.config_get(name)[name])


def _configure(stack: Stack, name: str, value: str) -> None:
    with stack.valkey() as client:
        client.config_set(name, value)


async def _restored(stack: Stack, name: str, value: str) -> None:
    """Nothing to restore where Valkey is a new process meanwhile, or away."""
    with suppress(NotNow):
        await asyncio.to_thread(_configure, stack, name, value)
