"""Each live figure moves when what it counts happens."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pipe import Pipe
from truth import Published, Truth, id_of

from chatire_shared.bus.memory import MemoryBroker, MemoryBus
from chatire_shared.contracts import envelopes
from chatire_shared.identity.changes import ChangeFeed
from chatire_shared.identity.verify import Verifier
from chatire_shared.testing.tokens import TokenMint
from gateway_service.realtime.admission import admit
from gateway_service.realtime.belonging import MAX_REPLAY
from gateway_service.realtime.connection import Connection, TooSlow
from gateway_service.realtime.crowd import (
    HANDSHAKE_BURST,
    MAX_ARRIVING_BREATHLESS,
    MAX_PER_ADDRESS,
    MAX_PER_USER,
)
from gateway_service.realtime.draining import drain
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.frames_in import received
from gateway_service.realtime.gateway import Gateway
from gateway_service.realtime.metrics import BUCKETS_SECONDS, Histogram, Metrics, Shed
from gateway_service.realtime.people import Memberships
from gateway_service.realtime.reporting import metrics_text
from gateway_service.realtime.session import FLOOD_BURST, TYPING_FRAMES, Admission, Phase, Session
from gateway_service.realtime.transport import HIGH_WATER_BYTES
from gateway_service.realtime.watch import LOOK_SECONDS

ADA, GRACE = id_of("ada"), id_of("grace")
LOBBY = id_of("lobby")
README = Path(__file__).resolve().parents[2] / "README.md"


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


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    await post.start()
    yield post
    await post.gateway.stop()


async def test_every_figure_is_explained_and_nothing_else_is(post: Post) -> None:
    shown = set(re.findall(r"^# TYPE (\S+) ", metrics_text(post.gateway), re.MULTILINE))
    explained = set(re.findall(r"`(chatire_gateway_\w+)`", README.read_text(encoding="utf-8")))
    assert shown == explained


async def test_sockets_are_counted_while_they_are_here(post: Post) -> None:
    connection, _pipe = post.socket("phone", GRACE)
    assert post.figure("connections") == 1
    post.gateway.left(connection)
    assert post.figure("connections") == 0


async def test_deliveries_and_the_time_from_their_commit(post: Post) -> None:
    post.socket("phone", GRACE)
    post.socket("desk", ADA)
    await post.hears(post.truth.post(LOBBY, ADA))
    assert post.figure("deliveries_total") == 2
    assert post.figure("commit_to_socket_seconds_count") == 1
    assert post.figure('commit_to_socket_seconds_bucket{le="+Inf"}') == 1


async def test_a_histogram_puts_each_duration_below_its_bound() -> None:
    histogram = Histogram()
    for seconds in (0.0, BUCKETS_SECONDS[0], 0.3, 100.0):
        histogram.observe(seconds)
    lines = histogram.lines("took")
    assert 'took_bucket{le="0.001"} 2' in lines
    assert 'took_bucket{le="0.5"} 3' in lines
    assert 'took_bucket{le="+Inf"} 4' in lines


async def test_closes_and_cuts_are_counted_by_their_reasons(post: Post) -> None:
    connection, _pipe = post.socket("phone", GRACE)
    connection.cut_off(TooSlow.STALLED)
    assert post.figure('closes_total{code="4430"}') == 1
    assert post.figure('cuts_total{reason="stalled"}') == 1


async def test_a_close_is_the_clients_only_when_we_had_not_closed(post: Post) -> None:
    for name, code in (("phone", 1001), ("desk", 1001), ("clock", 4999)):
        connection, _pipe = post.socket(name, GRACE)
        post.gateway.left(connection, code)
    connection, _pipe = post.socket("ours", GRACE)
    connection.close(4429, "")
    post.gateway.left(connection, 1000)
    broken, _pipe = post.socket("broken", GRACE)
    post.gateway.left(broken, 4400, by_us=True)
    assert post.figure('client_closes_total{code="1001"}') == 2
    assert post.figure('client_closes_total{code="other"}') == 1
    assert post.figure('client_closes_total{code="1000"}') == 0
    assert post.figure('closes_total{code="4400"}') == 1
    assert post.figure('closes_total{code="4429"}') == 1


def test_whatever_clients_close_with_has_few_labels() -> None:
    metrics = Metrics()
    for code in range(5_000):
        metrics.client_closed(code)
    assert sum(metrics.client_closes.values()) == 5_000
    assert len(metrics.client_closes) < 20


async def test_every_class_of_what_is_shed_is_on_the_page_and_explained(post: Post) -> None:
    shown = re.findall(r'^chatire_gateway_shed_total{class="(\w+)"} 0$', metrics_text(post.gateway), re.MULTILINE)
    assert sorted(shown) == sorted(Shed)
    (line,) = [line for line in README.read_text(encoding="utf-8").splitlines() if "gateway_shed_total`" in line]
    assert set(Shed) <= set(re.findall(r"`([a-z_]+)`", line))


async def test_a_handshake_that_must_come_later_says_why(post: Post) -> None:
    gateway, now = post.gateway, time.monotonic()
    taken = sum(gateway.turns_away(now) is None for _ in range(int(HANDSHAKE_BURST) + 3))
    assert post.shed() == {"handshake_rate": int(HANDSHAKE_BURST) + 3 - taken}
    gateway.crowd.is_breathless = True
    for _ in range(MAX_ARRIVING_BREATHLESS):
        post.newcomer()
    assert gateway.turns_away(now + 60) is not None
    assert post.shed()["handshake_behind"] == 1
    gateway.draining = True
    assert gateway.turns_away(now + 60) is not None
    assert post.shed()["handshake_draining"] == 1
    assert sum(post.shed().values()) == post.figure('handshakes_total{outcome="later"}')


async def test_one_socket_too_many_of_an_address_or_a_user_is_shed(post: Post) -> None:
    for _ in range(MAX_PER_ADDRESS + 1):
        connection, pipe = post.newcomer("203.0.113.9")
    assert (post.shed(), pipe.codes) == ({"address_sockets": 1}, [4431])
    for number in range(MAX_PER_USER):
        connection, _pipe = post.socket(f"device {number}", GRACE)
        assert post.gateway.crowd.identify(connection)
    late, pipe = post.newcomer()
    await admit(post.gateway, late, Admission(post.mint.access(UUID(GRACE)), {}, {}))
    assert (post.shed(), pipe.codes) == ({"address_sockets": 1, "user_sockets": 1}, [4431])


async def test_a_flood_is_shed_once(post: Post) -> None:
    connection, pipe = post.socket("phone", GRACE)
    while connection.is_open:
        assert len(pipe.sent) < FLOOD_BURST * 2
        await received(post.gateway, connection, '{"type":"ping","n":1}')
    await received(post.gateway, connection, '{"type":"ping","n":1}')
    assert (post.shed(), pipe.codes) == ({"flood": 1}, [4429])


async def test_typing_of_who_sends_too_much_of_it_is_shed(post: Post) -> None:
    connection, _pipe = post.socket("phone", GRACE)
    typing = json.dumps({"type": "typing", "conversation": LOBBY, "state": "started"})
    for _ in range(TYPING_FRAMES + 3):
        await received(post.gateway, connection, typing)
    assert post.shed() == {"typing_rate": 3}


async def test_typing_without_a_bus_is_shed(post: Post) -> None:
    connection, _pipe = post.socket("phone", GRACE)
    post.broker.disconnect_all()
    await received(post.gateway, connection, json.dumps({"type": "typing", "conversation": LOBBY, "state": "started"}))
    while not post.shed():
        await asyncio.sleep(0.001)
    assert post.shed() == {"typing_no_bus": 1}


async def test_typing_that_a_socket_which_is_behind_goes_without_is_shed(post: Post) -> None:
    connection, pipe = post.socket("phone", GRACE)
    typing = Frame(b"{}", droppable=True)
    connection.send(typing, time.monotonic())
    assert post.shed() == {}
    pipe.stuck = HIGH_WATER_BYTES + 1
    for frame in (typing, Frame(b"{}"), typing):
        connection.send(frame, time.monotonic())
    assert post.shed() == {"typing_stalled": 2}
    connection.close(1000, "")
    connection.send(typing, time.monotonic())
    assert post.shed() == {"typing_stalled": 2}


async def test_what_sockets_have_not_taken_is_shown_and_whose_is_the_most(post: Post) -> None:
    for name, stuck in (("phone", 1_000), ("desk", 5_000)):
        connection, pipe = post.socket(name, GRACE)
        pipe.stuck = stuck
        connection.recount()
    assert post.figure("outgoing_bytes") == 6_000
    assert post.figure("outgoing_bytes_largest") == 5_000


async def test_repeated_and_reordered_events_are_counted(post: Post) -> None:
    post.socket("phone", GRACE)
    first, second, third = (post.truth.post(LOBBY, ADA) for _ in range(3))
    for messages in (third, second, first, first):
        await post.hears(messages)
    assert post.figure("duplicates_total") == 1
    assert post.figure("gaps_total") == 2
    assert post.figure("reordered_total") == 2
    assert post.figure("fetches_total") == 0


async def test_events_that_wait_for_their_turn_are_shown(post: Post) -> None:
    event = envelopes.event(kind="message.created", conversation=LOBBY, seq=3, epoch=LOBBY, at_us=1, body=b"{}")
    post.gateway.hearing.on_message(event)
    assert post.figure("events_waiting") == 1


async def test_an_event_in_its_turn_is_no_reordered_one(post: Post) -> None:
    post.socket("phone", GRACE)
    await post.hears([*post.truth.post(LOBBY, ADA), *post.truth.remove(LOBBY, GRACE)])
    assert post.figure("reordered_total") == 0


async def test_a_lost_event_is_a_fetch_and_a_repair(post: Post) -> None:
    post.socket("phone", GRACE)
    post.truth.post(LOBBY, ADA)
    post.gateway.run(post.gateway.hub.heads(post.truth.heads([LOBBY]), [LOBBY]))
    assert post.figure("fetches_total") == 1
    assert post.figure("repairs_total") == 1


async def test_a_resume_is_lossless_or_replayed_or_not_recovered(post: Post) -> None:
    post.socket("new", GRACE)
    for outcome in ("lossless", "replayed", "not_recovered"):
        assert post.figure(f'resumes_total{{outcome="{outcome}"}}') == 0
    for _ in range(MAX_REPLAY + 1):
        post.truth.post(LOBBY, ADA)
    newest = post.truth.logs[LOBBY].last_seq
    for name, cursor in (("had all", newest), ("lacked one", newest - 1), ("was long away", 1)):
        post.socket(name, GRACE, {LOBBY: cursor})
    assert post.figure('resumes_total{outcome="lossless"}') == 1
    assert post.figure('resumes_total{outcome="replayed"}') == 1
    assert post.figure('resumes_total{outcome="not_recovered"}') == 1


async def test_an_open_socket_that_resumes_is_counted_too(post: Post) -> None:
    post.socket("phone", GRACE)
    memberships = post.truth.memberships(GRACE)
    post.gateway.run(post.gateway.hub.resume("phone", memberships, {LOBBY: 1}, {}))
    assert post.figure('resumes_total{outcome="replayed"}') == 1


async def test_a_bus_that_comes_back_is_a_reconnect_and_the_first_time_is_none(post: Post) -> None:
    assert post.figure("bus_reconnects_total") == 0
    post.broker.disconnect_all()
    assert post.figure("deaf") == 1
    post.broker.reconnect_all()
    assert post.figure("bus_reconnects_total") == 1


async def test_the_age_of_the_newest_tick_is_shown(post: Post) -> None:
    post.gateway.hearing.ticked_at -= 60
    assert post.figure("tick_age_seconds") >= 60
    post.gateway.hearing.on_tick({}, [])
    assert post.figure("tick_age_seconds") < 60


async def test_groups_are_counted_by_what_became_of_them(post: Post) -> None:
    confirmed = post.figure('subscriptions_total{outcome="confirmed"}')
    await post.gateway.runner.subscribe_groups(["conv.a", "conv.b"])
    assert post.figure('subscriptions_total{outcome="confirmed"}') == confirmed + 2
    post.broker.disconnect_all()
    await post.gateway.runner.subscribe_groups(["conv.c"])
    assert post.figure('subscriptions_total{outcome="unanswered"}') == 1


async def test_a_loop_that_comes_late_shows_in_its_lag(post: Post) -> None:
    watch = post.gateway.watch
    before = post.figure("loop_lag_seconds_sum")
    watch._look_around(watch._looked_at + LOOK_SECONDS + 3.0)
    assert post.figure("loop_lag_seconds_sum") >= before + 2.9
    assert post.figure("loop_lag_seconds_count") >= 1


async def test_a_fresh_token_on_an_open_socket_is_a_refresh_and_one_that_is_refused_is_none(post: Post) -> None:
    connection, _pipe = post.socket("phone", GRACE)
    for user, refreshes in ((GRACE, 1), (ADA, 1)):
        text = json.dumps({"type": "auth", "token": post.mint.access(UUID(user))})
        await received(post.gateway, connection, text)
        assert post.figure("token_refreshes_total") == refreshes


async def test_a_drain_shows_how_long_it_takes(post: Post) -> None:
    assert post.figure("drain_seconds") == 0
    connection, _pipe = post.socket("phone", GRACE)
    connection.send(Frame(b"{}"), time.monotonic())
    draining = asyncio.ensure_future(drain(post.gateway))
    while connection.is_open:
        await asyncio.sleep(0.001)
    assert post.figure("draining") == 1
    assert post.gateway.metrics.drained_at is None
    post.gateway.left(connection)
    await draining
    assert post.gateway.metrics.drained_at is not None
    assert post.figure("drain_seconds") == round(post.gateway.metrics.drain_seconds(0.0), 3)
    assert post.figure('closes_total{code="1012"}') == 1
