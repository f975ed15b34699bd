"""What our parser makes of bytes, in the words of `vectors`."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from vectors import LIMIT

from gateway_service.front import wire

_KINDS = {wire.TEXT: "text", wire.BINARY: "binary", wire.PING: "ping", wire.PONG: "pong"}


def parsed(pieces: Iterable[bytes], limit: int = LIMIT) -> list[tuple[Any, ...]]:
    """What a parser makes of the pieces."""
    parser, outcome = wire.Parser(limit), []
    for piece in pieces:
        parser.feed(piece)
        outcome += drained(parser)
    return outcome


def drained(parser: wire.Parser) -> list[tuple[Any, ...]]:
    outcome: list[tuple[Any, ...]] = []
    try:
        while (item := parser.next()) is not None:
            opcode, value = item
            if opcode == wire.CLOSE:
                outcome.append(("close", *value))
            elif opcode != wire.CONTINUATION:
                outcome.append((_KINDS[opcode], value))
    except wire.Broken as broken:
        outcome.append(("broken", broken.code))
    return outcome


def cut(data: bytes, seed: int) -> Iterator[bytes]:
    """The same bytes in pieces of random sizes."""
    chance = random.Random(seed)
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 12)))
    for begin, end in pairwise([0, *cuts, len(data)]):
        yield data[begin:end]
