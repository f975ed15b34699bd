"""The change feed: gap-free ids in commit order, and a hint after each commit."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction
from threads import at_once

from auth_service.accounts.models import Change, Role, User
from auth_service.accounts.selectors import feed as selectors
from auth_service.accounts.services import feed
from auth_service.accounts.services.creating import NewAccount, create_accounts
from chatire_shared.bus import wire
from chatire_shared.bus.groups import AUTH_CHANGES_GROUP, group_channel
from chatire_shared.contracts.errors import Invalid

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _account(name: str, role: Role | None = None) -> NewAccount:
    return NewAccount(name, f"{name}@example.org", "", "!", role)


def _ids() -> list[int]:
    return list(Change.objects.order_by("id").values_list("id", flat=True))


def test_ids_have_no_gaps_even_when_transactions_fail(db: Any) -> None:
    create_accounts(accounts=[_account("ada")], now=NOW)
    with pytest.raises(Invalid):
        create_accounts(accounts=[_account("grace"), _account("ADA")], now=NOW)
    with transaction.atomic():
        feed.record_changes([feed.Entry("keys.rotated", {})] * 3, now=NOW)
        transaction.set_rollback(True)
    create_accounts(accounts=[_account("grace")], now=NOW)

    assert _ids() == [1, 2]


def test_many_writers_at_once_leave_no_gap_and_a_reader_misses_nothing() -> None:
    seen: list[int] = []

    def write(name: str) -> None:
        for n in range(8):
            create_accounts(accounts=[_account(f"{name}-{n}")], now=datetime.now(UTC))

    def read() -> None:
        while len(seen) < 64:
            latest = selectors.latest_change_id()
            page = [change["id"] for change in selectors.list_changes(after=seen[-1] if seen else 0, limit=500)]
            assert latest <= (page or seen or [0])[-1]
            seen.extend(page)

    results = at_once([*(partial(write, f"writer{n}") for n in range(8)), read])

    assert results == [None] * 9
    # The reader never goes back: had an id committed after a higher one, it would be missing here.
    assert seen == _ids() == list(range(1, 65))
    assert all(User.objects.filter(change_id=n).count() == 1 for n in seen)


def test_of_many_first_registrations_one_becomes_the_owner() -> None:
    results = at_once([partial(create_accounts, accounts=[_account(f"user-{n}")], now=NOW) for n in range(12)])

    assert not [result for result in results if isinstance(result, Exception)]
    assert User.objects.filter(role=Role.OWNER).count() == 1
    assert User.objects.get(role=Role.OWNER).change_id == 1


def test_of_many_who_want_one_name_one_gets_it() -> None:
    names = ["ada", "Ada", "ADA", "aDa"] * 3
    wanted = [NewAccount(name, f"{n}@example.org", "", "!") for n, name in enumerate(names)]
    results = at_once([partial(create_accounts, accounts=[account], now=NOW) for account in wanted])

    assert [type(result) for result in results].count(list) == 1
    refused = [result for result in results if isinstance(result, Invalid)]
    assert len(refused) == 11
    assert {error.code for result in refused for error in result.errors} == {"taken"}


def test_a_change_outside_of_a_transaction_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="in the transaction"):
        feed.record_changes([feed.Entry("keys.rotated", {})], now=NOW)
    assert _ids() == []


def test_after_a_commit_and_never_before_the_others_get_a_hint() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    listener = client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(group_channel(AUTH_CHANGES_GROUP))
    assert listener.get_message(timeout=5) is None  # The confirmation, which is not shown.
    with transaction.atomic():
        feed.record_changes([feed.Entry("keys.rotated", {})] * 2, now=NOW)
        assert listener.get_message() is None
    message = listener.get_message(timeout=5)
    listener.close()
    client.close()

    assert message is not None
    assert wire.decode(message["data"]) == {"type": "auth.changed", "v": 1, "latest": 2}


def test_without_redis_everything_works(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    assert create_accounts(accounts=[_account("ada")], now=NOW)[0].change_id == 1


def test_the_database_itself_refuses_a_second_counter_and_doubled_names() -> None:
    create_accounts(accounts=[_account("ada")], now=NOW)
    statements = [
        "INSERT INTO accounts_changecounter VALUES (2, 5)",
        "UPDATE accounts_user SET username_key = 'Ada'",
        "UPDATE accounts_user SET role = 'god'",
        "UPDATE accounts_user SET display_name = ''",
    ]
    for statement in statements:
        with pytest.raises(Exception, match="violates check constraint"), connection.cursor() as cursor:
            cursor.execute(statement)
