"""Whose end it was, and what is turned away or dropped for the good of the others, is counted by its class."""

from __future__ import annotations

import asyncio
import json
import re
import time
from uuid import UUID

from gateway_post import GRACE, LOBBY, README, Post

from gateway_service.realtime.admission import admit
from gateway_service.realtime.connection import TooSlow
from gateway_service.realtime.crowd import (
    HANDSHAKE_BURST,
    MAX_ARRIVING_BREATHLESS,
    MAX_PER_ADDRESS,
    MAX_PER_USER,
)
from gateway_service.realtime.frames import Frame
from gateway_service.realtime.frames_in import received
from gateway_service.realtime.metrics import Metrics, Shed
from gateway_service.realtime.reporting import metrics_text
from gateway_service.realtime.session import FLOOD_BURST, TYPING_FRAMES, Admission
from gateway_service.realtime.transport import HIGH_WATER_BYTES


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
