"""The load generator where there is no C compiler: the same list, the same commands and answers, at a tenth of the speed.

`python -m chatire_bench.loadgen_in_python chatire|plain|socketio LIST PROGRESS BODY_BYTES NONCE`; see loadgen/commands.c.
It does not post over HTTP, and a fast server outruns it: its share of a core in the report says when.
"""

from __future__ import annotations

import asyncio
import json
import mmap
import resource
import struct
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from chatire_bench.connection_in_python import Connection, Shared
from chatire_bench.seen_in_python import Seen, Sent, now_us

_PROGRESS = struct.Struct("5Q")
_KEEP_ALIVE_SECONDS = 20.0
_TICK_SECONDS = 0.001


class Load:
    """All connections, and what they are to send."""

    def __init__(self, protocol: str, listing: Path, progress: Path, body_bytes: int, nonce: int) -> None:
        self.protocol = protocol
        self.seen = Seen()
        self.random = Random(nonce)
        shared = Shared(protocol, self.seen, self.random)
        self.connections = [Connection(shared, line) for line in listing.read_text().splitlines()]
        self._sizes = Counter(connection.room for connection in self.connections)
        self._body_bytes, self._nonce = body_bytes, nonce
        self._next = 0
        self._wanted, self._rate = 0, 0.0
        self._rate_began_us = self._rate_sent = 0
        with progress.open("r+b") as file:
            self._progress = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    async def run(self) -> None:
        """Obey standard input until it ends."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        ticking = [asyncio.create_task(work()) for work in (self._tick, self._keep_alive)]
        while line := (await reader.readline()).decode().split():
            if line[0] == "quit":
                break
            answer = await self._obey(line[0], float(line[1]) if len(line) > 1 else 0.0)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
        for task in ticking:
            task.cancel()

    async def _obey(self, name: str, value: float) -> dict[str, Any]:
        if name in {"connect", "resume"}:
            return await self._connect(int(value), resuming=name == "resume")
        if name == "report":
            return self._report()
        if name == "drop":
            for connection in self.connections:
                connection.drop()
            self.seen.outstanding = 0
        elif name == "closed":
            self._wanted = int(value)
        elif name == "rate":
            self._rate, self._rate_began_us, self._rate_sent = value, now_us(), 0
        elif name == "stop":
            self._wanted, self._rate = 0, 0.0
        elif name == "reset":
            self.seen.reset()
        return {"ok": True}

    async def _connect(self, at_once: int, *, resuming: bool) -> dict[str, Any]:
        turn = asyncio.Semaphore(max(1, at_once))

        async def one(connection: Connection) -> None:
            async with turn:
                await connection.open(resuming=resuming)

        await asyncio.gather(*(one(connection) for connection in self.connections if not connection.ready))
        counters = self.seen.counters
        return {"ready": self._ready(), "failed": counters["failed"], "later": counters["later"], "cpu_seconds": _cpu()}

    def _ready(self) -> int:
        return sum(connection.ready for connection in self.connections)

    def _report(self) -> dict[str, Any]:
        received = [connection.order.received for connection in self.connections]
        return {
            "at_us": now_us(),
            "cpu_seconds": _cpu(),
            "connections": len(self.connections),
            "ready": self._ready(),
            "fewest": min(received),
            "most": max(received),
            **self.seen.report(),
        }

    async def _tick(self) -> None:
        while True:
            while self.seen.outstanding < self._wanted and await self._send(now_us()):
                pass
            while self._rate and self._due_us() <= now_us() and await self._send(self._due_us()):
                self._rate_sent += 1
            totals = self.seen.totals
            gone = totals["closed"] + totals["failed"]
            _PROGRESS.pack_into(
                self._progress, 0, totals["deliveries"], self._ready(), totals["acked"], gone, totals["sent"]
            )
            await asyncio.sleep(_TICK_SECONDS)

    def _due_us(self) -> int:
        return self._rate_began_us + int(self._rate_sent * 1e6 / self._rate)

    async def _send(self, at_us: int) -> bool:
        ready = [connection for connection in self.connections if connection.ready]
        if not ready:
            return False
        connection, number = self.random.choice(ready), self._next
        self._next += 1
        self.seen.messages[number] = Sent(at_us, self._sizes[connection.room])
        self.seen.count("sent")
        self.seen.outstanding += 1
        body = f"n^{number}={at_us}^ ".ljust(self._body_bytes, "x")
        if self.protocol == "socketio":
            await connection.write(
                f'42{number}["send",' + json.dumps({"room": connection.conversation, "body": body}) + "]"
            )
            return True
        name = f"{self._nonce:08x}-0000-4000-8000-{number:012x}"
        message = {"type": "send", "id": name, "conversation": connection.conversation, "body": body}
        await connection.write(json.dumps(message))
        return True

    async def _keep_alive(self) -> None:
        while self.protocol == "chatire":
            await asyncio.sleep(_KEEP_ALIVE_SECONDS)
            for connection in self.connections:
                if connection.ready:
                    await connection.write('{"type":"ping","n":1}')


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(words: list[str]) -> int:
    """Run; the exit code."""
    protocol, listing, progress, body_bytes, nonce = words
    if protocol == "http":
        sys.stderr.write("posting over HTTP needs the compiled load generator\n")
        return 2
    asyncio.run(Load(protocol, Path(listing), Path(progress), int(body_bytes), int(nonce)).run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
