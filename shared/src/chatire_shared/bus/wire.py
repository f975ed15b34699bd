"""Bytes of a channel layer message: what `channels_redis.pubsub` writes with its default serializer, msgpack.

A contract test compares both, so this module can stay free of Channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgpack

MAX_MESSAGE_BYTES = 1024 * 1024
"""Ours, eight times the largest event frame; Redis itself would take 512 MiB and stall everybody with it."""


class BadMessage(ValueError):
    """Bytes that are no layer message: not msgpack, not a map, or without a `type`."""


def encode(message: Mapping[str, Any]) -> bytes:
    """The bytes of a message, whose values are what msgpack knows: str, bytes, numbers, bool, None, list, dict."""
    packed: bytes = msgpack.packb(message)
    return packed


def decode(data: bytes) -> dict[str, Any]:
    """The message in `data`.

    Raises: BadMessage. Anybody who can reach Redis can publish anything, so a receiver must expect it.
    """
    try:
        message = msgpack.unpackb(data)
    except Exception as error:
        # msgpack raises ValueError, its own exceptions, and whatever a hostile map key leads to.
        raise BadMessage(str(error)) from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise BadMessage("Not a map with a type.")
    return message


def encode_ids(ids: Sequence[int]) -> bytes:
    """Ids of outbox rows that were announced (`outbox.told`)."""
    packed: bytes = msgpack.packb(list(ids))
    return packed


def decode_ids(data: bytes) -> list[int]:
    """The ids in `data`.

    Raises: BadMessage: it holds anything else.
    """
    try:
        ids = msgpack.unpackb(data)
    except Exception as error:
        raise BadMessage(str(error)) from error
    if not isinstance(ids, list) or not all(type(id_) is int for id_ in ids):
        raise BadMessage("Not a list of ids.")
    return ids
