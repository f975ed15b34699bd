"""Makes a database large: one conversation that was made through the service's own doors is copied many thousand times.

The copies are made by SQL over whatever columns the tables have, with new ids in place of the old ones, so they are what
the service would have written, and stay so when it comes to write more columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg2

_AT_ONCE = 500
"""Conversations of one statement."""
_C = "lpad(to_hex(c), 8, '0')"
"""A copy's number, which stands in the first eight digits of all of its ids."""


@dataclass(frozen=True)
class Wanted:
    """What is to be there.

    Attributes:
        conversation: Id of the one that is copied.
        viewers: Ids of its members, who will be in copies too.
        people: How many people there are to be, the viewers among them.
    """

    conversation: str
    viewers: list[str]
    conversations: int
    people: int


def clone(database_url: str, wanted: Wanted, tell: Callable[[str], None]) -> None:
    """Make the copies; each person is in as many conversations as any other."""
    with _cursor(database_url) as cursor:
        _people(cursor, wanted)
        for first, newest in _batches(wanted):
            _copy(cursor, "conversations_conversation", _conversation(), "t.id = %s", wanted, first, newest)
        _memberships(cursor, wanted)
    tables = (
        ("conversations_event", _event()),
        ("timeline_message", _message()),
    )
    with ThreadPoolExecutor(len(tables)) as pool:
        for done in [pool.submit(_fill, database_url, table, columns, wanted, tell) for table, columns in tables]:
            done.result()
    with _cursor(database_url) as cursor:
        cursor.execute("VACUUM ANALYZE")


def _fill(database_url: str, table: str, columns: dict[str, str], wanted: Wanted, tell: Callable[[str], None]) -> None:
    with _cursor(database_url) as cursor:
        for first, newest in _batches(wanted):
            _copy(cursor, table, columns, "t.conversation_id = %s", wanted, first, newest)
            if newest % (_AT_ONCE * 40) == 0:
                tell(f"{table}: {newest:,} of {wanted.conversations:,} conversations")


def _batches(wanted: Wanted) -> Iterator[tuple[int, int]]:
    for first in range(1, wanted.conversations + 1, _AT_ONCE):
        yield first, min(first + _AT_ONCE - 1, wanted.conversations)


def _copy(
    cursor: psycopg2.extensions.cursor,
    table: str,
    changed: dict[str, str],
    condition: str,
    wanted: Wanted,
    first: int,
    newest: int,
) -> None:
    """Copy the rows of one table for some copies; columns that are not named stay as they are."""
    columns = _columns(cursor, table)
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    # Copy by copy, so that the indexes grow at their ends.
    cursor.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM generate_series(%s, %s) AS c, {table} AS t "  # noqa: S608
        f"WHERE {condition} ORDER BY c",
        [first, newest, wanted.conversation],
    )


def _columns(cursor: psycopg2.extensions.cursor, table: str) -> list[str]:
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_generated = 'NEVER' "
        "AND is_identity = 'NO' ORDER BY ordinal_position",
        [table],
    )
    return [str(name) for (name,) in cursor.fetchall()]


def _new(column: str) -> str:
    return f"overlay(t.{column}::text placing {_C} from 1 for 8)::uuid"


def _conversation() -> dict[str, str]:
    return {"id": _new("id"), "last_activity_at": "t.last_activity_at + c * interval '1 millisecond'"}


def _message() -> dict[str, str]:
    return {"conversation_id": _new("conversation_id"), "id": _new("id")}


def _event() -> dict[str, str]:
    in_data = f"replace(t.data, t.conversation_id::text, ({_new('conversation_id')})::text)"
    with_message = f"replace({in_data}, t.message_id::text, ({_new('message_id')})::text)"
    return {
        "conversation_id": _new("conversation_id"),
        "message_id": _new("message_id"),
        "data": f"CASE WHEN t.message_id IS NULL THEN {in_data} ELSE {with_message} END",
    }


def _people(cursor: psycopg2.extensions.cursor, wanted: Wanted) -> None:
    """Those of the viewers, and copies of the first of them; numbered for `_memberships`."""
    columns = _columns(cursor, "people_person")
    changed = {"id": _new("id"), "username": "left(t.username, 20) || '.' || c"}
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    cursor.execute(
        f"INSERT INTO people_person ({names}) SELECT {values} FROM generate_series(1, %s) AS c, people_person AS t "  # noqa: S608
        "WHERE t.id = %s",
        [wanted.people - len(wanted.viewers), wanted.viewers[0]],
    )
    cursor.execute("CREATE TEMP TABLE numbered (n integer PRIMARY KEY, id uuid)")
    cursor.execute(
        "INSERT INTO numbered SELECT row_number() OVER (ORDER BY array_position(%s::uuid[], id) NULLS LAST) - 1, id "
        "FROM people_person WHERE id = ANY(%s::uuid[]) OR username LIKE (SELECT left(username, 20) || '.%%' "
        "FROM people_person WHERE id = %s)",
        [wanted.viewers, wanted.viewers, wanted.viewers[0]],
    )


def _memberships(cursor: psycopg2.extensions.cursor, wanted: Wanted) -> None:
    """The members of copy c are the people c, c + stride, c + 2 strides, …: spread evenly, and never one twice."""
    columns = _columns(cursor, "conversations_membership")
    changed = {"conversation_id": _new("conversation_id"), "user_id": "numbered.id"}
    values = ", ".join(changed.get(column, f't."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    stride = wanted.people // len(wanted.viewers)
    cursor.execute(
        f"INSERT INTO conversations_membership ({names}) SELECT {values} "  # noqa: S608
        "FROM (SELECT *, row_number() OVER (ORDER BY user_id) - 1 AS place FROM conversations_membership "
        "WHERE conversation_id = %s) AS t CROSS JOIN generate_series(1, %s) AS c "
        "JOIN numbered ON numbered.n = (c + t.place * %s) %% %s",
        [wanted.conversation, wanted.conversations, stride, wanted.people],
    )


@contextmanager
def _cursor(database_url: str) -> Iterator[psycopg2.extensions.cursor]:
    with closing(psycopg2.connect(database_url)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
            yield cursor
