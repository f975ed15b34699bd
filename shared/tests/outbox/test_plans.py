"""The relay's statements walk the index, with any number of rows and any statistics.

A plan that reads the table is the failure that shows only in production: it once cost four times the database's CPU.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from chatire_shared.outbox import store

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 200_000
FILL = """
    INSERT INTO outbox_row (stream, topic, payload, parked_at)
    SELECT md5((n %% %s)::text)::uuid, 'conv.1', '\\x80', CASE WHEN %s THEN now() END FROM generate_series(1, %s) n
"""


def fill(*, streams: int, parked: bool, rows: int = ROWS) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [streams, parked, rows])


def execute(sql: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


@pytest.fixture(autouse=True)
def session(db: None) -> Iterator[None]:
    """The relay's own session settings, on an empty table that was never analysed."""
    connection.close()
    store.prepare_session()
    yield
    connection.close()


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def rows_touched(sql: str, parameters: dict[str, Any]) -> int:
    """Run it; fail if it reads the table in sequence or by another index, and count the rows it went through."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", parameters)
        found = cursor.fetchone()[0]
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    touched = 0
    for node in nodes(plan):
        if node.get("Relation Name") == "outbox_row":
            assert node["Node Type"] in ("Index Scan", "Index Only Scan"), node
            assert node["Index Name"] == "outbox_pending", node
            loops = node["Actual Loops"]
            touched += round((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * loops)
    return touched


def work(after: UUID | None = None) -> int:
    claim = store.CLAIM_FROM_THE_FIRST if after is None else store.CLAIM_AFTER
    touched = rows_touched(claim, {"after": after or store.FIRST, "limit": 100, "seed": store._LOCK_SEED})
    streams = store.claim_streams(after, 100)
    touched += rows_touched(store.PENDING, {"streams": streams, "per_stream": 100, "limit": 500})
    return touched + rows_touched(store.OLDEST, {})


@pytest.mark.parametrize("analysed", [False, True], ids=["never analysed", "analysed"])
@pytest.mark.parametrize("streams", [1, 50, 20_000], ids=["one stream", "fifty streams", "many streams"])
def test_many_pending_and_parked_rows_cost_no_more_than_a_round(*, streams: int, analysed: bool) -> None:
    fill(streams=streams, parked=True)
    fill(streams=streams, parked=False)
    if analysed:
        execute("ANALYZE outbox_row")
    assert work() < 2000
    assert work(UUID(int=2**127)) < 2000


def test_parked_rows_are_not_even_looked_at() -> None:
    fill(streams=50, parked=True)
    assert work() == 0


def test_statistics_of_an_empty_table_do_no_harm_after_it_has_filled() -> None:
    execute("ANALYZE outbox_row")
    assert work() == 0
    fill(streams=50, parked=False)
    assert work() < 2000


def test_removing_published_rows_finds_them_by_their_ids() -> None:
    fill(streams=50, parked=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT array_agg(id) FROM (SELECT id FROM outbox_row ORDER BY id LIMIT 500) AS few")
        ids = cursor.fetchone()[0]
        cursor.execute(f"EXPLAIN {store.DELETE}", [ids])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Seq Scan" not in plan
    assert store.remove(ids) == 500
