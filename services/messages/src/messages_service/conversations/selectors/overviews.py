"""Conversations as their members see them: role, peer, counts and the last message, in one statement for any number.

Counts are computed from the log each time, never counted up and down, so they can't drift.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from chatire_shared.contracts.errors import NotFound
from chatire_shared.contracts.times import rfc3339
from messages_service.conversations.models import Conversation
from messages_service.timeline.rules.shapes import message_shape, sender_shape

# The page is cut before anything is counted: joined the other way round, a page of 50 counts all of one's conversations.
_OVERVIEW = """
    WITH page AS MATERIALIZED (
        SELECT conversation.id, conversation.kind, conversation.title, conversation.topic, conversation.history,
               conversation.archived, conversation.created_at, conversation.member_count, conversation.epoch,
               conversation.last_seq, conversation.last_activity_at,
               own.user_id, own.role, own.visible_from_seq, own.read_seq
        FROM conversations_membership AS own
        JOIN conversations_conversation AS conversation ON conversation.id = own.conversation_id
        WHERE own.user_id = %s AND conversation.deleted_at IS NULL {condition}
        ORDER BY conversation.last_activity_at DESC, conversation.id DESC
        LIMIT %s
    )
    SELECT page.*, unread.messages AS unread_count,
           peer.id AS peer_id, peer.username AS peer_username, peer.display_name AS peer_display_name,
           latest.*
    FROM page
    LEFT JOIN LATERAL (
        SELECT count(*) AS messages FROM timeline_message AS message
        WHERE message.conversation_id = page.id AND message.deleted_at IS NULL
            AND message.seq > GREATEST(page.read_seq, page.visible_from_seq - 1) AND message.sender_id <> page.user_id
    ) AS unread ON true
    LEFT JOIN LATERAL (
        SELECT person.id, person.username, person.display_name FROM conversations_membership AS other
        JOIN people_person AS person ON person.id = other.user_id
        WHERE page.kind = 'direct' AND other.conversation_id = page.id AND other.user_id <> page.user_id LIMIT 1
    ) AS peer ON true
    LEFT JOIN LATERAL (
        SELECT message.id AS message_id, message.seq AS message_seq, message.client_id, message.sender_id,
               person.username AS sender_username, person.display_name AS sender_display_name, message.body,
               message.html, message.reply_to, message.pinned, message.created_at AS message_created_at,
               message.edited_at, message.deleted_at AS message_deleted_at
        FROM timeline_message AS message JOIN people_person AS person ON person.id = message.sender_id
        WHERE message.conversation_id = page.id AND message.seq >= page.visible_from_seq
        ORDER BY message.seq DESC LIMIT 1
    ) AS latest ON true
    ORDER BY page.last_activity_at DESC, page.id DESC
"""

Row = dict[str, Any]


def get_overview(*, conversation_id: UUID, user_id: UUID) -> dict[str, Any]:
    """One conversation as a member sees it.

    Raises:
        NotFound: they are no member.
    """
    rows = _rows("AND own.conversation_id = %s", [user_id, conversation_id, 1])
    if not rows:
        raise NotFound
    return _shape(rows[0])


def list_overviews(
    *, user_id: UUID, before: tuple[datetime, UUID] | None, limit: int
) -> tuple[list[dict[str, Any]], tuple[datetime, UUID] | None]:
    """Somebody's conversations, most recently active first.

    Args:
        user_id: Whose.
        before: Position of the last one of the page before.
        limit: At most so many.

    Returns: the page, and the position to go on from, None when this was the last.
    """
    condition = "AND (conversation.last_activity_at, conversation.id) < (%s, %s)" if before else ""
    rows = _rows(condition, [user_id, *(before or ()), limit + 1])
    page = rows[:limit]
    position = (page[-1]["last_activity_at"], page[-1]["id"]) if len(rows) > limit else None
    return [_shape(row) for row in page], position


def channel_summary(conversation: Conversation) -> dict[str, Any]:
    """A channel as somebody sees it who might join: the same fields, and nothing of what is said in it."""
    return {
        **_common(vars(conversation)),
        "role": None,
        "peer": None,
        "visible_from_seq": None,
        "read_seq": None,
        "unread_count": 0,
        "mention_count": 0,
        "last_message": None,
    }


def _rows(condition: str, parameters: list[Any]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_OVERVIEW.format(condition=condition), parameters)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _shape(row: Row) -> dict[str, Any]:
    peer = sender_shape(row["peer_id"], row["peer_username"], row["peer_display_name"]) if row["peer_id"] else None
    return {
        **_common(row),
        "role": row["role"],
        "peer": peer,
        "visible_from_seq": row["visible_from_seq"],
        "read_seq": row["read_seq"],
        "unread_count": row["unread_count"],
        "mention_count": 0,
        "last_message": _last_message(row),
    }


def _common(row: Row) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "title": row["title"],
        "topic": row["topic"],
        "history": row["history"],
        "archived": row["archived"],
        "created_at": rfc3339(row["created_at"]),
        "member_count": row["member_count"],
        "epoch": str(row["epoch"]),
        "last_seq": row["last_seq"],
    }


def _last_message(row: Row) -> dict[str, Any] | None:
    if row["message_id"] is None:
        return None
    return message_shape(
        message_id=row["message_id"],
        conversation=row["id"],
        seq=row["message_seq"],
        client_id=row["client_id"],
        sender=sender_shape(row["sender_id"], row["sender_username"], row["sender_display_name"]),
        body=row["body"],
        html=row["html"],
        reply_to=row["reply_to"],
        pinned=row["pinned"],
        created_at=row["message_created_at"],
        edited_at=row["edited_at"],
        deleted_at=row["message_deleted_at"],
    )
