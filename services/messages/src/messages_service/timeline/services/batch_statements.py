"""The SQL of a batch of messages: a look under locks, and one write; each takes a batch of any size as one JSON text.

A plan is made once for a connection, perhaps on empty tables, where reading all of a table looks cheap. So nothing else
than looks into indexes is left to PostgreSQL: `LATERAL … LIMIT 1` where that is possible, and `BY_INDEX` for the updates.
"""

from __future__ import annotations

from messages_service.prepared import Statement

BY_INDEX = (
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashjoin = off; "
    "SET LOCAL plan_cache_mode = force_generic_plan; "
)

_LOCK = """
    SELECT set_config('chatire.locked', coalesce(string_agg(id::text, ','), ''), true) FROM (
        SELECT id FROM conversations_conversation
        WHERE id = ANY($1) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE {skip}
    ) AS locked
"""

LOCK_FREE = Statement("chatire_lock_free", ("uuid[]",), _LOCK.format(skip="SKIP LOCKED"))
"""Lock, in the order of their ids, those of the conversations that nobody else holds."""

LOCK_ALL = Statement("chatire_lock_all", ("uuid[]",), _LOCK.format(skip=""))
"""Lock them all, waiting for `lock_timeout`."""

LOOK = Statement(
    "chatire_look",
    ("json",),
    """
    SELECT item.n, conversation.id = ANY(string_to_array(current_setting('chatire.locked'), ',')::uuid[]),
           conversation.archived, conversation.last_seq, conversation.epoch::text, membership.visible_from_seq,
           person.username, person.display_name, person.active, earlier.id::text, earlier.seq, target.seq,
           nextval('outbox_row_id_seq')
    FROM json_to_recordset($1) AS item (n int, conversation uuid, sender uuid, client_id uuid, reply_to uuid)
    LEFT JOIN LATERAL (
        SELECT * FROM conversations_conversation AS one
        WHERE one.id = item.conversation AND one.deleted_at IS NULL LIMIT 1
    ) AS conversation ON true
    LEFT JOIN LATERAL (
        SELECT * FROM conversations_membership AS one
        WHERE one.conversation_id = item.conversation AND one.user_id = item.sender LIMIT 1
    ) AS membership ON true
    LEFT JOIN LATERAL (SELECT * FROM people_person AS one WHERE one.id = item.sender LIMIT 1) AS person ON true
    LEFT JOIN LATERAL (
        SELECT * FROM timeline_message AS one
        WHERE one.conversation_id = item.conversation AND one.sender_id = item.sender
        AND one.client_id = item.client_id LIMIT 1
    ) AS earlier ON true
    LEFT JOIN LATERAL (
        SELECT * FROM timeline_message AS one
        WHERE one.id = item.reply_to AND one.conversation_id = item.conversation LIMIT 1
    ) AS target ON true
    """,
)
"""What decides over each item, and an id for its note. A statement of its own, so that it sees what was committed before we
got the locks, and so that nobody gets a lower id for a later note of the same conversation.
"""

# A message's own JSON says all of its columns; as `json` it is kept to the letter, so it becomes the event's `data` as it is.
# A note's payload ends with that JSON and a brace: only what comes before them is sent (a third less to read and parse).
# The memberships are locked in key order first: an UPDATE takes them in any order, and a batch of read markers may wait.
# The last line is an error, and so no commit, unless each conversation was where the batch takes it to have been.
WRITE = Statement(
    "chatire_write",
    ("json",),
    """
    WITH item AS MATERIALIZED (
        SELECT message.*, (message.sender->>'id')::uuid AS sender_id, row.data, row.request_id, row.note_id, row.note
        FROM json_to_recordset($1) AS row (data json, request_id text, note_id bigint, note text)
        CROSS JOIN LATERAL json_to_record(row.data) AS message (
            id uuid, conversation uuid, seq bigint, client_id uuid, sender json, body text, html text, reply_to uuid,
            created_at timestamptz
        )
    ), head AS MATERIALIZED (
        SELECT conversation, count(*) AS events, max(seq) AS seq, max(created_at) AS at FROM item
        GROUP BY conversation
    ), messages AS (
        INSERT INTO timeline_message
            (conversation_id, seq, id, client_id, sender_id, body, html, reply_to, pinned, created_at)
        SELECT conversation, seq, id, client_id, sender_id, body, html, reply_to, false, created_at FROM item
    ), events AS (
        INSERT INTO conversations_event (conversation_id, seq, kind, at, actor_id, request_id, message_id, data)
        SELECT conversation, seq, 'message.created', created_at, sender_id, request_id, id, data::text FROM item
    ), notes AS (
        INSERT INTO outbox_row (id, stream, topic, seq, payload)
        SELECT note_id, conversation, 'conv.' || conversation, seq,
               decode(note, 'base64') || convert_to(data::text || '}', 'UTF8')
        FROM item
    ), mine AS MATERIALIZED (
        SELECT membership.conversation_id, membership.user_id, own.seq
        FROM (
            SELECT conversation, sender_id, max(seq) AS seq FROM item GROUP BY conversation, sender_id
            ORDER BY conversation, sender_id
        ) AS own
        CROSS JOIN LATERAL (
            SELECT * FROM conversations_membership AS one
            WHERE one.conversation_id = own.conversation AND one.user_id = own.sender_id LIMIT 1 FOR NO KEY UPDATE
        ) AS membership
    ), marks AS (
        UPDATE conversations_membership AS membership SET read_seq = GREATEST(membership.read_seq, mine.seq)
        FROM mine WHERE membership.conversation_id = mine.conversation_id AND membership.user_id = mine.user_id
    ), advanced AS (
        UPDATE conversations_conversation AS conversation
        SET last_seq = head.seq, last_activity_at = GREATEST(conversation.last_activity_at, head.at)
        FROM head WHERE conversation.id = head.conversation AND conversation.last_seq = head.seq - head.events
        RETURNING conversation.id
    )
    SELECT 1 / ((SELECT count(*) FROM advanced) = (SELECT count(*) FROM head))::int
    """,
)
"""Everything that posting leaves behind."""
