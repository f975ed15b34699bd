"""Whose end of a socket it was, and with which code, as the figures say it."""

from __future__ import annotations

import asyncio
import re
import struct
import time
from uuid import uuid4

import pytest
from raw import CLOSE, TEXT, RawSocket, frame, text

PATIENCE_SECONDS = 8


def figure(house, name: str) -> int:
    found = re.search(rf"^chatire_gateway_{re.escape(name)} (\d+)$", house.metrics(), re.MULTILINE)
    return int(found[1]) if found else 0


def all_closes(house) -> int:
    closes = re.findall(r"^chatire_gateway_(?:client_)?closes_total\S+ (\d+)$", house.metrics(), re.MULTILINE)
    return sum(map(int, closes))


async def come_to(house, name: str, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (now := await asyncio.to_thread(figure, house, name)) != count:
        assert time.monotonic() < deadline, f"{name} is {now}, not {count}"
        await asyncio.sleep(0.02)


async def open_socket(house, *, let_in: bool) -> RawSocket:
    raw = await RawSocket.connect(house.port)
    if let_in:
        await raw.send(text(type="auth", token=house.backstage.token(uuid4())))
        assert (await raw.message())["type"] == "ready"
    else:
        await asyncio.sleep(0.1)  # Who leaves before the gateway has made a connection of it has closed nothing.
    return raw


@pytest.mark.parametrize("let_in", [True, False], ids=["let in", "before auth"])
@pytest.mark.parametrize(
    ("payload", "label"),
    [
        (struct.pack("!H", 1000), "1000"),
        (struct.pack("!H", 1001) + b"bye", "1001"),
        (struct.pack("!H", 4000), "4000"),
        (struct.pack("!H", 4321), "other"),
        (struct.pack("!H", 3000), "other"),
        (b"", "1005"),
        (None, "1006"),
    ],
    ids=["1000", "1001", "4000", "4321", "3000", "no code", "no close"],
)
async def test_a_clients_close_is_counted_by_its_code(house, payload: bytes | None, label: str, let_in: bool) -> None:
    if house.kind == "daphne" and label == "1005":
        label = "1006"  # Autobahn has None for both.
    if house.kind == "uvicorn" and payload is None:
        label = "1005"  # uvicorn's own WebSocket, too.
    name = f'client_closes_total{{code="{label}"}}'
    raw = await open_socket(house, let_in=let_in)
    before, all_before = figure(house, name), all_closes(house)
    if payload is None:
        raw.close()
    else:
        await raw.send(frame(CLOSE, payload))
    await come_to(house, name, before + 1)
    assert all_closes(house) == all_before + 1
    raw.close()


@pytest.mark.parametrize("let_in", [True, False], ids=["let in", "before auth"])
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"{}", masked=False), 1002),
        (frame(TEXT, b"\xff"), 4400),
        (frame(TEXT, b"x" * 600_000), 4413),
    ],
    ids=["unmasked", "not UTF-8", "too large"],
)
async def test_a_close_for_a_broken_frame_is_ours(house, sent: bytes, code: int, let_in: bool) -> None:
    if house.kind == "uvicorn":
        pytest.skip("uvicorn's own WebSocket does not say who closed")
    name = f'closes_total{{code="{code}"}}'
    raw = await open_socket(house, let_in=let_in)
    before, all_before = figure(house, name), all_closes(house)
    await raw.send(sent)
    assert await raw.code() == code
    raw.close()
    await come_to(house, name, before + 1)
    assert all_closes(house) == all_before + 1


async def test_what_is_closed_by_us_is_no_close_of_the_client(house) -> None:
    raw = await open_socket(house, let_in=True)
    before, all_before = figure(house, 'closes_total{code="4400"}'), all_closes(house)
    await raw.send(frame(TEXT, b"{"))
    assert await raw.code() == 4400
    await raw.send(frame(CLOSE, struct.pack("!H", 4400)))
    raw.close()
    await come_to(house, "connections", 0)
    assert figure(house, 'closes_total{code="4400"}') == before + 1
    assert all_closes(house) == all_before + 1
