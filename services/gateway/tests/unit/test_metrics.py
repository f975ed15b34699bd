"""Each live figure moves when what it counts happens."""

from __future__ import annotations

import asyncio
import json
import re
import time
from uuid import UUID

from gateway_post import ADA, GRACE, LOBBY, README, Post

from chatire_shared.contracts import envelopes
from gateway_service.realtime.belonging import MAX_REPLAY
from gateway_service.realtime.draining import drain
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.frames_in import received
from gateway_service.realtime.metrics import BUCKETS_SECONDS, Histogram
from gateway_service.realtime.reporting import metrics_text
from gateway_service.realtime.watch import LOOK_SECONDS


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
