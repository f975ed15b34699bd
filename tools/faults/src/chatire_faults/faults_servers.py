"""Faults inside the servers: what an operator, an upgrade or an overload does to Valkey and PostgreSQL while they run."""

from __future__ import annotations

import asyncio
from random import Random

from chatire_faults.errors import NotNow
from chatire_faults.stack import Stack
from chatire_faults.world import World

LOCK_SECONDS = 1.5


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
