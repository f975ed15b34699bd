"""`POST /internal/messages/batch/`: many people's messages in one call, each for itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from api_client import JSON, Someone, outbox
from django.db import connection
from gateway_client import Gateway, item

from chatire_shared.limits.limiter import Decision
from chatire_shared.testing.fake_auth import FakeAuth
from messages_service import identity
from messages_service.conversations.models import Conversation, Event
from messages_service.internal import batch
from messages_service.people.models import Person
from messages_service.timeline.models import Message


def test_each_item_is_posted_in_its_own_users_name_in_the_order_given(
    gateway: Gateway, ada: Someone, grace: Someone
) -> None:
    group, other = ada.begin("group", grace), grace.begin("group", ada)
    items = [
        item(0, group, "one", request_id="socket-1234"),
        item(1, group, "two"),
        item(1, other, "three"),
        item(0, group, "four"),
    ]
    results = gateway.batch([ada.token, grace.token], items)
    assert [result["seq"] for result in results] == [3, 4, 3, 5]
    assert all(result["ok"] and result["created"] for result in results)
    assert [(r["client_id"], r["conversation"]) for r in results] == [
        (i["client_id"], i["conversation"]) for i in items
    ]
    history = ada.history(group)
    assert [(m["body"], m["sender"]["username"]) for m in history] == [
        ("one", "ada"),
        ("two", "grace"),
        ("four", "ada"),
    ]
    assert [m["id"] for m in history] == [results[n]["message_id"] for n in (0, 1, 3)]
    events = ada.log(group, after=2)
    assert [event["request_id"] for event in events] == ["socket-1234", None, None]
    assert [event["data"] for event in events] == history
    assert (ada.sees(group)["read_seq"], grace.sees(group)["read_seq"]) == (5, 4)


def test_events_go_out_in_the_order_of_their_seq(gateway: Gateway, ada: Someone) -> None:
    groups = [ada.begin("group") for _ in range(3)]
    gateway.batch([ada.token], [item(0, groups[n % 3], f"{n}") for n in range(30)])
    for group in groups:
        assert [note["seq"] for note in outbox(group["id"]) if note["type"] == "chatire.event"] == list(range(1, 12))


def test_a_repeat_within_a_batch_and_in_a_later_one_is_the_first_message(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    one = item(0, group, "one")
    first, second = gateway.batch([ada.token], [one, {**one, "body": "another"}])
    assert first["created"]
    assert second == {**first, "created": False}
    assert gateway.batch([ada.token], [one]) == [second]
    posted = ada.post(f"conversations/{group['id']}/messages/", {"client_id": one["client_id"], "body": "by HTTP"})
    assert (posted.status, posted.json["id"]) == (200, first["message_id"])
    assert Message.objects.count() == 1


def test_a_bad_token_fails_its_own_items_only(gateway: Gateway, ada: Someone, auth: FakeAuth) -> None:
    group = ada.begin("group")
    now = int(time.time())
    expired = auth.mint.access(ada.id, "ada", iat=now - 700, exp=now - 100)
    tokens = [expired, "rubbish", None, 5, "\ud800", ada.token]
    results = gateway.batch(tokens, [item(n, group, f"{n}") for n in range(6)])
    assert [result.get("code") for result in results] == ["token_expired", *["unauthenticated"] * 4, None]
    assert not any(result["retryable"] for result in results[:5])
    assert ada.bodies(group) == ["5"]


def test_an_ended_session_posts_nothing(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    data = {"user_id": str(ada.id), "session_id": str(ada.session)}
    identity.REVOCATIONS.apply({"id": 1, "kind": "session.revoked", "data": data})
    (result,) = gateway.batch([ada.token], [item(0, group)])
    assert (result["ok"], result["code"], result["retryable"]) == (False, "token_revoked", False)


def test_a_disabled_account_posts_nothing(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    Person.objects.filter(id=ada.id).update(active=False)
    assert gateway.batch([ada.token], [item(0, group)])[0]["code"] == "token_revoked"


@pytest.mark.parametrize("place", [-1, 2, True, None, "0", 0.0, [], {}])
def test_an_item_that_names_no_token_of_the_batch_is_nobodys(
    gateway: Gateway, ada: Someone, grace: Someone, place: Any
) -> None:
    group = ada.begin("group", grace)
    wrong = {**item(0, group), "token": place}
    results = gateway.batch([ada.token, grace.token], [wrong, item(0, group)])
    assert [result.get("code") for result in results] == ["unauthenticated", None]


def test_anothers_token_opens_only_what_is_theirs(gateway: Gateway, ada: Someone, mallory: Someone) -> None:
    group = ada.begin("group")
    stranger, missing, fine = gateway.batch(
        [ada.token, mallory.token], [item(1, group), item(1, {"id": str(uuid4())}), item(0, group)]
    )
    assert stranger == missing
    assert (stranger["code"], stranger["retryable"]) == ("not_found", False)
    assert fine["ok"]


BAD: dict[str, Callable[[JSON], Any]] = {
    "no object": lambda _: 5,
    "null": lambda _: None,
    "a list": lambda _: [],
    "no conversation": lambda good: {**good, "conversation": None},
    "a number for a conversation": lambda good: {**good, "conversation": 5},
    "another spelling": lambda good: {**good, "conversation": good["conversation"].upper()},
    "no client_id": lambda good: {**good, "client_id": None},
    "a client_id that is none": lambda good: {**good, "client_id": "x"},
    "no body": lambda good: {**good, "body": None},
    "a number for a body": lambda good: {**good, "body": 5},
    "a blank body": lambda good: {**good, "body": " \n"},
    "a body that is too long": lambda good: {**good, "body": "x" * 8_001},
    "a NUL": lambda good: {**good, "body": "a\0b"},
    "a lone surrogate": lambda good: {**good, "body": "a\ud800b"},
    "a reply to nothing": lambda good: {**good, "reply_to": str(uuid4())},
    "a reply to a number": lambda good: {**good, "reply_to": 5},
    "attachments": lambda good: {**good, "attachment_ids": [str(uuid4())]},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_item_harms_no_other(gateway: Gateway, ada: Someone, bad: Callable[[JSON], Any]) -> None:
    group = ada.begin("group")
    results = gateway.batch([ada.token], [item(0, group, "one"), bad(item(0, group)), item(0, group, "two")])
    assert [result["ok"] for result in results] == [True, False, True]
    assert results[1]["code"] in {"invalid", "unauthenticated"}
    assert results[1]["retryable"] is False
    assert results[1]["detail"]
    assert [result["seq"] for result in results if result["ok"]] == [2, 3]
    assert ada.bodies(group) == ["one", "two"]


def test_a_request_id_that_is_none_is_left_out(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    for wrong in (5, "x", "with spaces in it", "\ud800" * 10, "x" * 65):
        assert gateway.batch([ada.token], [item(0, group, request_id=wrong)])[0]["ok"]
    assert {event["request_id"] for event in ada.log(group, after=1)} == {None}


def test_an_archived_conversation_refuses_for_good(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    Conversation.objects.filter(id=group["id"]).update(archived=True)
    (result,) = gateway.batch([ada.token], [item(0, group)])
    assert (result["code"], result["retryable"]) == ("archived", False)


def test_who_is_over_the_limit_waits_with_all_that_follows_there(
    gateway: Gateway, ada: Someone, grace: Someone, limits: None
) -> None:
    group = ada.begin("group", grace)
    items = [item(0, group, f"{n}") for n in range(60)] + [item(1, group, "grace goes on")]
    results = gateway.batch([ada.token, grace.token], items)
    taken = [result["ok"] for result in results[:60]]
    assert taken.count(True) >= 40
    assert taken == sorted(taken, reverse=True), "what follows a limited item is refused as well"
    refused = results[59]
    assert (refused["code"], refused["retryable"]) == ("rate_limited", True)
    assert 0 < refused["retry_after_ms"] <= 1_000
    assert results[60]["ok"]
    posted = [body for body in ada.bodies(group, "limit=200") if body != "grace goes on"]
    assert posted == [f"{n}" for n in range(len(posted))]


def test_what_could_be_posted_again_by_then_still_waits_for_what_was_sent_before_it(
    gateway: Gateway, ada: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limiter's word is given here, so that a token comes back in the middle of the batch."""
    group, other = ada.begin("group"), ada.begin("group")
    words = [Decision(allowed=True), Decision(allowed=False, retry_after_seconds=0.5), *[Decision(allowed=True)] * 2]
    monkeypatch.setattr(batch, "spend_posts", lambda senders: words[: len(senders)])
    items = [item(0, group, "one"), item(0, group, "two"), item(0, group, "three"), item(0, other, "elsewhere")]
    results = gateway.batch([ada.token], items)
    assert [result["ok"] for result in results] == [True, False, False, True]
    assert results[2] == results[1]
    assert (results[1]["code"], results[1]["retry_after_ms"]) == ("rate_limited", 500)
    assert (ada.bodies(group), ada.bodies(other)) == (["one"], ["elsewhere"])


def test_an_empty_batch_has_no_results(gateway: Gateway) -> None:
    assert gateway.batch([], []) == []


@pytest.mark.parametrize("field", ["tokens", "items"])
@pytest.mark.parametrize("value", [None, 5, "x", {}, [1] * 501])
def test_lists_that_are_none_or_too_long_are_refused(gateway: Gateway, field: str, value: Any) -> None:
    body = {"v": 1, "tokens": [], "items": [], field: value}
    assert gateway.call("POST", "/internal/messages/batch/", body).refuses(field)


def test_five_hundred_long_messages_fit_into_one_call(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    results = gateway.batch([ada.token], [item(0, group, "\U0001f600" * 2_000) for _ in range(500)])
    assert [result["seq"] for result in results] == list(range(2, 502))


def test_a_batch_takes_a_fixed_number_of_statements(
    gateway: Gateway, ada: Someone, django_assert_num_queries: Callable[[int], Any], settings: Any
) -> None:
    groups = [ada.begin("group") for _ in range(4)]
    gateway.batch([ada.token], [item(0, groups[0])])
    with django_assert_num_queries(3):  # Two of them the savepoint that stands for the transaction here.
        gateway.batch([ada.token], [item(0, groups[n % 4]) for n in range(200)])


class TestHeldElsewhere:
    """While somebody else holds a conversation's row."""

    pytestmark = pytest.mark.django_db(transaction=True)

    def test_its_items_fail_retryably_and_the_others_pass(
        self, transactional_db: None, gateway: Gateway, ada: Someone
    ) -> None:
        busy, free = ada.begin("group"), ada.begin("group")
        items = [item(0, busy, "a"), item(0, free, "b"), item(0, busy, "c"), item(0, free, "d")]
        other = connection.copy()
        other.set_autocommit(False)
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT 1 FROM conversations_conversation WHERE id = %s FOR UPDATE", [busy["id"]])
            results = gateway.batch([ada.token], items)
        finally:
            other.rollback()
            other.close()
        assert [result["ok"] for result in results] == [False, True, False, True]
        assert {(results[n]["code"], results[n]["retryable"]) for n in (0, 2)} == {("unavailable", True)}
        assert results[0]["retry_after_ms"] > 0
        again = gateway.batch([ada.token], items)
        assert [result["ok"] for result in again] == [True] * 4
        assert [result["created"] for result in again] == [True, False, True, False]
        assert (ada.bodies(busy), ada.bodies(free)) == (["a", "c"], ["b", "d"])

    def test_it_is_waited_for_a_moment(self, transactional_db: None, gateway: Gateway, ada: Someone) -> None:
        group = ada.begin("group")
        other = connection.copy()
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM conversations_conversation WHERE id = %s FOR UPDATE", [group["id"]])

            def let_go(execute: Any, sql: str, *rest: Any) -> Any:
                if "SET LOCAL lock_timeout" in sql:
                    other.rollback()
                return execute(sql, *rest)

            with connection.execute_wrapper(let_go):
                (result,) = gateway.batch([ada.token], [item(0, group)])
        other.close()
        assert result["ok"]
        assert Event.objects.filter(conversation_id=group["id"]).count() == 2
