"""What travels on the channel layer (docs/internal.md, "On the channel layer"): the shape of each message, by type and kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from exchanges.matching import ID, POSITION, TEXT, Like

EVENT = {
    "type": "chatire.event",
    "v": 1,
    "kind": TEXT,
    "conversation": ID,
    "seq": POSITION,
    "epoch": ID,
    "at_us": POSITION,
    "body": Like("a frame's bytes", lambda value: isinstance(value, bytes) and value.startswith(b'{"type":"event"')),
}
TYPING = {
    "type": "chatire.typing",
    "v": 1,
    "conversation": ID,
    "user": ID,
    "state": Like("a state", lambda value: isinstance(value, bool | str)),
    "connection": TEXT,
}
_NOTE = {
    "type": "chatire.member",
    "v": 1,
    "user": ID,
    "conversation": ID,
    "seq": POSITION,
    "membership_version": POSITION,
}
JOINED = _NOTE | {"kind": "joined", "visible_from_seq": POSITION, "conversation_kind": TEXT, "epoch": ID}
LEFT = _NOTE | {"kind": "left"}
READ = {"type": "chatire.read", "v": 1, "user": ID, "conversation": ID, "seq": POSITION}
READ |= {"origin": Like("a socket, or null", lambda value: value is None or value == TEXT)}
_PAIRS = Like(
    "pairs of id and position",
    lambda value: isinstance(value, list) and all(pair == [ID, POSITION] for pair in value),
)
TICK = {"type": "chatire.tick", "v": 1, "relay": TEXT, "n": POSITION, "heads": _PAIRS, "members": _PAIRS}
AUTH_CHANGED = {"type": "auth.changed", "v": 1, "latest": POSITION}

SHAPES = {
    ("chatire.event", ""): EVENT,
    ("chatire.typing", ""): TYPING,
    ("chatire.member", "joined"): JOINED,
    ("chatire.member", "left"): LEFT,
    ("chatire.read", ""): READ,
    ("chatire.tick", ""): TICK,
    ("auth.changed", ""): AUTH_CHANGED,
}


def key_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """The row of the table that a message belongs to."""
    kind = message["kind"] if message["type"] == "chatire.member" else ""
    return str(message["type"]), str(kind)
