"""A client's frames as bytes, right or wrong in every way that RFC 6455 section 5.2 leaves room for."""

from __future__ import annotations

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    form: int | None = None,
    declared: int | None = None,
) -> bytes:
    """One frame.

    Args:
        opcode: Four bits.
        payload: Before masking.
        fin: Whether the message ends with it.
        rsv: Three bits.
        mask: None leaves it unmasked.
        form: How the length is written: 7, 16 or 64 bits; the shortest when left out.
        declared: A length that is not the payload's.
    """
    size = len(payload) if declared is None else declared
    form = form or (7 if size < 126 else 16 if size < 65_536 else 64)
    flag = 0 if mask is None else 0x80
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if form == 7:
        head += bytes([flag | size])
    elif form == 16:
        head += struct.pack("!BH", flag | 126, size)
    else:
        head += struct.pack("!BQ", flag | 127, size)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def text(payload: str | bytes, **options: bool) -> bytes:
    return frame(TEXT, payload.encode() if isinstance(payload, str) else payload, **options)


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack("!H", code) + reason)
