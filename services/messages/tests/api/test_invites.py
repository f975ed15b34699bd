"""Invites: for so long, for so many, and only as good as the right of who made them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from messages_service.conversations.models import Invite


def invite(someone, conversation, **body):
    answer = someone.post(f"conversations/{conversation['id']}/invites/", body)
    assert answer.status == 201, answer.text
    return answer.json


def accept(someone, made):
    return someone.post(f"invites/{made['code']}/accept/")


def test_an_invite_says_its_code_link_end_and_uses(ada):
    made = invite(ada, ada.begin("group"))
    assert made.keys() == {"code", "url", "expires_at", "max_uses"}
    assert made["url"] == f"http://localhost:8000/invite/{made['code']}"
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert made["max_uses"] is None


def test_accepting_makes_a_member(ada, grace):
    group = ada.begin("group")
    answer = accept(grace, invite(ada, group))
    assert (answer.status, answer.json["id"], answer.json["role"]) == (200, group["id"], "member")
    assert ada.log(group, after=1)[0]["data"]["username"] == "grace"


def test_who_is_in_already_uses_nothing_up(ada, grace, linus):
    made = invite(ada, ada.begin("group", grace), max_uses=1)
    assert [accept(grace, made).status, accept(grace, made).status, accept(linus, made).status] == [200, 200, 200]


def test_a_lost_answer_can_be_asked_for_again(ada, grace):
    made = invite(ada, ada.begin("group"), max_uses=1)
    assert [accept(grace, made).status, accept(grace, made).status] == [200, 200]


def test_spent_expired_and_unknown_codes_look_the_same(ada, grace, linus):
    group = ada.begin("group")
    spent, expired = invite(ada, group, max_uses=1), invite(ada, group)
    accept(grace, spent)
    Invite.objects.filter(code=expired["code"]).update(expires_at=datetime.now(UTC))
    answers = [accept(linus, spent), accept(linus, expired), accept(linus, {"code": "A" * 24})]
    assert {str(answer.sameness) for answer in answers} == {str(answers[0].sameness)}
    assert answers[0].refusal == (404, "not_found")


@pytest.mark.parametrize("code", ["%00", "a%00b", "%ED%A0%80", "é", "x" * 500, "a%2Fb", "."])
def test_a_code_that_can_not_be_one_is_not_found(ada, code):
    assert ada.post(f"invites/{code}/accept/").refusal == (404, "not_found")


def test_an_invite_dies_with_its_makers_membership(ada, grace, linus):
    group = ada.begin("group", grace)
    made = invite(grace, group)
    ada.remove(group, grace)
    assert accept(grace, made).refusal == (404, "not_found")
    assert accept(linus, made).refusal == (404, "not_found")


def test_an_invite_dies_with_its_makers_right(ada, grace, linus):
    channel = ada.begin("channel", grace)
    ada.make(channel, grace, "admin")
    made = invite(grace, channel)
    ada.make(channel, grace, "member")
    assert accept(linus, made).refusal == (404, "not_found")


def test_an_invite_dies_with_its_conversation(ada, grace):
    group = ada.begin("group")
    made = invite(ada, group)
    ada.delete(f"conversations/{group['id']}/")
    assert accept(grace, made).refusal == (404, "not_found")


@pytest.mark.parametrize(("kind", "status"), [("group", 201), ("channel", 403), ("direct", 403)])
def test_a_plain_member_invites_in_a_group_only(ada, grace, kind, status):
    conversation = ada.begin(kind, grace)
    assert grace.post(f"conversations/{conversation['id']}/invites/", {}).status == status


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"expires_in_seconds": 59}, "invalid"),
        ({"expires_in_seconds": 2_592_001}, "invalid"),
        ({"expires_in_seconds": "60"}, "invalid"),
        ({"expires_in_seconds": 60.0}, "invalid"),
        ({"expires_in_seconds": None}, "invalid"),
        ({"expires_in_seconds": True}, "invalid"),
        ({"max_uses": 0}, "invalid"),
        ({"max_uses": 1_001}, "invalid"),
        ({"uses": 1}, "unknown_field"),
    ],
)
def test_an_invite_out_of_bounds_is_refused(ada, body, code):
    group = ada.begin("group")
    assert ada.post(f"conversations/{group['id']}/invites/", body).refusal == (400, code)
    assert not Invite.objects.exists()


def test_history_since_joined_holds_for_who_comes_by_invite(ada, grace):
    group = ada.begin("group", history="since_joined")
    ada.say(group, "before")
    accept(grace, invite(ada, group))
    assert grace.bodies(group) == []
