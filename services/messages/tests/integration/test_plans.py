"""The statements that run all day go by an index, with many rows and whatever PostgreSQL thinks of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from api_client import JSON, Someone
from django.db import connection
from gateway_client import Gateway, item

from messages_service import prepared

pytestmark = pytest.mark.django_db

BIG = {"timeline_message", "conversations_event", "conversations_membership", "conversations_conversation"}
FILL = """
    INSERT INTO conversations_conversation (id, kind, topic, history, archived, created_at, last_activity_at, epoch,
        last_seq, first_kept_seq, member_count)
    SELECT md5('c' || n)::uuid, 'group', '', 'all', false, now(), now() - n * interval '1 s', md5('e' || n)::uuid,
        100, 1, 1 FROM generate_series(1, 10000) n;
    INSERT INTO people_person (id, username, display_name, active, change_id, membership_version)
    SELECT md5('p' || n)::uuid, 'p' || n, 'P', true, 1, 1 FROM generate_series(1, 300) n;
    INSERT INTO conversations_membership (conversation_id, user_id, role, joined_at, visible_from_seq, read_seq)
    SELECT md5('c' || n)::uuid, md5('p' || m)::uuid, 'member', now(), 1, 90
        FROM generate_series(1, 300) n, generate_series(n, n + 20) m WHERE m <= 300;
    INSERT INTO timeline_message (conversation_id, seq, id, client_id, sender_id, body, html, pinned, created_at)
    SELECT md5('c' || n)::uuid, s, md5('m' || n || ':' || s)::uuid, md5('k' || n || ':' || s)::uuid, md5('p1')::uuid,
        'x', '<p>x</p>', false, now() FROM generate_series(1, 300) n, generate_series(1, 100) s;
    INSERT INTO conversations_event (conversation_id, seq, kind, at, actor_id, message_id, data)
    SELECT conversation_id, seq, 'message.created', created_at, sender_id, id, '{}' FROM timeline_message;
    ANALYZE
"""


def nodes(plan: JSON) -> Iterator[JSON]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


class Plans:
    """Explains each statement that goes to the database, with its parameters, before it runs."""

    def __init__(self) -> None:
        self.scans: list[tuple[str, str]] = []
        self.explained = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """What comes as several statements is prepared ones under settings of their own; each takes its share of `params`."""
        parts = [part.strip() for part in sql.split(";")] if "EXECUTE" in sql else [sql]
        left = list(params or [])
        for part in parts:
            own, left = (left[: part.count("%s")], left[part.count("%s") :]) if len(parts) > 1 else (params, [])
            if part.startswith("SET LOCAL"):
                execute(part, None, many, context)
            elif part.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT", "EXECUTE")):
                self._explain(part, own)
        return execute(sql, params, many, context)

    def _explain(self, sql: str, params: Any) -> None:
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
            found = cursor.fetchone()[0]
        self.explained += 1
        plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
        for node in nodes(plan):
            whole = node["Node Type"] == "Seq Scan" or (
                "Index" in node["Node Type"] and "Index Cond" not in node and "Relation Name" in node
            )
            if whole and node["Relation Name"] in BIG:
                self.scans.append((node["Relation Name"], sql))


@pytest.fixture
def plans(ada: Someone) -> Callable[[Callable[[], Any]], None]:
    """Does something on full tables and fails if one of them was read from end to end."""
    with connection.cursor() as cursor:
        cursor.execute(FILL)

    def check(deed: Callable[[], Any]) -> None:
        seen = Plans()
        with connection.execute_wrapper(seen):
            deed()
        assert seen.explained
        assert seen.scans == []

    return check


def test_what_a_client_does_all_day_goes_by_an_index(ada: Someone, plans: Callable[[Any], None]) -> None:
    group = ada.begin("group")
    message = ada.say(group, "x")
    path = f"conversations/{group['id']}/"
    plans(lambda: ada.get("conversations/"))
    plans(lambda: ada.get(path))
    plans(lambda: ada.get(f"{path}members/"))
    for query in ("", "?before=3", "?after=1", "?around=2"):
        plans(lambda query=query: ada.get(f"{path}messages/{query}"))
    plans(lambda: ada.get(f"{path}events/?after=1"))
    plans(lambda: ada.post(f"{path}read/", {"seq": 2}))
    plans(lambda: ada.say(group, "y"))
    plans(lambda: ada.patch(f"messages/{message['id']}/", {"body": "z"}))
    plans(lambda: ada.get(f"messages/{message['id']}/edits/"))
    plans(lambda: ada.delete(f"messages/{message['id']}/"))


def test_a_plan_that_is_kept_is_as_good_when_it_was_made_on_empty_tables(
    ada: Someone, gateway: Gateway, plans: Callable[[Any], None]
) -> None:
    """It is made once for a connection: that it goes by indexes must not depend on what the tables held then."""
    group = ada.begin("group")
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL; DELETE FROM timeline_message; DELETE FROM conversations_event")
        cursor.execute("UPDATE pg_class SET reltuples = 0, relpages = 0 WHERE relname = ANY(%s)", [list(BIG)])
    prepared._known.clear()
    plans(lambda: gateway.batch([ada.token], [item(0, group) for n in range(30)]))
    plans(lambda: gateway.ask("/internal/memberships/", {"users": [str(ada.id)]}))


def test_what_the_gateway_asks_all_day_goes_by_an_index(
    ada: Someone, gateway: Gateway, plans: Callable[[Any], None]
) -> None:
    groups = [ada.begin("group") for _ in range(3)]
    ids = [group["id"] for group in groups]
    plans(lambda: gateway.batch([ada.token], [item(0, groups[n % 3]) for n in range(30)]))
    plans(lambda: gateway.mark([ada.token], [{"token": 0, "conversation": id_, "seq": 3} for id_ in ids]))
    plans(lambda: gateway.ask(f"/internal/users/{ada.id}/memberships/"))
    people = [str(UUID(hashlib.md5(f"p{n}".encode(), usedforsecurity=False).hexdigest())) for n in range(100)]
    plans(lambda: gateway.ask("/internal/memberships/", {"users": people}))
    plans(lambda: gateway.ask("/internal/heads/", {"conversations": ids, "users": [str(uuid4())]}))
    wanted = [{"conversation": id_, "after": 1, "limit": 100} for id_ in ids]
    plans(lambda: gateway.ask("/internal/events/ranges/", {"ranges": wanted}))
