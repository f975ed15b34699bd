"""The same things at the same moment, on a real PostgreSQL: no gap, no double, nothing after a removal."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from api_client import JSON, Answer, Someone, outbox
from at_once import at_once
from django.db import transaction
from gateway_client import Gateway, item

from messages_service import prepared
from messages_service.conversations.models import Conversation, Event, Invite, Membership
from messages_service.people.models import Person
from messages_service.timeline.models import Message
from messages_service.timeline.services import batches

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 8


@pytest.fixture(autouse=True)
def real_commits(transactional_db: None) -> None:
    """Before the people are made, so that all threads see them."""


def post(someone: Someone, conversation: JSON, client_id: str | None = None) -> Answer:
    body = {"client_id": client_id or str(uuid4()), "body": "x"}
    return someone.post(f"conversations/{conversation['id']}/messages/", body)


def insistently(deed: Callable[[], Answer]) -> Answer:
    """Do it, and again while the answer says "in a moment": with so many at one row the wait may be over."""
    while (answer := deed()).status == 503:
        assert answer.headers["Retry-After"] == "1"
    return answer


def is_whole(conversation: JSON) -> int:
    """Fail unless the log is 1..n, each event is to be published once in that order, and the counts hold; n."""
    row = Conversation.objects.get(id=conversation["id"])
    seqs = list(Event.objects.filter(conversation=row).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, row.last_seq + 1))
    assert [note["seq"] for note in outbox(conversation["id"]) if note["type"] == "chatire.event"] == seqs
    assert row.member_count == Membership.objects.filter(conversation=row).count()
    created = Event.objects.filter(conversation=row, kind="message.created").values_list("seq", flat=True)
    assert set(Message.objects.filter(conversation=row).values_list("seq", flat=True)) == set(created)
    return row.last_seq


def test_many_posters_in_one_conversation_leave_no_gap_and_no_double(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    each = 10

    def post_some(someone: Someone) -> list[int]:
        return [insistently(partial(post, someone, group)).json["seq"] for _ in range(each)]

    found = at_once([partial(post_some, (ada, grace)[n % 2]) for n in range(THREADS)])
    assert sorted(seq for seqs in found for seq in seqs) == list(range(3, 3 + THREADS * each))
    assert all(seqs == sorted(seqs) for seqs in found)
    assert is_whole(group) == 2 + THREADS * each


def test_the_same_message_from_many_threads_is_one_message(ada: Someone, gateway: Gateway) -> None:
    group = ada.begin("group")
    client_id = str(uuid4())

    def by_http() -> str:
        return str(insistently(partial(post, ada, group, client_id)).json["id"])

    def by_socket() -> str:
        wanted = {**item(0, group), "client_id": client_id}
        while not (result := gateway.batch([ada.token], [wanted])[0])["ok"]:
            assert result["retryable"]
        return str(result["message_id"])

    ids = at_once([by_http, by_socket] * (THREADS // 2))
    assert len(set(ids)) == 1
    assert is_whole(group) == 2
    assert Message.objects.count() == 1


def test_batches_that_cross_each_other_all_arrive(ada: Someone, grace: Someone, gateway: Gateway) -> None:
    groups = [ada.begin("group", grace) for _ in range(4)]

    def send(someone: Someone, order: list[JSON]) -> None:
        waiting = [item(0, group) for group in order for _ in range(5)]
        while waiting:
            results = gateway.batch([someone.token], waiting)
            assert all(result["ok"] or result["retryable"] for result in results)
            waiting = [one for one, result in zip(waiting, results, strict=True) if not result["ok"]]

    at_once([partial(send, (ada, grace)[n % 2], groups if n % 3 else groups[::-1]) for n in range(THREADS)])
    assert [is_whole(group) for group in groups] == [2 + 5 * THREADS] * 4


def test_nothing_of_who_was_removed_comes_after_the_removal(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    for _ in range(15):
        answers = at_once([lambda: ada.remove(group, grace), *[partial(post, grace, group)] * 3])
        assert answers[0].status == 204
        assert {answer.status for answer in answers[1:]} <= {201, 404, 503}
        removal = Event.objects.get(conversation_id=group["id"], kind="member.removed", seq__gt=removal_before(group))
        posted = [answer.json["seq"] for answer in answers[1:] if answer.status == 201]
        assert all(seq < removal.seq for seq in posted)
        assert is_whole(group) == removal.seq
        assert ada.add(group, grace).status == 200


def slow_to_lock(seconds: float) -> prepared.Statement:
    """The statement of a batch, which sleeps before it tries to lock the conversation of each item."""
    lock = "SELECT ctid AS version FROM conversations_conversation AS one"
    assert batches.POST.sql.count(lock) == 1
    slow = lock.replace("FROM", f"FROM pg_sleep({seconds} + 0 * item.n),")  # Or it would be asked but once.
    return replace(batches.POST, name="chatire_slow", sql=batches.POST.sql.replace(lock, slow))


def test_who_is_removed_after_a_batch_has_looked_and_before_it_has_locked_posts_nothing(
    ada: Someone, grace: Someone, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, other = ada.begin("group", grace), ada.begin("group", grace)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "POST", slow_to_lock(0.5))
        results, _ = at_once(
            [
                lambda: gateway.batch([grace.token], [item(0, group), item(0, other)]),
                lambda: time.sleep(0.2) or ada.remove(group, grace),
            ]
        )
    assert [result.get("code") for result in results] == ["not_found", None]
    assert is_whole(group) == 3


def test_a_conversation_that_becomes_free_in_the_middle_of_a_batch_keeps_the_order(
    ada: Someone, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = ada.begin("group")

    def hold() -> None:
        with transaction.atomic():
            Conversation.objects.select_for_update(no_key=True).get(id=group["id"])
            time.sleep(0.5)

    def post_both() -> list[JSON]:
        time.sleep(0.1)
        return gateway.batch([ada.token], [item(0, group, "first"), item(0, group, "second")])

    with monkeypatch.context() as patch:
        patch.setattr(batches, "POST", slow_to_lock(0.3))  # So it tries at 0.4 and at 0.7 s.
        _, results = at_once([hold, post_both])
    assert [result["seq"] for result in results] == [2, 3]
    assert ada.bodies(group) == ["first", "second"]


def removal_before(group: JSON) -> int:
    """The `seq` of Grace's latest joining: what comes after it belongs to this round."""
    latest = Event.objects.filter(conversation_id=group["id"], kind="member.added").order_by("-seq").first()
    assert latest is not None
    return latest.seq


def test_two_people_who_begin_at_the_same_moment_have_one_conversation(ada: Someone, grace: Someone) -> None:
    def begin(one: Someone, other: Someone) -> Answer:
        return one.post("conversations/", {"kind": "direct", "member_ids": [str(other.id)]})

    answers = at_once([partial(begin, ada, grace), partial(begin, grace, ada)] * (THREADS // 2))
    assert sorted(answer.status for answer in answers) == [200] * (THREADS - 1) + [201]
    assert len({answer.json["id"] for answer in answers}) == 1
    assert Conversation.objects.count() == 1
    assert is_whole(answers[0].json) == 2


def test_an_invite_is_never_used_more_often_than_it_may(ada: Someone, person: Callable[[str], Someone]) -> None:
    group = ada.begin("group")
    code = ada.post(f"conversations/{group['id']}/invites/", {"max_uses": 3}).json["code"]
    guests = [person(f"guest-{n}") for n in range(THREADS)]
    answers = at_once([partial(guest.post, f"invites/{code}/accept/") for guest in guests])
    assert sorted(answer.status for answer in answers) == [200] * 3 + [404] * (THREADS - 3)
    assert Invite.objects.get(code=code).uses == 3
    assert is_whole(group) == 4


def test_people_who_join_at_the_same_moment_are_each_in_once(ada: Someone, person: Callable[[str], Someone]) -> None:
    channel = ada.begin("channel")
    guests = [person(f"guest-{n}") for n in range(THREADS // 2)]
    join = f"conversations/{channel['id']}/join/"
    answers = at_once([partial(guest.post, join) for guest in guests for _ in range(2)])
    assert {answer.status for answer in answers} == {200}
    assert is_whole(channel) == 1 + len(guests)
    assert {person.membership_version for person in Person.objects.exclude(id=ada.id)} == {1}


def test_the_same_people_are_added_to_many_groups_without_a_deadlock(
    ada: Someone, person: Callable[[str], Someone]
) -> None:
    groups = [ada.begin("group") for _ in range(THREADS)]
    guests = [person(f"guest-{n}") for n in range(6)]
    orders = [guests if n % 2 else guests[::-1] for n in range(THREADS)]
    answers = at_once([partial(ada.add, group, *order) for group, order in zip(groups, orders, strict=True)])
    assert {answer.status for answer in answers} == {200}
    assert [is_whole(group) for group in groups] == [7] * THREADS
    assert {row.membership_version for row in Person.objects.exclude(id=ada.id)} == {THREADS}


def test_two_owners_who_step_down_at_once_leave_one(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    ada.make(group, grace, "owner")
    for _ in range(5):
        answers = at_once(
            [partial(s.patch, f"conversations/{group['id']}/members/{s.id}/", {"role": "member"}) for s in (ada, grace)]
        )
        assert sorted(answer.status for answer in answers) == [200, 409]
        owner, other = (ada, grace) if answers[0].status == 409 else (grace, ada)
        owner.make(group, other, "owner")


def test_edits_and_a_deletion_at_once_leave_no_text(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    for _ in range(5):
        message = ada.say(group, "s3cret 0")
        path = f"messages/{message['id']}/"
        edits: list[Callable[[], Any]] = [partial(ada.patch, path, {"body": f"s3cret {n}"}) for n in range(1, 4)]
        answers = at_once([*edits, partial(ada.delete, path)])
        assert answers[-1].status == 204
        assert {answer.status for answer in answers[:-1]} <= {200, 410}
    is_whole(group)
    assert "s3cret" not in str([ada.log(group), ada.history(group), outbox()])


def test_a_conversation_that_is_deleted_takes_nothing_after_its_end(ada: Someone, grace: Someone) -> None:
    for _ in range(5):
        group = ada.begin("group", grace)
        posts = [partial(post, grace, group)] * 3
        answers = at_once([partial(ada.delete, f"conversations/{group['id']}/"), *posts])
        assert answers[0].status == 204
        last = Event.objects.filter(conversation_id=group["id"]).order_by("-seq").first()
        assert last is not None
        assert last.kind == "conversation.deleted"


def test_a_read_marker_moved_by_many_ends_at_the_furthest(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    for _ in range(6):
        ada.say(group, "x")
    marks = [
        partial(grace.post, f"conversations/{group['id']}/read/", {"seq": seq}) for seq in (8, 3, 5, 8, 4, 7, 6, 3)
    ]
    assert {answer.status for answer in at_once(marks)} == {200}
    assert grace.sees(group)["read_seq"] == 8
    told = [note["seq"] for note in outbox(grace.id)]
    assert told == sorted(set(told)), "each step forward is told once, in order"
