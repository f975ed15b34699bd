"""The closed sets of words that conversations and their log are made of (protocol.md section 4)."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What sort of conversation it is."""

    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"


class History(StrEnum):
    """What a new member sees of the time before them."""

    ALL = "all"
    SINCE_JOINED = "since_joined"


class Role(StrEnum):
    """What somebody is in a conversation."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"


class EventKind(StrEnum):
    """Everything that can happen in a conversation."""

    MESSAGE_CREATED = "message.created"
    MESSAGE_EDITED = "message.edited"
    MESSAGE_DELETED = "message.deleted"
    REACTION_ADDED = "reaction.added"
    REACTION_REMOVED = "reaction.removed"
    MESSAGE_PINNED = "message.pinned"
    MESSAGE_UNPINNED = "message.unpinned"
    MEMBER_ADDED = "member.added"
    MEMBER_REMOVED = "member.removed"
    MEMBER_ROLE_CHANGED = "member.role_changed"
    CONVERSATION_UPDATED = "conversation.updated"
    CONVERSATION_DELETED = "conversation.deleted"
