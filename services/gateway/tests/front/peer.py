"""A client on bare TCP that reads what a server sends, frame by frame, and tells it in the words of `vectors`."""

from __future__ import annotations

import asyncio
import struct
from typing import Any

PATIENCE_SECONDS = 10
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_KINDS = {0x1: "text", 0x2: "binary", 0x9: "ping", 0xA: "pong", 0x8: "close"}


def request(port: int, target: str = "/ws", *headers: str) -> bytes:
    """An opening request."""
    lines = [
        f"GET {target} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {KEY}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Peer:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""
        self.raw = b""
        """All that came after the head, as it came."""

    @classmethod
    async def dial(cls, port: int) -> Peer:
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 24))

    @classmethod
    async def open(cls, port: int, target: str = "/ws", *headers: str, early: bytes = b"") -> Peer:
        """Shake hands; `early` is sent with the request."""
        peer = await cls.dial(port)
        await peer.send(request(port, target, *headers) + early)
        await peer.read_head()
        return peer

    async def read_head(self) -> bytes:
        self.head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        return self.head

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def frame(self) -> tuple[Any, ...] | None:
        """The next frame, None at the end; a server neither masks nor fragments, and says lengths in the shortest form."""
        try:
            first, second = await self._exactly(2)
            size = second
            if size == 126:
                size = struct.unpack("!H", await self._exactly(2))[0]
                assert size >= 126
            elif size == 127:
                size = struct.unpack("!Q", await self._exactly(8))[0]
                assert size >= 65_536
            payload = await self._exactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        assert first & 0xF0 == 0x80
        kind = _KINDS[first & 0xF]
        if kind == "close":
            code = struct.unpack("!H", payload[:2])[0] if payload else 1005
            return kind, code, payload[2:].decode()
        return kind, payload.decode() if kind == "text" else payload

    async def frames(self) -> list[tuple[Any, ...]]:
        """All of them, to the end of the connection."""
        frames = []
        while (frame := await self.frame()) is not None:
            frames.append(frame)
        self.close()
        return frames

    async def rest(self) -> bytes:
        """All bytes to the end of the connection."""
        rest = await asyncio.wait_for(self.reader.read(), PATIENCE_SECONDS)
        self.raw += rest
        self.close()
        return rest

    def close(self) -> None:
        self.writer.close()

    async def _exactly(self, count: int) -> bytes:
        data = await asyncio.wait_for(self.reader.readexactly(count), PATIENCE_SECONDS)
        self.raw += data
        return data
