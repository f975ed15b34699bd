"""What travels on the channel layer (docs/internal.md, "On the channel layer"): pure builders, one for each type.

Receivers ignore unknown types and unknown fields, so a field may be added here and nowhere else at the same time.
"""

from __future__ import annotations

from typing import Any

VERSION = 1

EVENT = "chatire.event"
TYPING = "chatire.typing"
MEMBER = "chatire.member"
READ = "chatire.read"
TICK = "chatire.tick"
AUTH_CHANGED = "auth.changed"


def event(*, kind: str, conversation: str, seq: int, epoch: str, at_us: int, body: bytes) -> dict[str, Any]:
    """An event with its ready-made frame; `body` is the JSON text of the client's `event` frame, in UTF-8."""
    return {
        "type": EVENT,
        "v": VERSION,
        "kind": kind,
        "conversation": conversation,
        "seq": seq,
        "epoch": epoch,
        "at_us": at_us,
        "body": body,
    }


def typing(*, conversation: str, user: str, state: bool | str, connection: str) -> dict[str, Any]:
    """Somebody types, or stopped; `connection` is the socket it came from."""
    return {
        "type": TYPING,
        "v": VERSION,
        "conversation": conversation,
        "user": user,
        "state": state,
        "connection": connection,
    }


def joined(
    *,
    user: str,
    conversation: str,
    seq: int,
    visible_from_seq: int,
    conversation_kind: str,
    epoch: str,
    membership_version: int,
) -> dict[str, Any]:
    """`user` is a member of `conversation` from the event `seq` (their `member.added`) on."""
    return {
        "type": MEMBER,
        "v": VERSION,
        "kind": "joined",
        "user": user,
        "conversation": conversation,
        "seq": seq,
        "visible_from_seq": visible_from_seq,
        "conversation_kind": conversation_kind,
        "epoch": epoch,
        "membership_version": membership_version,
    }


def left(*, user: str, conversation: str, seq: int, membership_version: int) -> dict[str, Any]:
    """`user` is no member of `conversation` after the event `seq` (their removal, or the conversation's deletion)."""
    return {
        "type": MEMBER,
        "v": VERSION,
        "kind": "left",
        "user": user,
        "conversation": conversation,
        "seq": seq,
        "membership_version": membership_version,
    }


def read(*, user: str, conversation: str, seq: int, origin: str | None) -> dict[str, Any]:
    """`user` has read `conversation` up to `seq`; `origin` is the socket that said so."""
    return {"type": READ, "v": VERSION, "user": user, "conversation": conversation, "seq": seq, "origin": origin}


def tick(*, relay: str, n: int, heads: list[list[Any]], members: list[list[Any]]) -> dict[str, Any]:
    """The heads of what `relay` published lately; `n` counts its ticks."""
    return {"type": TICK, "v": VERSION, "relay": relay, "n": n, "heads": heads, "members": members}


def auth_changed(*, latest: int) -> dict[str, Any]:
    """A hint that auth's change feed has grown to `latest`."""
    return {"type": AUTH_CHANGED, "v": VERSION, "latest": latest}
