"""What the hub wants done, done: in order, here; or, where somebody else must answer, soon, in tasks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from chatire_shared.bus.groups import conversation_group, user_group
from chatire_shared.bus.port import Bus, BusUnavailable
from gateway_service.realtime import effects as fx
from gateway_service.realtime.effects import Effect
from gateway_service.realtime.fanout import Fanout
from gateway_service.realtime.healing import Heads, Ranges, Refreshing, Tasks
from gateway_service.realtime.hub import Hub
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.upstream import Upstream

logger = logging.getLogger("chatire.gateway")

HOLD_SECONDS = 0.2


class Runner:
    """Runs the hub's effects; the answers they bring go back into the hub."""

    def __init__(self, *, hub: Hub, bus: Bus, upstream: Upstream, tasks: Tasks, fanout: Fanout) -> None:
        """Prepare.

        Args:
            hub: Whose wishes these are.
            bus: Where groups are subscribed.
            upstream: The messages service.
            tasks: What runs meanwhile.
            fanout: Delivers.
        """
        self._hub = hub
        self._bus = bus
        self._tasks = tasks
        self._ranges = Ranges(upstream, tasks, self._on_fetched)
        self._heads = Heads(upstream, tasks, self._on_heads)
        self._refreshing = Refreshing(upstream, tasks, self._on_members)
        self._subscribing: dict[str, None] = {}
        self._doing: dict[type[Effect], Callable[[Any], None]] = {
            fx.Deliver: fanout.deliver,
            fx.DeliverRun: fanout.deliver_run,
            fx.Pump: lambda effect: fanout.pump(effect.session),
            fx.Fetch: self._fetch,
            fx.Hold: self._hold,
            fx.CheckHeads: lambda effect: self.look_at(effect.conversations),
            fx.RefreshMembers: lambda effect: self._refreshing.want(effect.user),
            fx.Subscribe: self._subscribe,
            fx.Unsubscribe: self._unsubscribe,
        }

    @property
    def is_looking(self) -> bool:
        """Whether a look at the heads is under way, or about to begin."""
        return self._heads.busy or bool(self._subscribing)

    def run(self, effects: Sequence[Effect]) -> None:
        """Do what the hub asks for, in order."""
        for effect in effects:
            self._doing[type(effect)](effect)

    def look_at(self, conversations: Sequence[str], users: Sequence[str] = ()) -> None:
        """Ask where these stand."""
        self._heads.want(conversations, users)

    def _fetch(self, effect: fx.Fetch) -> None:
        self._ranges.want(effect.conversation, effect.after, effect.delay_seconds)

    def _hold(self, effect: fx.Hold) -> None:
        asyncio.get_running_loop().call_later(HOLD_SECONDS, self._hold_expired, effect.conversation)

    def _hold_expired(self, conversation: str) -> None:
        self.run(self._hub.hold_expired(conversation))

    # The bus

    def _subscribe(self, effect: fx.Subscribe) -> None:
        """What is wanted in this turn of the loop goes as one."""
        if not self._subscribing:
            asyncio.get_running_loop().call_soon(self._subscribe_now)
        self._subscribing[effect.conversation] = None

    def _subscribe_now(self) -> None:
        conversations, self._subscribing = list(self._subscribing), {}
        self._tasks.start(self._subscribe_conversations(conversations))

    async def _subscribe_conversations(self, conversations: list[str]) -> None:
        """Once it is confirmed, look at the heads: what was published before that is lost to us."""
        await self.subscribe_groups([conversation_group(name) for name in conversations])
        self.look_at(conversations)

    async def subscribe_groups(self, groups: Sequence[str]) -> None:
        """Subscribe, and wait for Redis's word on it if Redis is there."""
        try:
            await self._bus.subscribe(groups)
        except BusUnavailable:
            logger.info("Redis is away; heads are polled until it is back.")

    def _unsubscribe(self, effect: fx.Unsubscribe) -> None:
        self._tasks.start(self._unsubscribe_unwanted(effect))

    async def _unsubscribe_unwanted(self, effect: fx.Unsubscribe) -> None:
        """Looked at once more: a socket may have come, and subscribed, since the sweep."""
        groups = [conversation_group(name) for name in effect.conversations if not self._hub.follows(name)]
        groups += [user_group(name) for name in effect.users if not self._hub.knows(name)]
        await self._bus.unsubscribe(groups)

    # Answers of the messages service

    def _on_fetched(self, conversation: str, after: int, answer: Mapping[str, Any], entries: Sequence[Entry]) -> None:
        epoch = answer["epoch"]
        fetched = partial(self._hub.fetched, conversation, after, epoch=None if epoch is None else str(epoch))
        self.run(fetched(last_seq=int(answer["last_seq"]), expired=bool(answer["expired"]), entries=entries))

    def _on_heads(
        self, heads: Mapping[str, tuple[str, int]], asked: Sequence[str], versions: Mapping[str, int]
    ) -> None:
        self.run(self._hub.heads(heads, asked))
        self.run(self._hub.versions(versions.items()))

    def _on_members(self, memberships: Memberships) -> None:
        self.run(self._hub.members(memberships))
