"""Titles and topics: what is accepted, and what "untitled" looks like."""

from __future__ import annotations

import unicodedata

from chatire_shared.contracts.errors import Invalid
from messages_service.conversations.rules.kinds import Kind

TITLE_MAX = 80
TOPIC_MAX = 250


def clean_title(kind: str, title: str | None) -> str | None:
    """The title as it is stored: 1 to 80 code points for a channel, and for a group too or none at all.

    An empty title of a group is no title: null, on the wire as well. Text is kept as sent otherwise, never trimmed.

    Raises:
        Invalid: too long, blank, with control characters, or missing for a channel.
    """
    if kind == Kind.DIRECT:
        if title is None:
            return None
        raise Invalid.field("title", "not_allowed", "A direct conversation has no title; leave it out.")
    if not title and kind == Kind.GROUP:
        return None
    if not title:
        raise Invalid.field("title", "required", f"Give the channel a title of 1 to {TITLE_MAX} characters.")
    _require_plain("title", title, TITLE_MAX)
    if title.isspace():
        raise Invalid.field("title", "blank", "Use at least one character that isn't white space.")
    return title


def clean_topic(kind: str, topic: str) -> str:
    """The topic as it is stored: at most 250 code points, and none for a direct conversation.

    Raises:
        Invalid: too long, with control characters, or not allowed here.
    """
    if kind == Kind.DIRECT and topic:
        raise Invalid.field("topic", "not_allowed", "A direct conversation has no topic; leave it out.")
    _require_plain("topic", topic, TOPIC_MAX)
    return topic


def _require_plain(field: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise Invalid.field(field, "too_long", f"Use at most {longest} characters.")
    if any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in text):
        raise Invalid.field(field, "control_characters", "Leave out line breaks and control characters.")
