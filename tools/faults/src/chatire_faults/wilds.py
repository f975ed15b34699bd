"""A network of its own where packets get lost: a namespace with nothing but a loopback interface, and rules of iptables.

A line is led through it by two sockets: one that is made inside and connects there, one that listens there and goes on to
the server outside. Nothing of the machine's own network is touched, and the kernel takes it all away with the last socket,
however this process ends. Needs root.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chatire_faults import namespaces

_INSIDE = "127.0.0.1"

Answer = TypeVar("Answer")


class Wilds:
    """One such network, in front of one server."""

    def __init__(self, host: str, port: int) -> None:
        """Prepare for `host:port`; `enter` begins."""
        self._outside = (host, port)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="wilds")  # A namespace belongs to a thread.
        self._server: asyncio.Server | None = None
        self._inside: tuple[str, int] = (_INSIDE, 0)
        self._serving: set[asyncio.Task[None]] = set()

    async def enter(self) -> None:
        """Make the network.

        Raises: Futile, where that is not possible.
        """
        listener = await self._run(self._make)
        self._inside = listener.getsockname()
        self._server = await asyncio.start_server(self._accept, sock=listener)

    async def lose(self, share: float) -> None:
        """From now on this share of all packets is lost, in each direction; 1.0: nothing goes through, nobody is told."""
        chance = ["-m", "statistic", "--mode", "random", "--probability", str(share)] if share < 1.0 else []
        await self._run(lambda: namespaces.do("iptables", "-w", "-F", "INPUT"))
        await self._run(lambda: namespaces.do("iptables", "-w", "-A", "INPUT", *chance, "-j", "DROP"))

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the server through the wilds."""
        inside = await self._run(lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK))
        await asyncio.get_running_loop().sock_connect(inside, self._inside)
        return await asyncio.open_connection(sock=inside)

    async def leave(self) -> None:
        """Take it down; what is open is cut."""
        if self._server:
            self._server.close()
        for serving in self._serving:
            serving.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._thread.shutdown(wait=False)

    async def _run(self, call: Callable[[], Answer]) -> Answer:
        """Do something inside; who is started there is inside as well."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _make(self) -> socket.socket:
        namespaces.enter_new(namespaces.NETWORK)
        namespaces.do("ip", "link", "set", "lo", "up")
        namespaces.do("iptables", "-w", "-L")
        return socket.create_server((_INSIDE, 0))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.create_task(self._go_on(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _go_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._outside)
        except OSError:
            writer.transport.abort()
            return
        pumps = [asyncio.create_task(_pump(reader, far_writer)), asyncio.create_task(_pump(far_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for each in (writer, far_writer):
                each.transport.abort()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(16_384):
            sink.write(data)
            await sink.drain()
    except OSError:
        return
