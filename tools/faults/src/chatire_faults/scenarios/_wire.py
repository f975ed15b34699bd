"""As much of RFC 6455 as a client needs that talks to our own server."""

from __future__ import annotations

import struct
from collections.abc import Iterator

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_MEDIUM, _LONG = 126, 127
_MASK = b"\0\0\0\0"
"""The standard can't tell it from chance, and nothing has to be masked with it."""


def handshake(host: str, port: int) -> bytes:
    """The opening request."""
    return (
        f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: chatire.v1\r\n\r\n"
    ).encode()


def client_frame(opcode: int, payload: bytes) -> bytes:
    """One frame to the server."""
    length = len(payload)
    if length < _MEDIUM:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | _MEDIUM, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | _LONG, length)
    return head + _MASK + payload


def take_frames(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Take the whole frames out of what came from the server: opcode and payload of each."""
    at = 0
    while len(buffer) - at >= 2:
        length, start = buffer[at + 1], at + 2
        if length >= _MEDIUM:
            start += 2 if length == _MEDIUM else 8
            length = int.from_bytes(buffer[at + 2 : start])
        if len(buffer) < start + length:
            break
        yield buffer[at] & 0xF, bytes(buffer[start : start + length])
        at = start + length
    del buffer[:at]
