"""The consumer and all behind it in one process: memory bus, the truth as messages service, Channels' own communicator."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from channels.testing import WebsocketCommunicator
from truth import Published, Truth, id_of

from chatire_shared.bus.groups import TICK_GROUP, conversation_group, user_group
from chatire_shared.bus.memory import MemoryBroker, MemoryBus
from chatire_shared.contracts import envelopes
from chatire_shared.contracts.errors import Unavailable
from chatire_shared.identity.changes import ChangeFeed
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.tokens import TokenMint
from gateway_service.realtime import consumers, fanout
from gateway_service.realtime import watch as watch_module
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.people import Memberships, Note
from gateway_service.realtime.ring import Entry
from gateway_service.realtime.session import AUTH_SECONDS
from gateway_service.realtime.watch import LOOK_SECONDS

ADA, GRACE = id_of("ada"), id_of("grace")
LOBBY = id_of("lobby")


class Messages:
    """The messages service without HTTP."""

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.away = False

    async def run(self, call: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(call)

    async def memberships(self, user: str) -> Memberships:
        self._require()
        return self.truth.memberships(user)

    async def memberships_of(self, users: Sequence[str]) -> list[Memberships]:
        return [await self.memberships(user) for user in users]

    async def ranges(self, ranges: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        self._require()
        return [self.truth.range_answer(item["conversation"], item["after"], item["limit"]) for item in ranges]

    async def heads(
        self, conversations: Sequence[str], users: Sequence[str]
    ) -> tuple[dict[str, tuple[str, int]], dict[str, int]]:
        self._require()
        return self.truth.heads(list(conversations)), {user: self.truth.versions.get(user, 0) for user in users}

    def stop(self) -> None:
        """Nothing is open."""

    def _require(self) -> None:
        if self.away:
            raise Unavailable


class Room:
    """A gateway, the truth, and a bus between them that a test can spoil."""

    def __init__(self) -> None:
        self.truth = Truth()
        self.truth.create("lobby", [ADA, GRACE])
        self.broker = MemoryBroker()
        self.relay = MemoryBus(self.broker)
        self.mint = TokenMint()
        self.messages = Messages(self.truth)
        self.changes: list[dict[str, Any]] = []
        feed = ChangeFeed(self._read_changes)
        self.gateway = Gateway(
            bus=MemoryBus(self.broker),
            upstream=self.messages,  # type: ignore[arg-type]
            verifier=Verifier(self.mint, issuer="chatire", audience="chatire", is_revoked=feed.revocations.covers),
            keys=None,
            feed=feed,
            limits=True,
        )

    def _read_changes(self, after: int | None) -> dict[str, Any]:
        return {"changes": self.changes[after or 0 :], "latest": len(self.changes)}

    async def start(self) -> None:
        await self.relay.start(lambda _: None, lambda _: None)
        await self.gateway.start()
        while not self.gateway.feed.caught_up_once:
            await asyncio.sleep(0.001)

    async def publish(self, messages: Sequence[Published]) -> None:
        for kind, content in messages:
            group, envelope = _event(*content) if kind == "event" else _note(content)
            await self.relay.publish(group, envelope)

    async def tick(self) -> None:
        heads = [[log.id, log.last_seq] for log in self.truth.logs.values()]
        members = [[user, version] for user, version in self.truth.versions.items()]
        await self.relay.publish(TICK_GROUP, envelopes.tick(relay="r", n=1, heads=heads, members=members))

    async def stranger(self, **headers: str) -> WebsocketCommunicator:
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        socket = WebsocketCommunicator(consumers.GatewayConsumer.as_asgi(), "/ws", raw, ["chatire.v1"])
        assert await socket.connect() == (True, "chatire.v1")
        return socket

    async def open(self, user: str, **fields: Any) -> WebsocketCommunicator:
        socket = await self.stranger()
        await say(socket, type="auth", token=self.mint.access(UUID(user)), **fields)
        assert (await hear(socket))["type"] == "ready"
        await self.quiet()
        return socket

    async def quiet(self) -> None:
        """The look at the heads that follows each new subscription is over, so that it can't heal what a test spoils."""
        for _ in range(20):
            await asyncio.sleep(0)
        while self.gateway.runner.is_looking or self.gateway.fanout.is_busy:
            await asyncio.sleep(0)


def _event(conversation: str, epoch: str, entry: Entry) -> tuple[str, dict[str, Any]]:
    kind = json.loads(entry.frame.payload)["kind"]
    envelope = envelopes.event(
        kind=kind, conversation=conversation, seq=entry.seq, epoch=epoch, at_us=1, body=entry.frame.payload
    )
    return conversation_group(conversation), envelope


def _note(note: Note) -> tuple[str, dict[str, Any]]:
    common: dict[str, Any] = {
        "user": note.user,
        "conversation": note.conversation,
        "seq": note.seq,
        "membership_version": note.version,
    }
    if not note.joined:
        return user_group(note.user), envelopes.left(**common)
    joined = envelopes.joined(
        **common, visible_from_seq=note.visible_from_seq, conversation_kind="group", epoch=note.epoch
    )
    return user_group(note.user), joined


async def say(socket: WebsocketCommunicator, **frame: Any) -> None:
    await socket.send_to(text_data=json.dumps(frame))


async def hear(socket: WebsocketCommunicator) -> dict[str, Any]:
    frame: dict[str, Any] = json.loads(await socket.receive_from(timeout=6))
    return frame


async def end(socket: WebsocketCommunicator) -> int:
    message = await socket.receive_output(timeout=6)
    assert message["type"] == "websocket.close", message
    return int(message["code"])


@pytest.fixture(params=[64, 1], ids=["slices of 64", "slices of 1"])
async def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Room]:
    room = Room()
    monkeypatch.setattr(fanout, "SLICE_SOCKETS", request.param)
    monkeypatch.setattr(consumers, "get_gateway", lambda: room.gateway)
    await room.start()
    yield room
    await room.gateway.stop()
    await room.relay.stop()


async def test_an_event_on_the_bus_arrives_as_it_was_made(room: Room) -> None:
    socket = await room.open(GRACE)
    await room.publish(room.truth.post(LOBBY, ADA))
    assert await socket.receive_from(timeout=2) == room.truth.logs[LOBBY].bodies[-1]
    await socket.disconnect()


async def test_lost_repeated_and_reordered_events_arrive_once_and_in_order(room: Room) -> None:
    socket = await room.open(GRACE)
    room.broker.hold()
    for _ in range(6):
        await room.publish(room.truth.post(LOBBY, ADA))
    room.broker.release(lambda held: [held[5], held[2], held[2], held[0]])
    seqs: list[int] = []
    while len(seqs) < 6:
        frame = await hear(socket)
        seqs += [event["seq"] for event in frame.get("events", [frame])]
    assert seqs == [3, 4, 5, 6, 7, 8]
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_a_tick_heals_a_lost_last_event(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "DEAF_SECONDS", 1_000.0)
    socket = await room.open(GRACE)
    room.truth.post(LOBBY, ADA)
    await room.tick()
    assert (await hear(socket))["seq"] == 3
    await socket.disconnect()


async def test_a_lost_bus_is_made_up_for_by_polling(room: Room) -> None:
    socket = await room.open(GRACE)
    room.broker.disconnect_all()
    room.truth.post(LOBBY, ADA)
    assert (await hear(socket))["seq"] == 3
    late = await room.open(ADA, cursors={LOBBY: 1})
    assert (await hear(late))["type"] == "events"
    await socket.disconnect()
    await late.disconnect()


async def test_a_bus_that_returns_is_caught_up_with_at_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_module, "DEAF_POLL_SECONDS", 1_000.0)
    socket = await room.open(GRACE)
    room.broker.disconnect_all()
    room.truth.post(LOBBY, ADA)
    assert await socket.receive_nothing(0.1)
    room.broker.reconnect_all()
    assert (await hear(socket))["seq"] == 3
    await socket.disconnect()


async def test_a_removal_is_the_last_that_is_heard(room: Room) -> None:
    socket = await room.open(GRACE)
    await room.publish(room.truth.remove(LOBBY, GRACE))
    await room.publish(room.truth.post(LOBBY, ADA))
    assert (await hear(socket))["kind"] == "member.removed"
    assert await hear(socket) == {"type": "left", "conversation": LOBBY, "seq": 3}
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_a_removal_needs_no_bus_that_says_so(room: Room) -> None:
    """The bus is connected and says nothing: a relay that hangs, or Redis itself. The late tick is enough to ask."""
    socket = await room.open(GRACE)
    room.truth.remove(LOBBY, GRACE)
    room.truth.post(LOBBY, ADA)
    assert (await hear(socket))["kind"] == "member.removed"
    assert await hear(socket) == {"type": "left", "conversation": LOBBY, "seq": 3}
    assert await socket.receive_nothing()
    await socket.disconnect()


async def test_without_the_messages_service_nobody_is_let_in_and_nobody_is_thrown_out(room: Room) -> None:
    inside = await room.open(GRACE)
    room.messages.away = True
    socket = await room.stranger()
    await say(socket, type="auth", token=room.mint.access(UUID(ADA)))
    assert await end(socket) == 1011
    await say(inside, type="resume", cursors={LOBBY: 1})
    error = await hear(inside)
    assert (error["type"], error["code"], error["retryable"]) == ("error", "unavailable", True)
    await say(inside, type="ping", n=1)
    assert await hear(inside) == {"type": "pong", "n": 1}
    await inside.disconnect()


async def test_a_gap_is_asked_for_until_the_service_is_back(room: Room) -> None:
    socket = await room.open(GRACE)
    room.messages.away = True
    room.truth.post(LOBBY, ADA)
    await room.publish(room.truth.post(LOBBY, ADA))
    assert await socket.receive_nothing(0.6)
    room.messages.away = False
    assert [event["seq"] for event in (await hear(socket))["events"]] == [3, 4]
    await socket.disconnect()


async def test_a_disabled_account_ends_all_its_sockets_and_comes_back_when_it_may(room: Room) -> None:
    sockets = [await room.open(GRACE) for _ in range(3)]
    other = await room.open(ADA)
    data = {"user_id": GRACE, "username": "grace", "display_name": "Grace", "active": False, "role": "member"}
    change = {"id": 1, "kind": "user.disabled", "at": "", "data": data}
    room.gateway.feed.revocations.apply(change)
    room.gateway.on_change(change)
    for socket in sockets:
        assert await end(socket) == 4409
    await say(other, type="ping", n=1)
    assert (await hear(other))["type"] == "pong"
    await other.disconnect()


async def test_a_session_ended_while_its_socket_is_being_let_in_does_not_get_in(room: Room) -> None:
    held = asyncio.Event()
    read = room.messages.memberships

    async def read_slowly(user: str) -> Memberships:
        await held.wait()
        return await read(user)

    room.messages.memberships = read_slowly  # type: ignore[method-assign]
    session = UUID(id_of("session"))
    socket = await room.stranger()
    await say(socket, type="auth", token=room.mint.access(UUID(GRACE), sid=str(session)))
    while not room.gateway.crowd.of_session(session):
        await asyncio.sleep(0.001)
    change = {"id": 1, "kind": "session.revoked", "at": "", "data": {"user_id": GRACE, "session_id": str(session)}}
    room.gateway.feed.revocations.apply(change)
    room.gateway.on_change(change)
    held.set()
    assert await end(socket) == 4409


async def test_a_socket_that_ends_leaves_nothing_behind(room: Room) -> None:
    for _ in range(3):
        socket = await room.open(GRACE)
        await socket.disconnect()
    assert len(room.gateway.crowd) == 0
    assert len(room.gateway.watch) == 0
    assert room.gateway.hub.sessions_of(GRACE) == ()
    assert room.gateway.hub.watched() == ()


async def test_a_socket_whose_application_is_killed_leaves_nothing_behind(room: Room) -> None:
    """Without a `disconnect` event: that is how a server ends what takes too long."""
    socket = await room.open(GRACE)
    socket.future.cancel()
    await asyncio.wait([socket.future])
    assert len(room.gateway.crowd) == 0
    assert room.gateway.hub.sessions_of(GRACE) == ()


async def test_a_process_that_stood_still_blames_nobody_for_silence(room: Room) -> None:
    socket = await room.stranger()
    watch, crowd = room.gateway.watch, room.gateway.crowd
    now = time.monotonic() + AUTH_SECONDS + 1
    watch._look_around(now)
    assert crowd.is_breathless
    assert all(connection.is_open for connection in crowd)
    now = watch._lenient_until + 1
    watch._looked_at = now - LOOK_SECONDS
    watch._look_around(now)
    assert not crowd.is_breathless
    assert await end(socket) == 4408


async def test_reading_and_typing_between_two_people(room: Room) -> None:
    ada, phone, laptop = await room.open(ADA), await room.open(GRACE), await room.open(GRACE)
    await say(phone, type="typing", conversation=LOBBY, state=True)
    assert await hear(ada) == {"type": "typing", "conversation": LOBBY, "user": GRACE, "state": True}
    await room.relay.publish(user_group(GRACE), envelopes.read(user=GRACE, conversation=LOBBY, seq=2, origin=None))
    for socket in (phone, laptop):
        assert await hear(socket) == {"type": "read", "conversation": LOBBY, "user": GRACE, "seq": 2}
    for socket in (ada, phone, laptop):
        await socket.disconnect()


async def test_garbage_on_the_bus_is_counted_and_harms_nobody(room: Room) -> None:
    socket = await room.open(GRACE)
    for garbage in (
        {"type": "chatire.event"},
        {"type": "chatire.event", "conversation": LOBBY, "seq": -1, "kind": 5, "epoch": None, "body": b""},
        {"type": "chatire.member", "kind": "joined"},
        {"type": "chatire.typing", "conversation": LOBBY, "user": GRACE, "state": {"a": 1}},
        {"type": "disconnect"},
        {"type": "__class__"},
    ):
        await room.relay.publish(conversation_group(LOBBY), garbage)
    await room.publish(room.truth.post(LOBBY, ADA))
    assert (await hear(socket))["seq"] == 3
    assert room.gateway.metrics.garbage == 4
    await socket.disconnect()
