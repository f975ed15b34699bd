"""The SQL of a batch of messages: locks, and one statement that decides and writes; a batch of any size is one JSON text.

A plan is made once for a connection, perhaps on empty tables, where reading all of a table looks cheap. So nothing else
than looks into indexes is left to PostgreSQL: `LATERAL … LIMIT 1` where that is possible, and `prepared.BY_INDEX` for the
updates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from chatire_shared.contracts.strict_json import dumps
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind
from messages_service.conversations.services.notes import event_payload
from messages_service.prepared import Statement
from messages_service.timeline.rules.shapes import message_shape, sender_shape

KIND = EventKind.MESSAGE_CREATED.value

LOCK = Statement(
    "chatire_lock",
    ("uuid[]",),
    """
    SELECT count(*) FROM (
        SELECT id FROM conversations_conversation
        WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE
    ) AS locked
    """,
)
"""Lock conversations in the order of their ids, waiting for `lock_timeout`."""


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _composed(sample: str, marks: Mapping[str, str]) -> str:
    """SQL that composes the text which Python has composed as `sample`, with expressions in the place of its marks."""
    parts = re.split("|".join(f"({re.escape(mark)})" for mark in marks), sample)
    return f"concat({', '.join(marks.get(part) or _literal(part) for part in parts if part)})"


_NUMBER, _TIME = 1 << 61, 1 << 62
"""Marks of numbers, large enough for msgpack's form of eight bytes."""
_CONVERSATION, _EPOCH = "@conversation".ljust(36, "@"), "@epoch".ljust(36, "@")
_LONG = "@" * 65_536
"""So long that msgpack gives its length in four bytes."""

_MESSAGE_TEXT = _composed(
    dumps(
        message_shape(
            message_id="@id@",
            conversation=_CONVERSATION,
            seq=_NUMBER,
            client_id="@client_id@",
            sender=sender_shape("@sender@", "@username@", "@display_name@"),
            body="@body@",
            html="@html@",
            reply_to="@reply_to@",
            created_at="@at@",
        )
    ),
    {
        "@id@": "id",
        _CONVERSATION: "conversation",
        str(_NUMBER): "seq",
        "@client_id@": "client_id",
        "@sender@": "sender",
        '"@username@"': "to_json(username)",
        '"@display_name@"': "to_json(display_name)",
        '"@body@"': "to_json(body)",
        '"@html@"': "to_json(html)",
        '"@reply_to@"': "coalesce(to_json(reply_to)::text, 'null')",
        "@at@": "$2",
    },
)
"""A message as clients get it (`message_shape`): the event's `data`, to the letter."""

_FRAME_TEXT = _composed(
    frame(
        event_json(
            conversation=_CONVERSATION,
            seq=_NUMBER,
            kind=KIND,
            at="@at@",
            actor="@sender@",
            request_id="@request_id@",
            data="@data@",
        )
    ),
    {
        _CONVERSATION: "conversation",
        str(_NUMBER): "seq",
        "@at@": "$2",
        "@sender@": "sender",
        '"@request_id@"': "coalesce(to_json(request_id)::text, 'null')",
        "@data@": "data",
    },
)
"""The frame that clients get of a message's event (`frames.frame`)."""


def _payload() -> str:
    """SQL of what gateways get of a message's event (`event_payload`), with its numbers in msgpack's longest form."""
    sample = event_payload(kind=KIND, conversation=_CONVERSATION, seq=_NUMBER, epoch=_EPOCH, at_us=_TIME, frame=_LONG)
    places = {
        _CONVERSATION.encode(): "convert_to(conversation::text, 'UTF8')",
        _NUMBER.to_bytes(8): "int8send(seq)",
        _EPOCH.encode(): "convert_to(epoch::text, 'UTF8')",
        _TIME.to_bytes(8): "int8send($3)",
        len(_LONG).to_bytes(4) + _LONG.encode(): "int4send(octet_length(frame)) || frame",
    }
    parts = re.split(b"|".join(b"(%b)" % re.escape(mark) for mark in places), sample)
    return " || ".join(places.get(part) or f"'\\x{part.hex()}'::bytea" for part in parts if part)


_NOTE_PAYLOAD = _payload()

# Conversations are locked here, unless somebody else holds them: then, and when one was changed after the statement's snapshot
# was taken and before it was locked, all its items are `held`, and tried again. So what decides is what holds under the lock.
# `seq` and the ids of the notes grow with the place in the batch; a note's id is taken after the sort.
# Memberships are updated in key order, as by a batch of read markers, since both might wait for each other: by a nested loop
# over sorted rows. Another plan would be right as well; a deadlock that it led to would end one of them, which is tried again.
# The last column is an error, and so no commit, unless each conversation was where the batch takes it to have been.
POST = Statement(
    "chatire_post",
    ("json", "text", "bigint"),
    f"""
    WITH item AS MATERIALIZED (
        SELECT looked.*,
               CASE WHEN version IS NULL OR visible_from_seq IS NULL THEN 'not_found'
                    WHEN NOT bool_and(is_locked) OVER (PARTITION BY conversation) THEN 'held'
                    WHEN active IS NOT TRUE THEN 'revoked'
                    WHEN earlier_id IS NOT NULL THEN 'earlier'
                    WHEN archived THEN 'archived'
                    WHEN reply_to IS NOT NULL AND (target_seq >= visible_from_seq) IS NOT TRUE THEN 'no_target'
                    ELSE 'new' END AS outcome
        FROM (
            SELECT item.*, conversation.version, conversation.last_seq, conversation.epoch, conversation.archived,
                   (locked.version = conversation.version) IS TRUE AS is_locked, membership.visible_from_seq,
                   person.active, person.username, person.display_name,
                   earlier.id AS earlier_id, earlier.seq AS earlier_seq, target.seq AS target_seq
            FROM json_to_recordset($1) AS item (
                n int, conversation uuid, sender uuid, id uuid, client_id uuid, reply_to uuid, body text, html text,
                request_id text
            )
            LEFT JOIN LATERAL (
                SELECT ctid AS version, last_seq, epoch, archived FROM conversations_conversation AS one
                WHERE one.id = item.conversation AND one.deleted_at IS NULL LIMIT 1
            ) AS conversation ON true
            LEFT JOIN LATERAL (
                SELECT ctid AS version FROM conversations_conversation AS one
                WHERE one.id = item.conversation AND one.deleted_at IS NULL LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
            ) AS locked ON true
            LEFT JOIN LATERAL (
                SELECT visible_from_seq FROM conversations_membership AS one
                WHERE one.conversation_id = item.conversation AND one.user_id = item.sender LIMIT 1
            ) AS membership ON true
            LEFT JOIN LATERAL (
                SELECT active, username, display_name FROM people_person AS one WHERE one.id = item.sender LIMIT 1
            ) AS person ON true
            LEFT JOIN LATERAL (
                SELECT id, seq FROM timeline_message AS one
                WHERE one.conversation_id = item.conversation AND one.sender_id = item.sender
                AND one.client_id = item.client_id LIMIT 1
            ) AS earlier ON true
            LEFT JOIN LATERAL (
                SELECT seq FROM timeline_message AS one
                WHERE one.id = item.reply_to AND one.conversation_id = item.conversation LIMIT 1
            ) AS target ON true
        ) AS looked
    ), new AS MATERIALIZED (
        SELECT numbered.*, {_MESSAGE_TEXT} AS data, nextval('outbox_row_id_seq') AS note_id
        FROM (
            SELECT item.*, last_seq + row_number() OVER (PARTITION BY conversation ORDER BY n) AS seq
            FROM item WHERE outcome = 'new' ORDER BY conversation, n
        ) AS numbered
    ), head AS MATERIALIZED (
        SELECT conversation, count(*) AS events, max(seq) AS seq FROM new GROUP BY conversation
    ), messages AS (
        INSERT INTO timeline_message
            (conversation_id, seq, id, client_id, sender_id, body, html, reply_to, pinned, created_at)
        SELECT conversation, seq, id, client_id, sender, body, html, reply_to, false, $2::timestamptz FROM new
    ), events AS (
        INSERT INTO conversations_event (conversation_id, seq, kind, at, actor_id, request_id, message_id, data)
        SELECT conversation, seq, '{KIND}', $2::timestamptz, sender, request_id, id, data FROM new
    ), notes AS (
        INSERT INTO outbox_row (id, stream, topic, seq, payload)
        SELECT note_id, conversation, 'conv.' || conversation, seq, {_NOTE_PAYLOAD}
        FROM (SELECT *, convert_to({_FRAME_TEXT}, 'UTF8') AS frame FROM new OFFSET 0) AS framed
    ), marks AS (
        UPDATE conversations_membership AS membership SET read_seq = GREATEST(membership.read_seq, own.seq)
        FROM (
            SELECT conversation, sender, max(seq) AS seq FROM new GROUP BY conversation, sender ORDER BY conversation, sender
        ) AS own
        WHERE membership.conversation_id = own.conversation AND membership.user_id = own.sender
    ), advanced AS (
        UPDATE conversations_conversation AS conversation
        SET last_seq = head.seq, last_activity_at = GREATEST(conversation.last_activity_at, $2::timestamptz)
        FROM head WHERE conversation.id = head.conversation AND conversation.last_seq = head.seq - head.events
        RETURNING conversation.id
    )
    SELECT n, outcome, seq, id::text, epoch::text, username, display_name, note_id,
           1 / ((SELECT count(*) FROM advanced) = (SELECT count(*) FROM head))::int
    FROM new
    UNION ALL
    SELECT n, outcome, earlier_seq, earlier_id::text, NULL, NULL, NULL, NULL, NULL FROM item WHERE outcome <> 'new'
    """,  # noqa: S608 (the parts are constants of ours)
)
"""Decide over each item, and post those that may be: everything that posting leaves behind. Waits for no
conversation.

`$1` the items, `$2` the time of the events as clients get it, `$3` the same in microseconds. A row for each item, in any
order: its place, its outcome, then of a new message all that its frame says, of an earlier one its `seq` and id.
"""
