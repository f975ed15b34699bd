"""A gateway of one process without a server, whose figures can be read while things happen to it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pipe import Pipe
from truth import Published, Truth, id_of

from chatire_shared.bus.memory import MemoryBroker, MemoryBus
from chatire_shared.contracts import envelopes
from chatire_shared.identity.changes import ChangeFeed
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.tokens import TokenMint
from gateway_service.realtime.connection import Connection
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.reporting import metrics_text
from gateway_service.realtime.session import Phase, Session

ADA, GRACE = id_of("ada"), id_of("grace")
LOBBY = id_of("lobby")
README = Path(__file__).resolve().parents[1] / "README.md"


class Messages:
    """The messages service of a gateway that is asked for nothing but heads."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    async def run(self, call: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(call)

    async def memberships(self, user: str) -> Memberships:
        return self._truth.memberships(user)

    async def heads(self, conversations: list[str], users: list[str]) -> tuple[dict[str, Any], dict[str, int]]:
        return self._truth.heads(conversations), {}

    async def ranges(self, ranges: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._truth.range_answer(item["conversation"], item["after"], item["limit"]) for item in ranges]

    def stop(self) -> None:
        """Nothing is open."""


class Post:
    """A gateway, sockets that are let in without a server, and its page of figures."""

    def __init__(self) -> None:
        self.truth = Truth()
        self.truth.create("lobby", [ADA, GRACE])
        self.broker = MemoryBroker()
        self.mint = TokenMint()
        feed = ChangeFeed(lambda after: {"changes": [], "latest": after or 0})
        self.gateway = Gateway(
            bus=MemoryBus(self.broker),
            upstream=Messages(self.truth),  # type: ignore[arg-type]
            verifier=Verifier(self.mint, issuer="chatire", audience="chatire", is_revoked=feed.revocations.covers),
            keys=None,
            feed=feed,
            limits=True,
        )

    async def start(self) -> None:
        await self.gateway.start()
        while not self.gateway.feed.caught_up_once:
            await asyncio.sleep(0.001)

    def socket(self, name: str, user: str, cursors: dict[str, int] | None = None) -> tuple[Connection, Pipe]:
        gateway, pipe = self.gateway, Pipe()
        session = Session(time.monotonic())
        token = self.mint.access(UUID(user))
        session.admitted(gateway.verifier.verify(token), token)
        session.phase = Phase.OPEN
        connection = Connection(name, "", session, pipe, gateway.closed, gateway.backlog)
        gateway.entered(connection)
        memberships = self.truth.memberships(user)
        gateway.hub.expect(user)
        gateway.run(gateway.hub.prepare(memberships))
        gateway.run(gateway.hub.attach(name, memberships, cursors or {}, {}))
        gateway.hub.arrived(user)
        return connection, pipe

    def newcomer(self, address: str = "") -> tuple[Connection, Pipe]:
        """A socket that was accepted and has said nothing yet."""
        pipe = Pipe()
        session = Session(time.monotonic())
        connection = Connection(str(uuid4()), address, session, pipe, self.gateway.closed, self.gateway.backlog)
        self.gateway.entered(connection)
        return connection, pipe

    def shed(self) -> dict[str, int]:
        """What was turned away or dropped so far, by class."""
        found = re.findall(
            r'^chatire_gateway_shed_total{class="(\w+)"} (\d+)$', metrics_text(self.gateway), re.MULTILINE
        )
        return {name: int(count) for name, count in found if int(count)}

    async def hears(self, messages: list[Published]) -> None:
        """Events come over the bus, committed a moment ago."""
        for kind, content in messages:
            if kind == "event":
                conversation, epoch, entry = content
                self.gateway.hearing.on_message(
                    envelopes.event(
                        kind=json.loads(entry.frame.payload)["kind"],
                        conversation=conversation,
                        seq=entry.seq,
                        epoch=epoch,
                        at_us=entry.at_us,
                        body=entry.frame.payload,
                    )
                )
        while self.gateway.hearing.waiting:
            await asyncio.sleep(0)

    def figure(self, name: str) -> float:
        """One line of the page; 0 for a label that was never counted."""
        page = metrics_text(self.gateway)
        found = re.search(rf"^chatire_gateway_{re.escape(name)} (\S+)$", page, re.MULTILINE)
        if found is None:
            assert f"# TYPE chatire_gateway_{name.partition('{')[0]} " in page, name
            return 0.0
        return float(found[1])
