"""The law of the event log: a snapshot and the events after it make the later snapshot (style.md, section 10).

Pure: `apply_event` folds one event, as clients get it, into what a client knows of a conversation. Every event kind that
exists is in it, so a kind whose events don't say enough to follow the state by them can't be added unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ConversationState:
    """What somebody knows of a conversation.

    Attributes:
        seq: The newest event that is in it.
        fields: What `conversation.updated` can change.
        roles: The role of each member, by user id.
        messages: Messages in the protocol's shape, by id, tombstones included.
        deleted: Whether the conversation has ended.
    """

    seq: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    messages: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    deleted: bool = False


class LogGap(ValueError):
    """An event was folded in whose predecessor is missing."""


def apply_event(state: ConversationState, event: Event) -> ConversationState:
    """The state after `event`; one that is in it already changes nothing, an unknown kind only advances `seq`.

    Raises:
        LogGap: events before it are missing.
    """
    seq = event["seq"]
    if seq <= state.seq:
        return state
    if seq != state.seq + 1:
        message = f"event {seq} follows {state.seq}"
        raise LogGap(message)
    fold = _FOLDS.get(event["kind"])
    after = state if fold is None else fold(state, event["data"])
    return replace(after, seq=seq)


def apply_events(state: ConversationState, events: Iterable[Event]) -> ConversationState:
    """The state after all of `events`, in their order."""
    for event in events:
        state = apply_event(state, event)
    return state


def folded_kinds() -> frozenset[str]:
    """The kinds that change a state."""
    return frozenset(_FOLDS)


def _message(state: ConversationState, data: Mapping[str, Any]) -> ConversationState:
    return replace(state, messages={**state.messages, data["id"]: data})


def _member(state: ConversationState, data: Mapping[str, Any]) -> ConversationState:
    return replace(state, roles={**state.roles, data["user_id"]: data["role"]})


def _member_removed(state: ConversationState, data: Mapping[str, Any]) -> ConversationState:
    return replace(state, roles={user: role for user, role in state.roles.items() if user != data["user_id"]})


def _updated(state: ConversationState, data: Mapping[str, Any]) -> ConversationState:
    return replace(state, fields={**state.fields, **data})


def _deleted(state: ConversationState, data: Mapping[str, Any]) -> ConversationState:
    return replace(state, roles={}, deleted=True)


_FOLDS: dict[str, Callable[[ConversationState, Mapping[str, Any]], ConversationState]] = {
    "message.created": _message,
    "message.edited": _message,
    "message.deleted": _message,
    "member.added": _member,
    "member.removed": _member_removed,
    "member.role_changed": _member,
    "conversation.updated": _updated,
    "conversation.deleted": _deleted,
}
