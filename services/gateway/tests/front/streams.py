"""Random streams of a client's frames from a seed: right, with one thing wrong, or with bits turned over."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from rawframes import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

_LETTERS = ("a", "é", "€", "😀", "\0", "\U0010ffff", "plain words ")
_CODES = (1000, 1001, 1003, 1008, 1011, 3000, 4400, 4999)
_BAD_CODES = (0, 999, 1005, 1006, 1015, 1016, 2999, 5000)


def stream(chance: random.Random) -> bytes:
    """One connection's bytes: all right, or right up to one mistake or close."""
    data = b"".join(_message(chance) for _ in range(chance.randrange(8)))
    return data if chance.random() < 0.4 else data + chance.choice(_MISTAKES)(chance) + _message(chance)


def _message(chance: random.Random) -> bytes:
    """A message in one frame or several, perhaps with control frames in between."""
    opcode = chance.choice((TEXT, TEXT, BINARY))
    payload = _text(chance) if opcode == TEXT else chance.randbytes(_size(chance))
    parts = []
    for _ in range(chance.choice((0, 0, 0, 1, 2, 5))):
        at = chance.randrange(len(payload) + 1)
        parts.append(_data(chance, opcode, payload[:at], fin=False))
        opcode, payload = CONTINUATION, payload[at:]
        if chance.random() < 0.4:
            parts.append(
                frame(chance.choice((PING, PONG)), chance.randbytes(chance.randrange(126)), mask=_mask(chance))
            )
    return b"".join([*parts, _data(chance, opcode, payload, fin=True)])


def _data(chance: random.Random, opcode: int, payload: bytes, *, fin: bool) -> bytes:
    return frame(opcode, payload, fin=fin, mask=_mask(chance))


def _text(chance: random.Random) -> bytes:
    return (
        "".join(chance.choice(_LETTERS) for _ in range(_size(chance)))
        .encode()[:60_000]
        .decode(errors="ignore")
        .encode()
    )


def _reason(chance: random.Random) -> bytes:
    return _text(chance)[:100].decode(errors="ignore").encode()


def _size(chance: random.Random) -> int:
    return chance.choice((0, 1, chance.randrange(20), chance.randrange(20), chance.randrange(300)))


def _mask(chance: random.Random) -> bytes:
    return chance.randbytes(4)


def noise(chance: random.Random) -> bytes:
    """Such bytes with some bits turned over."""
    noisy = bytearray(stream(chance) or b"\x81\x80\0\0\0\0")
    for _ in range(chance.randrange(1, 4)):
        noisy[chance.randrange(len(noisy))] ^= 1 << chance.randrange(8)
    return bytes(noisy)


_MISTAKES: tuple[Callable[[random.Random], bytes], ...] = (
    lambda chance: frame(chance.choice((TEXT, BINARY, PING, CLOSE)), b"", rsv=chance.randrange(1, 8)),
    lambda chance: frame(chance.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), b"x"),
    lambda chance: frame(chance.choice((TEXT, BINARY, PING)), b"x", mask=None),
    lambda chance: frame(chance.choice((PING, PONG)), b"x" * chance.randrange(126, 200)),
    lambda chance: frame(chance.choice((PING, PONG, CLOSE)), b"", fin=False),
    lambda chance: frame(CONTINUATION, b"x", fin=chance.random() < 0.5),
    lambda chance: frame(TEXT, b"x", fin=False) + frame(chance.choice((TEXT, BINARY)), b"x"),
    lambda chance: frame(TEXT, "😀€é".encode()[: chance.choice((1, 2, 3, 5, 6, 8))]),
    lambda chance: frame(TEXT, "€".encode()[: chance.randrange(1, 3)], fin=False) + frame(CONTINUATION, b"\xc0\xaf"),
    lambda chance: frame(CLOSE, struct.pack("!H", chance.choice(_CODES)) + _reason(chance)),
    lambda chance: frame(CLOSE, struct.pack("!H", chance.choice(_BAD_CODES))),
    lambda chance: frame(CLOSE, struct.pack("!H", 1000) + b"\xff"),
    lambda chance: frame(CLOSE, chance.choice((b"", b"\x03"))),
)  # fmt: skip
