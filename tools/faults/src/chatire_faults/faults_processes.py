"""Faults of processes: killed, frozen for a while, or asked to go. The launcher starts again what ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import suppress
from random import Random

from chatire_faults.errors import NotNow
from chatire_faults.stack import GATEWAYS, Stack, send_signal
from chatire_faults.world import World

FROZEN_SECONDS = 5.0
POSTGRES_FROZEN_SECONDS = 3.0
_PARTS = ("auth", "messages", "relay", "valkey", "postgres", "caddy")


def one_gateway(random: Random) -> str:
    """The name of either."""
    return f"gateway-{random.randint(1, GATEWAYS)}"


async def _signal(stack: Stack, part: str, number: signal.Signals) -> str:
    send_signal(await asyncio.to_thread(stack.pid, part), number)
    return part


async def _freeze(pids: Sequence[int], what: str, seconds: float = FROZEN_SECONDS) -> str:
    stopped = []
    try:
        for pid in pids:
            send_signal(pid, signal.SIGSTOP)
            stopped.append(pid)
        await asyncio.sleep(seconds)
    finally:
        for pid in stopped:
            with suppress(NotNow):
                send_signal(pid, signal.SIGCONT)
    return f"{what}, {seconds:g} s"


async def kill_gateway(world: World, random: Random) -> str:
    """Kill -9 of a gateway: its sockets are gone without a word."""
    return await _signal(world.stack, one_gateway(random), signal.SIGKILL)


async def kill_messages(world: World, random: Random) -> str:
    """Kill -9 of the messages service's master; its workers notice and go."""
    return await _signal(world.stack, "messages", signal.SIGKILL)


async def kill_messages_worker(world: World, random: Random) -> str:
    """Kill -9 of one messages worker, in whatever transaction it is."""
    pid = await asyncio.to_thread(world.stack.worker_pid, "messages", random)
    send_signal(pid, signal.SIGKILL)
    return "a messages worker"


async def kill_relay(world: World, random: Random) -> str:
    """Kill -9 of the relay, perhaps between publishing and marking."""
    return await _signal(world.stack, "relay", signal.SIGKILL)


async def kill_valkey(world: World, random: Random) -> str:
    """Kill -9 of Valkey, which keeps nothing."""
    return await _signal(world.stack, "valkey", signal.SIGKILL)


async def kill_postgres(world: World, random: Random) -> str:
    """Kill -9 of PostgreSQL's first process: crash recovery follows."""
    return await _signal(world.stack, "postgres", signal.SIGKILL)


async def kill_postgres_backend(world: World, random: Random) -> str:
    """Kill -9 of one backend: PostgreSQL ends all the others and recovers."""
    pid = await asyncio.to_thread(_a_backend, world.stack, random)
    send_signal(pid, signal.SIGKILL)
    return "a backend of messages"


def _a_backend(stack: Stack, random: Random) -> int:
    with stack.database() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE usename = current_user AND pid <> pg_backend_pid()")
        pids = sorted(row[0] for row in cursor.fetchall())
    if not pids:
        raise NotNow("messages has no backend")
    return int(random.choice(pids))


async def kill_auth(world: World, random: Random) -> str:
    """Kill -9 of auth: nothing new is issued, what is issued goes on."""
    return await _signal(world.stack, "auth", signal.SIGKILL)


async def kill_caddy(world: World, random: Random) -> str:
    """Kill -9 of the API gateway: every socket drops at once."""
    return await _signal(world.stack, "caddy", signal.SIGKILL)


async def freeze_valkey(world: World, random: Random) -> str:
    """Valkey answers nothing for 5 s, its connections stay."""
    return await _freeze([await asyncio.to_thread(world.stack.pid, "valkey")], "valkey")


async def freeze_relay(world: World, random: Random) -> str:
    """The relay does nothing for 5 s: no ticks, no events."""
    return await _freeze([await asyncio.to_thread(world.stack.pid, "relay")], "relay")


async def freeze_gateway(world: World, random: Random) -> str:
    """A gateway does nothing for 5 s."""
    name = one_gateway(random)
    return await _freeze([await asyncio.to_thread(world.stack.pid, name)], name)


async def freeze_messages_worker(world: World, random: Random) -> str:
    """One messages worker does nothing for 5 s, holding whatever lock it holds."""
    pid = await asyncio.to_thread(world.stack.worker_pid, "messages", random)
    return await _freeze([pid], "a messages worker")


async def drain_gateway(world: World, random: Random) -> str:
    """SIGTERM of a gateway, as in a deployment: it says good-bye first."""
    return await _signal(world.stack, one_gateway(random), signal.SIGTERM)


async def restart_messages(world: World, random: Random) -> str:
    """SIGTERM of the messages service, as in a deployment."""
    return await _signal(world.stack, "messages", signal.SIGTERM)


async def restart_relay(world: World, random: Random) -> str:
    """SIGTERM of the relay, as in a deployment."""
    return await _signal(world.stack, "relay", signal.SIGTERM)


async def kill_auth_worker(world: World, random: Random) -> str:
    """Kill -9 of one auth worker, in the middle of whatever it answers."""
    pid = await asyncio.to_thread(world.stack.worker_pid, "auth", random)
    send_signal(pid, signal.SIGKILL)
    return "an auth worker"


async def kill_two(world: World, random: Random) -> str:
    """Kill -9 of two parts at the same moment, any two."""
    return await _kill_together(world.stack, random.sample([*_PARTS, one_gateway(random)], 2))


async def kill_both_gateways(world: World, random: Random) -> str:
    """Kill -9 of every gateway: nobody has a socket, and nothing remembers what was being delivered."""
    return await _kill_together(world.stack, [f"gateway-{number}" for number in range(1, GATEWAYS + 1)])


async def kill_valkey_and_relay(world: World, random: Random) -> str:
    """Kill -9 of Valkey and the relay: no publishing, no ticks, and nothing knows what was published."""
    return await _kill_together(world.stack, ["valkey", "relay"])


async def _kill_together(stack: Stack, parts: list[str]) -> str:
    pids = [await asyncio.to_thread(stack.pid, part) for part in parts]
    for pid in pids:
        with suppress(NotNow):
            send_signal(pid, signal.SIGKILL)
    return " and ".join(parts)


async def freeze_auth(world: World, random: Random) -> str:
    """Auth, all of it, does nothing for 5 s."""
    pids = await asyncio.to_thread(world.stack.family, "auth")
    return await _freeze(pids, f"auth's {len(pids)} processes")


async def freeze_postgres(world: World, random: Random) -> str:
    """PostgreSQL, all of it, does nothing for 3 s."""
    pids = await asyncio.to_thread(world.stack.family, "postgres")
    return await _freeze(pids, f"postgres's {len(pids)} processes", POSTGRES_FROZEN_SECONDS)


async def restart_auth(world: World, random: Random) -> str:
    """SIGTERM of auth, as in a deployment."""
    return await _signal(world.stack, "auth", signal.SIGTERM)


async def restart_caddy(world: World, random: Random) -> str:
    """SIGTERM of the API gateway, as in a deployment."""
    return await _signal(world.stack, "caddy", signal.SIGTERM)
