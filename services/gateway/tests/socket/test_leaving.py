"""Who connects while a gateway goes: let in and sent away with `bye`, or refused; never cut off in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, running
from raw import RawSocket

KNOCKERS = 6


@pytest.fixture(params=["daphne", "slim"])
def open_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A gateway that lets in as many as come."""
    with running(request.param, tmp_path, CHATIRE_LIMITS="off") as house:
        yield house


async def test_nobody_who_got_in_is_cut_off_when_a_gateway_stops(open_house: House) -> None:
    outcomes: list[str] = []
    knocking = [asyncio.create_task(_knock(open_house.port, outcomes)) for _ in range(KNOCKERS)]
    while outcomes.count("let in") < 100:
        await asyncio.sleep(0.01)
    open_house.process.terminate()
    await asyncio.wait_for(asyncio.gather(*knocking), 20)
    assert set(outcomes) == {"let in", "refused"}


async def _knock(port: int, outcomes: list[str]) -> None:
    """Connect again and again until nobody listens."""
    while not outcomes or outcomes[-1] != "refused":
        outcomes.append(await _once(port))


async def _once(port: int) -> str:
    try:
        raw = await RawSocket.connect(port)
    except (ConnectionRefusedError, TimeoutError):
        return "refused"
    except (ConnectionError, asyncio.IncompleteReadError) as cut:
        return f"cut off: {cut!r}"
    raw.writer.close()
    return "let in" if raw.head.startswith(b"HTTP/1.1 101") else raw.head.decode("latin-1").split("\r\n")[0]
