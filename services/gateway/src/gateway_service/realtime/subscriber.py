"""What comes over the bus, checked and sorted. Anybody who can reach Redis can publish anything: garbage is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chatire_shared.contracts import envelopes
from chatire_shared.contracts.ids import is_recurring_uuid
from gateway_service.realtime.people import Note
from gateway_service.realtime.protocol import is_seq, is_typing_state
from gateway_service.realtime.ring import Entry, entry_from_envelope


class Listener(Protocol):
    """Who acts on what came."""

    def on_event(self, conversation: str, epoch: str, entry: Entry) -> None:
        """An event of a conversation."""

    def on_note(self, note: Note) -> None:
        """Somebody joined or left."""

    def on_read(self, user: str, conversation: str, seq: int, origin: str | None) -> None:
        """Somebody has read."""

    def on_typing(self, conversation: str, user: str, state: bool | str) -> None:  # noqa: FBT001
        """Somebody types."""

    def on_tick(self, heads: Mapping[str, int], members: list[tuple[str, int]]) -> None:
        """A relay lives, and has published this far."""

    def on_auth_changed(self) -> None:
        """Auth's feed has grown."""


class Garbage(ValueError):
    """A message that isn't what its type says."""


def dispatch(message: Mapping[str, Any], listener: Listener) -> None:
    """Tell `listener` of one message; unknown types are passed over.

    Raises:
        Garbage: a known type with fields that can't be.
    """
    handler = _HANDLERS.get(str(message.get("type")))
    if handler is None:
        return
    try:
        handler(message, listener)
    except (KeyError, TypeError, ValueError) as error:
        raise Garbage(str(message.get("type"))) from error


def _event(message: Mapping[str, Any], listener: Listener) -> None:
    body = message["body"]
    entry = entry_from_envelope(
        kind=str(message["kind"]),
        seq=_seq(message["seq"]),
        body=body if isinstance(body, bytes) else str(body).encode(),
        at_us=int(message.get("at_us") or 0),
    )
    if entry is None or not entry.frame.payload:
        raise Garbage
    listener.on_event(_id(message["conversation"]), _id(message["epoch"]), entry)


def _member(message: Mapping[str, Any], listener: Listener) -> None:
    joined = message["kind"] == "joined"
    if not joined and message["kind"] != "left":
        return
    note = Note(
        joined=joined,
        user=_id(message["user"]),
        conversation=_id(message["conversation"]),
        seq=_seq(message["seq"]),
        version=_seq(message["membership_version"]),
        visible_from_seq=_seq(message["visible_from_seq"]) if joined else 1,
        epoch=_id(message["epoch"]) if joined else "",
    )
    listener.on_note(note)


def _read(message: Mapping[str, Any], listener: Listener) -> None:
    origin = message.get("origin")
    known = origin if isinstance(origin, str) else None
    listener.on_read(_id(message["user"]), _id(message["conversation"]), _seq(message["seq"]), known)


def _typing(message: Mapping[str, Any], listener: Listener) -> None:
    if not is_typing_state(message["state"]):
        raise Garbage
    listener.on_typing(_id(message["conversation"]), _id(message["user"]), message["state"])


def _tick(message: Mapping[str, Any], listener: Listener) -> None:
    heads = {_id(conversation): _seq(seq) for conversation, seq in message["heads"]}
    listener.on_tick(heads, [(_id(user), _seq(version)) for user, version in message["members"]])


def _auth_changed(message: Mapping[str, Any], listener: Listener) -> None:
    listener.on_auth_changed()


_HANDLERS = {
    envelopes.EVENT: _event,
    envelopes.MEMBER: _member,
    envelopes.READ: _read,
    envelopes.TYPING: _typing,
    envelopes.TICK: _tick,
    envelopes.AUTH_CHANGED: _auth_changed,
}


def _id(value: Any) -> str:
    if not isinstance(value, str) or not is_recurring_uuid(value):
        raise Garbage
    return value


def _seq(value: Any) -> int:
    if not is_seq(value):
        raise Garbage
    return int(value)
