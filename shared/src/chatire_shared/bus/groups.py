"""Names of what is published to (docs/internal.md, "On the channel layer"): groups, and the bell."""

from __future__ import annotations

import re

PREFIX = "chatire"
"""Prefix of the channel layer; a Channels project that wants to hear us configures the same."""

BELL_CHANNEL = "chatire.bell"
"""The plain Redis channel that wakes the relay; outside the layer, since no consumer listens to it."""

TOLD_CHANNEL = "chatire.told"
"""The plain Redis channel on which relays hear what was published already."""

TICK_GROUP = "tick"
AUTH_CHANGES_GROUP = "auth.changes"
CONVERSATION_PREFIX = "conv."

_GROUP = re.compile(r"[A-Za-z0-9._-]{1,99}")


def conversation_group(conversation: object) -> str:
    """The group of everybody who watches a conversation, by its id."""
    return f"{CONVERSATION_PREFIX}{conversation}"


def user_group(user: object) -> str:
    """The group of the processes that have a socket of this person, by their id."""
    return f"user.{user}"


def group_channel(group: str, prefix: str = PREFIX) -> str:
    """The Redis channel of a group, as `channels_redis.pubsub` names it."""
    return f"{prefix}__group__{group}"


def is_group_name(name: object) -> bool:
    """Whether Channels allows the name: letters, digits, dots, dashes, underscores, under 100 (no colon)."""
    return isinstance(name, str) and _GROUP.fullmatch(name) is not None
