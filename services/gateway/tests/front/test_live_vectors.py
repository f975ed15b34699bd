"""Every vector on a real socket, alone and through Caddy: what comes back is what RFC 6455 says a server sends."""

from __future__ import annotations

from typing import Any

import pytest
from peer import Peer
from rawframes import closing
from vectors import VECTORS, Vector

_ANSWERS = {"broken": {1002: 1002, 1007: 4400, 1009: 4413}}
"""What is malformed or too large has codes of our own (docs/protocol.md)."""


def expected(vector: Vector) -> list[tuple[Any, ...]]:
    """The frames that an echo sends to the end; a vector that ends by itself is ended by a close of the client's."""
    frames: list[tuple[Any, ...]] = []
    for kind, *values in vector.outcome:
        if kind == "ping":
            frames.append(("pong", *values))
        elif kind == "broken":
            frames.append(("close", _ANSWERS[kind][values[0]]))
        elif kind == "close":
            frames.append((kind, values[0]))
        elif kind != "pong":
            frames.append((kind, *values))
    return frames


def is_complete(vector: Vector) -> bool:
    """Whether a close frame may follow: no frame or character is left half sent."""
    return bool(vector.outcome) and vector.outcome[-1][0] not in {"broken", "close"} and "half" not in vector.name


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
async def test_a_vector_is_answered_as_the_rfc_says(door: int, vector: Vector) -> None:
    peer = await Peer.open(door)
    assert peer.status == 101
    answers = expected(vector)
    await peer.send(vector.sent)
    if is_complete(vector):
        await peer.send(closing(1000))
        answers.append(("close", 1000))
    frames = [await peer.frame() for _ in answers]
    assert [frame[:2] for frame in frames if frame is not None] == answers
    if not answers or answers[-1][0] != "close":
        peer.writer.write_eof()
    assert await peer.rest() == b""
    peer.close()
