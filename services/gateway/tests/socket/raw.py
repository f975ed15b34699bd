"""A WebSocket client that can do everything wrong: bytes on a TCP connection."""

from __future__ import annotations

import asyncio
import json
import os
import struct
from typing import Any

PATIENCE_SECONDS = 8
TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0


def frame(opcode: int, payload: bytes, *, fin: bool = True, masked: bool = True, rsv: int = 0) -> bytes:
    """One frame of RFC 6455 section 5.2, or one that breaks it."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    flag = 0x80 if masked else 0
    length = len(payload)
    if length < 126:
        head += bytes([flag | length])
    elif length < 65_536:
        head += struct.pack("!BH", flag | 126, length)
    else:
        head += struct.pack("!BQ", flag | 127, length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def text(**fields: Any) -> bytes:
    """A text frame with JSON in it."""
    return frame(TEXT, json.dumps(fields).encode())


class RawSocket:
    """A TCP connection on which a handshake was made."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.head = b""

    @classmethod
    async def connect(cls, port: int, *headers: str) -> RawSocket:
        """Open one and shake hands; further header lines may be given."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        raw = cls(reader, writer)
        lines = [
            "GET /ws HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            *(headers or STANDARD),
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        raw.head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        return raw

    @property
    def status(self) -> int:
        return int(self.head.split()[1])

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; the server must not mask, fragment or use extensions."""
        first, second = await self._exactly(2)
        assert first & 0x70 == 0
        assert first & 0x80
        assert second & 0x80 == 0
        length = second
        if length == 126:
            (length,) = struct.unpack("!H", await self._exactly(2))
            assert length >= 126
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._exactly(8))
            assert length >= 65_536
        return first & 0xF, await self._exactly(length)

    async def message(self) -> dict[str, Any]:
        """The next text frame's JSON."""
        opcode, payload = await self.receive()
        assert opcode == TEXT, (opcode, payload)
        value: dict[str, Any] = json.loads(payload)
        return value

    async def code(self) -> int:
        """The close code; what comes before it is passed over."""
        while True:
            try:
                opcode, payload = await self.receive()
            except (asyncio.IncompleteReadError, ConnectionError):
                return 1006
            if opcode == CLOSE:
                return int(struct.unpack("!H", payload[:2])[0])

    def close(self) -> None:
        self.writer.close()

    async def _exactly(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), PATIENCE_SECONDS)


STANDARD = (
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: chatire.v1",
)
