"""Our own sockets in one epoll: accepting, failing, and having no room for more."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from gateway_service.front.doorway import Doorway
from gateway_service.front.lobby import Lobby
from gateway_service.front.poll import Poll
from gateway_service.front.reception import PATH


class Owner:
    """Has one end of a pair in a poll."""

    def __init__(self, poll: Poll, *, fails: bool = False) -> None:
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.poll = poll
        self.fails = fails
        self.told: list[str] = []
        poll.watch(self.ours.fileno(), self)

    def on_readable(self) -> None:
        self.told.append("readable")
        if self.fails:
            raise RuntimeError("this one always fails")
        self.ours.recv(100)

    def on_writable(self) -> None:
        self.told.append("writable")

    def abort(self) -> None:
        self.told.append("abort")
        self.close()

    def close(self) -> None:
        if self.ours.fileno() >= 0:
            self.poll.forget(self.ours.fileno())
            self.ours.close()
        self.theirs.close()


async def turns() -> None:
    """A few of the loop's."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_each_owner_is_told_what_it_wants_to_know() -> None:
    poll = Poll(asyncio.get_running_loop())
    owner = Owner(poll)
    await turns()
    assert owner.told == []
    owner.theirs.send(b"x")
    await turns()
    assert owner.told == ["readable"]
    poll.want(owner.ours.fileno(), reading=False, writing=True)
    owner.theirs.send(b"x")
    await turns()
    assert set(owner.told[1:]) == {"writable"}
    owner.close()
    assert len(poll) == 0


async def test_a_broken_connection_is_told_also_to_who_reads_nothing() -> None:
    poll = Poll(asyncio.get_running_loop())
    owner = Owner(poll)
    poll.want(owner.ours.fileno(), reading=False, writing=False)
    owner.theirs.close()
    await turns()
    assert "readable" in owner.told
    owner.close()


async def test_one_that_fails_is_cut_off_and_harms_no_other() -> None:
    poll = Poll(asyncio.get_running_loop())
    bad, good = Owner(poll, fails=True), Owner(poll)
    for owner in (bad, good):
        owner.theirs.send(b"x")
    await turns()
    assert bad.told == ["readable", "abort"]
    assert good.told == ["readable"]
    good.close()
    assert len(poll) == 0


class Listening:
    """A socket that listens and can run out of descriptors, and Twisted's port around it."""

    def __init__(self) -> None:
        self.real = socket.create_server(("127.0.0.1", 0))
        self.real.setblocking(False)
        self.failures: list[OSError] = []
        self.socket = self
        self.is_read = True

    def accept(self) -> tuple[socket.socket, Any]:
        if self.failures:
            raise self.failures.pop(0)
        return self.real.accept()

    def fileno(self) -> int:
        return self.real.fileno()

    def stopReading(self) -> None:  # noqa: N802 (Twisted's names)
        self.is_read = False

    def stopListening(self) -> None:  # noqa: N802
        self.real.close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    port = Listening()
    yield port
    port.real.close()


def doorway(listening: Listening) -> tuple[Doorway, Lobby]:
    """A doorway that reads heads and has nobody behind it."""
    gateway: Any = SimpleNamespace(unread=SimpleNamespace(bytes=0, is_much=False))
    lobby = Lobby(None, lambda: gateway)
    lobby.begin(asyncio.get_running_loop())
    door = Doorway(listening, lobby, None, None)
    door.begin()
    return door, lobby


async def test_without_descriptors_they_wait_in_the_kernels_queue(listening: Listening, monkeypatch) -> None:
    monkeypatch.setattr("gateway_service.front.doorway.BREATH_SECONDS", 0.0)
    listening.failures = [OSError(errno.EMFILE, "no more"), OSError(errno.ECONNABORTED, "gone")]
    door, lobby = doorway(listening)
    assert not listening.is_read
    reader, writer = await asyncio.open_connection(*listening.real.getsockname())
    async with asyncio.timeout(5):
        while len(lobby.arriving) == 0:
            await asyncio.sleep(0.005)
    writer.write(b"GET " + PATH + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
    assert b" 426 " in await reader.readline()
    writer.close()
    door.stopListening()
    await turns()
    assert len(lobby.arriving) == 0


async def test_nobody_is_accepted_after_the_end(listening: Listening) -> None:
    door, _lobby = doorway(listening)
    address = listening.real.getsockname()
    door.stopListening()
    door.stopListening()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*address)
