"""A message as clients get it: the same shape over HTTP, in events and in the conversation's `last_message`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from chatire_shared.contracts.times import rfc3339

TEXT_GONE: dict[str, Any] = {"body": None, "html": None, "attachments": [], "reactions": [], "mentions": []}
"""What a deletion leaves of the fields that said something."""


def sender_shape(user_id: UUID | str, username: str, display_name: str) -> dict[str, str]:
    """A person as messages and member lists name them."""
    return {"id": str(user_id), "username": username, "display_name": display_name}


def message_shape(  # noqa: PLR0913 (a message has that many fields)
    *,
    message_id: UUID | str,
    conversation: UUID | str,
    seq: int,
    client_id: UUID | str,
    sender: dict[str, str],
    body: str | None,
    html: str | None,
    reply_to: UUID | str | None,
    created_at: datetime | str,
    pinned: bool = False,
    edited_at: datetime | None = None,
    deleted_at: datetime | None = None,
) -> dict[str, Any]:
    """A message in protocol.md's shape; attachments, reactions and mentions are always there, as lists."""
    return {
        "id": str(message_id),
        "conversation": str(conversation),
        "seq": seq,
        "client_id": str(client_id),
        "sender": sender,
        "body": body,
        "html": html,
        "reply_to": None if reply_to is None else str(reply_to),
        "attachments": [],
        "reactions": [],
        "mentions": [],
        "pinned": pinned,
        "created_at": created_at if isinstance(created_at, str) else rfc3339(created_at),
        "edited_at": None if edited_at is None else rfc3339(edited_at),
        "deleted_at": None if deleted_at is None else rfc3339(deleted_at),
    }


def redacted(data: dict[str, Any], deleted_at: datetime) -> dict[str, Any]:
    """An earlier event's message without its text.

    It says `deleted_at` too, so that "no body" means "deleted" for whoever replays the log.
    """
    return {**data, **TEXT_GONE, "deleted_at": rfc3339(deleted_at)}
