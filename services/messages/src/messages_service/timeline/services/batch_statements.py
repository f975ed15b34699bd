"""The SQL of a batch of messages: locks, and one statement that decides and writes; a batch of any size is one JSON text.

A plan is made once for a connection, perhaps on empty tables, where reading all of a table looks cheap. So nothing else
than looks into indexes is left to PostgreSQL: `LATERAL … LIMIT 1` where that is possible, and `prepared.BY_INDEX` for the
updates.
"""

from __future__ import annotations

from messages_service.prepared import Statement
from messages_service.timeline.services.composed_sql import FRAME_TEXT, KIND, MESSAGE_TEXT, NOTE_PAYLOAD

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
        SELECT numbered.*, {MESSAGE_TEXT} AS data, nextval('outbox_row_id_seq') AS note_id
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
        SELECT note_id, conversation, 'conv.' || conversation, seq, {NOTE_PAYLOAD}
        FROM (SELECT *, convert_to({FRAME_TEXT}, 'UTF8') AS frame FROM new OFFSET 0) AS framed
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
"""Decide over each item, and post those that may be: everything that posting leaves behind. It waits for no conversation.

`$1` the items, `$2` the time of the events as clients get it, `$3` the same in microseconds. A row for each item, in any
order: its place, its outcome, then of a new message all that its frame says, of an earlier one its `seq` and id.
"""
