"""What people do to have a process come by a crash point; what they then must find is checked here as well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from uuid import UUID

from chatire_client import Account, Live, Problem, SignedOut
from chatire_faults.faults_people import remove_and_rejoin
from chatire_faults.insisting import insist
from chatire_faults.talker import Talker
from chatire_faults.world import World

AWAY_SECONDS = 1.0
RECONNECTIONS = 3
READERS = 3
REVOKED_WITHIN_SECONDS = 6.0
"""The promise is 2 s (G7); the rest is for a service that has just been killed to be there again."""


async def come_and_go(world: World, random: Random) -> None:
    """Somebody is removed and added again."""
    await remove_and_rejoin(world, random)


async def read(world: World, random: Random) -> None:
    """Some people read everything they have."""
    for talker in random.sample(world.talkers, min(READERS, len(world.talkers))):
        for conversation in talker.conversations:
            seq = talker.live.cursors.latest(conversation)
            if seq:
                talker.live.tell("read", conversation=conversation, seq=seq)


async def reconnect(world: World, random: Random) -> None:
    """Some devices lose the network while others talk, and come back behind."""
    away = random.sample(_able(world), min(RECONNECTIONS, len(world.talkers)))
    for talker in away:
        talker.live.cut()
    try:
        await _talk_meanwhile(world, random, away)
    finally:
        for talker in away:
            talker.live.restore()


async def _talk_meanwhile(world: World, random: Random, away: list[Talker]) -> None:
    others = [talker for talker in _able(world) if talker not in away]
    for talker in away:
        for conversation in talker.conversations:
            there = [other for other in others if conversation in other.conversations]
            if there:
                random.choice(there).say(conversation)
    await asyncio.sleep(AWAY_SECONDS)


def _able(world: World) -> list[Talker]:
    return [talker for talker in world.talkers if talker.conversations]


async def lose_events(world: World, random: Random) -> None:
    """What is published while no gateway hears it is a gap that they have to fill."""
    await asyncio.to_thread(_cut_all_subscribers, world)
    for talker in _able(world):
        talker.say(random.choice(talker.conversations))


def _cut_all_subscribers(world: World) -> None:
    with world.stack.valkey() as client:
        client.client_kill_filter(_type="pubsub")


async def refresh(world: World, random: Random) -> None:
    """Somebody gets the next pair of tokens, and asks again when no answer comes.

    Raises: SignedOut, which nobody must be by that.
    """
    account = random.choice(world.talkers).account
    spent = account.access
    await insist(lambda: account.refresh(spent=spent))


async def log_out(world: World, random: Random) -> Callable[[], Awaitable[None]]:
    """A bystander with an open socket logs out, insisting; the socket must be closed and the token be refused."""
    name = f"verify-{UUID(int=random.getrandbits(128), version=4).hex[:12]}"
    (account,) = await asyncio.to_thread(world.stack.make_people, [name], world.keeper.http)
    live = Live(account, random=Random(random.random()))
    await live.start()
    return partial(_log_out_and_look, world, live)


async def _log_out_and_look(world: World, live: Live) -> None:
    try:
        await insist(lambda: _log_out(live.account))
        async with asyncio.timeout(REVOKED_WITHIN_SECONDS):
            why = await live.wait_ended()
        if not isinstance(why, SignedOut):
            world.trouble.append(f"a socket whose session was revoked ended with {why!r}")
    except TimeoutError:
        world.trouble.append(f"a socket is open {REVOKED_WITHIN_SECONDS:g} s after its session was revoked")
    finally:
        await live.stop()


def _log_out(account: Account) -> None:
    """Once it is done, the token is refused: that is an answer too."""
    try:
        account.log_out()
    except Problem as refusal:
        if refusal.code not in {"token_revoked", "unauthenticated"}:
            raise
