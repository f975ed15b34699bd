"""The proxy does to a line what it is told, and nothing else."""

from __future__ import annotations

import asyncio
import socket
import struct
from random import Random

import pytest

from chatire_faults.proxy import GOOD, Conditions, FaultProxy

WORDS = bytes(range(256)) * 200


class Server:
    """Says back what it hears and remembers it."""

    def __init__(self):
        self.heard = bytearray()
        self.ended = asyncio.Event()
        self.farewell = b""
        self.port = 0

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self):
        self._server.close()

    async def _serve(self, reader, writer):
        try:
            while data := await reader.read(1000):
                self.heard += data
                writer.write(data)
                await writer.drain()
            writer.write(self.farewell)
            await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()
        finally:
            self.ended.set()


@pytest.fixture
async def server():
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def proxy(server):
    proxy = FaultProxy("127.0.0.1", server.port, Random(1))
    await proxy.start()
    yield proxy
    await proxy.stop()


async def connect(proxy):
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def said_back(proxy, words):
    reader, writer = await connect(proxy)
    writer.write(words)
    writer.write_eof()
    answer = await reader.read(-1)
    writer.close()
    return answer


@pytest.mark.parametrize(
    "conditions",
    [GOOD, Conditions(slice_bytes=7), Conditions(latency_ms=2, jitter_ms=2), Conditions(bytes_per_second=10_000_000)],
)
async def test_bytes_come_through_unaltered_and_so_does_the_end(proxy, server, conditions):
    proxy.become(conditions)
    assert await said_back(proxy, WORDS) == WORDS
    assert bytes(server.heard) == WORDS
    assert proxy.carried == 2 * len(WORDS)


async def test_every_chunk_waits_for_latency_jitter_and_bandwidth(proxy, monkeypatch):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr("chatire_faults.proxy.asyncio.sleep", sleep)
    proxy.become(Conditions(latency_ms=200, jitter_ms=50, bytes_per_second=1_000))
    for _ in range(50):
        await proxy._hold(100)
    assert all(0.25 <= wait <= 0.35 for wait in waits)
    assert max(waits) - min(waits) > 0.05


def test_slices_are_no_larger_than_asked_and_complete():
    proxy = FaultProxy("127.0.0.1", 1, Random(1))
    proxy.become(Conditions(slice_bytes=3))
    assert proxy._slices(b"abcdefgh") == [b"abc", b"def", b"gh"]


async def test_nothing_goes_through_a_stalled_line_until_it_recovers(proxy, server):
    other = FaultProxy("127.0.0.1", server.port, Random(1))
    await other.start()
    proxy.become(Conditions(stalled=True))
    reader, writer = await connect(proxy)
    writer.write(b"into the void")
    assert await said_back(other, b"fence") == b"fence"  # Long enough for the words before it, had they gone through.
    assert bytes(server.heard) == b"fence"
    proxy.become(GOOD)
    assert await reader.readexactly(13) == b"into the void"
    writer.close()
    await other.stop()


async def test_a_line_is_reset_after_so_many_bytes(proxy, server):
    proxy.become(Conditions(slice_bytes=100, reset_after_bytes=1_000))
    reader, writer = await connect(proxy)
    writer.write(WORDS)
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(len(WORDS))
    await server.ended.wait()
    assert len(server.heard) < 1_000
    writer.transport.abort()


async def test_a_line_that_is_open_already_gets_the_new_budget(proxy, server):
    reader, writer = await connect(proxy)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    proxy.become(Conditions(reset_after_bytes=10))
    writer.write(b"a longer sentence")
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(17)
    writer.transport.abort()


async def test_half_closed_the_server_hears_the_end_and_the_client_still_hears_the_server(proxy, server):
    server.farewell = b"good-bye then"
    reader, writer = await connect(proxy)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    proxy.half_close_all()
    assert await reader.readexactly(13) == b"good-bye then"
    writer.transport.abort()


async def test_without_a_server_behind_it_a_line_is_reset(proxy, server):
    await server.stop()
    reader, writer = await connect(proxy)
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.transport.abort()


async def test_all_lines_can_be_reset_at_once(proxy):
    lines = [await connect(proxy) for _ in range(3)]
    for reader, writer in lines:
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
    assert proxy.open_lines == 3
    proxy.reset_all()
    for reader, writer in lines:
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        writer.transport.abort()


async def test_refused_what_is_open_is_reset_and_so_is_what_is_opened(proxy):
    reader, writer = await connect(proxy)
    writer.write(b"x")
    assert await reader.readexactly(1) == b"x"
    proxy.become(Conditions(refused=True))
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.transport.abort()
    with pytest.raises(ConnectionResetError):
        await said_back(proxy, b"hello")
    proxy.become(GOOD)
    assert await said_back(proxy, b"hello") == b"hello"


async def test_a_dead_line_stays_silent_while_new_ones_are_well_until_it_is_cut(proxy, server):
    reader, writer = await connect(proxy)
    writer.write(b"before")
    assert await reader.readexactly(6) == b"before"
    cut = proxy.deaden_all()
    writer.write(b"into the void")
    assert await said_back(proxy, b"fence") == b"fence"
    assert bytes(server.heard) == b"beforefence"
    cut()
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.transport.abort()


async def test_a_line_can_be_led_elsewhere(proxy):
    other = Server()
    await other.start()
    proxy.dial = lambda: asyncio.open_connection("127.0.0.1", other.port)
    assert await said_back(proxy, b"hello") == b"hello"
    assert bytes(other.heard) == b"hello"
    await other.stop()


async def test_when_the_server_resets_the_client_is_reset_too():
    async def reset(_reader, writer):
        await _reader.readexactly(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    rude = await asyncio.start_server(reset, "127.0.0.1", 0)
    proxy = FaultProxy("127.0.0.1", rude.sockets[0].getsockname()[1], Random(1))
    await proxy.start()
    reader, writer = await connect(proxy)
    writer.write(b"x")
    with pytest.raises(ConnectionResetError):
        async with asyncio.timeout(20):
            await reader.readexactly(1)
    writer.transport.abort()
    await proxy.stop()
    rude.close()
