"""`members/` and `join/`: who belongs, who may change that, and what everybody is told."""

from __future__ import annotations

from uuid import uuid4

import pytest
from api_client import outbox


def roles(someone, conversation):
    members = someone.get(f"conversations/{conversation['id']}/members/").json["members"]
    return {member["user"]["username"]: member["role"] for member in members}


def test_members_are_listed_in_the_order_they_joined(ada, grace, linus):
    group = ada.begin("group")
    ada.add(group, linus)
    ada.add(group, grace)
    answer = grace.get(f"conversations/{group['id']}/members/").json
    assert [member["user"] for member in answer["members"]] == [ada.named, linus.named, grace.named]
    assert answer["members"][0].keys() == {"user", "role", "joined_at"}


def test_adding_makes_one_event_and_one_note_for_each_newcomer(ada, grace, linus):
    group = ada.begin("group", grace)
    answer = grace.add(group, linus, ada)
    assert (answer.status, len(answer.json["members"])) == (200, 3)
    assert [(event["kind"], event["data"]["username"]) for event in ada.log(group, after=2)] == [
        ("member.added", "linus")
    ]
    event, joined = outbox(group["id"])[-2:]
    assert (event["seq"], joined["seq"], joined["topic"], joined["kind"]) == (3, 3, f"user.{linus.id}", "joined")
    assert ada.sees(group)["member_count"] == 3


def test_adding_who_is_in_already_changes_nothing(ada, grace):
    group = ada.begin("group", grace)
    assert ada.add(group, grace).status == 200
    assert ada.sees(group)["last_seq"] == 2


@pytest.mark.parametrize(("history", "bodies"), [("all", ["before", "after"]), ("since_joined", ["after"])])
def test_what_a_newcomer_sees_of_the_past_is_fixed_when_they_join(ada, grace, history, bodies):
    group = ada.begin("group", history=history)
    ada.say(group, "before")
    ada.add(group, grace)
    ada.say(group, "after")
    assert grace.bodies(group) == bodies
    assert grace.sees(group)["unread_count"] == 1
    first = grace.log(group)[0]
    assert first["seq"] == grace.sees(group)["visible_from_seq"]


def test_rejoining_begins_a_new_view(ada, grace):
    group = ada.begin("group", grace, history="since_joined")
    ada.say(group, "first time")
    grace.remove(group, grace)
    ada.say(group, "away")
    ada.add(group, grace)
    ada.say(group, "second time")
    assert grace.bodies(group) == ["second time"]


@pytest.mark.parametrize("kind", ["group", "channel"])
def test_a_plain_member_may_add_in_a_group_only(ada, grace, linus, kind):
    conversation = ada.begin(kind, grace)
    assert grace.add(conversation, linus).status == (200 if kind == "group" else 403)


def test_nobody_is_added_to_a_direct_conversation(ada, grace, linus):
    assert ada.add(ada.begin("direct", grace), linus).refusal == (403, "role_required")


@pytest.mark.parametrize("user_ids", [[], None, ["x"], [None], "x"])
def test_a_list_of_people_that_is_none_is_refused(ada, user_ids):
    group = ada.begin("group")
    answer = ada.post(f"conversations/{group['id']}/members/", {"user_ids": user_ids})
    assert answer.refusal == (400, "invalid")


def test_unknown_people_are_not_added_and_nobody_with_them(ada, grace):
    group = ada.begin("group")
    body = {"user_ids": [str(grace.id), str(uuid4())]}
    answer = ada.post(f"conversations/{group['id']}/members/", body)
    assert answer.field_codes == {"user_ids": "unknown_user"}
    assert ada.sees(group)["member_count"] == 1


def test_leaving_ends_all_sight_of_it_at_once(ada, grace):
    group = ada.begin("group", grace)
    assert grace.remove(group, grace).status == 204
    assert grace.get(f"conversations/{group['id']}/").refusal == (404, "not_found")
    assert grace.get(f"conversations/{group['id']}/events/").refusal == (404, "not_found")
    event, left = outbox(group["id"])[-2:]
    assert event["body"]["data"] == {"user_id": str(grace.id), "username": "grace", "role": "member"}
    assert (left["topic"], left["kind"], left["seq"]) == (f"user.{grace.id}", "left", event["seq"])
    assert left["membership_version"] == 2
    assert ada.sees(group)["member_count"] == 1


def test_leaving_a_channel_leaves_its_summary_readable(ada, grace):
    channel = ada.begin("channel", grace)
    ada.say(channel, "secret")
    grace.remove(channel, grace)
    summary = grace.sees(channel)
    assert (summary["role"], summary["last_message"], summary["visible_from_seq"]) == (None, None, None)
    assert "secret" not in str(summary)


def test_removing_again_is_done_already(ada, grace):
    group = ada.begin("group", grace)
    assert [ada.remove(group, grace).status for _ in range(2)] == [204, 204]
    assert ada.sees(group)["last_seq"] == 3


def test_the_last_owner_can_neither_leave_nor_step_down(ada, grace):
    group = ada.begin("group", grace)
    assert ada.remove(group, ada).refusal == (409, "last_owner")
    assert ada.make(group, ada, "member").refusal == (409, "last_owner")
    assert roles(ada, group) == {"ada": "owner", "grace": "member"}


def test_with_a_second_owner_the_first_may_go(ada, grace):
    group = ada.begin("group", grace)
    ada.make(group, grace, "owner")
    assert ada.remove(group, ada).status == 204
    assert roles(grace, group) == {"grace": "owner"}


def test_an_admin_removes_plain_members_only(ada, grace, linus, mallory):
    group = ada.begin("group", grace, linus, mallory)
    ada.make(group, grace, "admin")
    ada.make(group, linus, "admin")
    assert grace.remove(group, mallory).status == 204
    assert grace.remove(group, linus).refusal == (403, "role_required")
    assert grace.remove(group, ada).refusal == (403, "role_required")
    assert ada.remove(group, linus).status == 204


def test_a_plain_member_removes_nobody_but_themselves(ada, grace, linus):
    group = ada.begin("group", grace, linus)
    assert grace.remove(group, linus).refusal == (403, "role_required")
    assert grace.remove(group, grace).status == 204


def test_nobody_leaves_or_removes_in_a_direct_conversation(ada, grace):
    direct = ada.begin("direct", grace)
    assert ada.remove(direct, ada).refusal == (403, "role_required")
    assert ada.remove(direct, grace).refusal == (403, "role_required")


def test_a_role_changes_with_one_event(ada, grace):
    group = ada.begin("group", grace)
    answer = ada.make(group, grace, "admin")
    assert (answer.status, answer.json["role"], answer.json["user"]) == (200, "admin", grace.named)
    event = ada.log(group, after=2)[0]
    assert (event["kind"], event["data"]["role"]) == ("member.role_changed", "admin")
    assert ada.make(group, grace, "admin").status == 200
    assert ada.sees(group)["last_seq"] == 3


@pytest.mark.parametrize("role", ["admin", "member"])
def test_only_owners_change_roles(ada, grace, linus, role):
    group = ada.begin("group", grace, linus)
    ada.make(group, grace, role)
    assert grace.make(group, linus, "admin").refusal == (403, "role_required")


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": None}, {"role": 1}, {"role": ["owner"]}])
def test_a_role_that_is_none_is_refused(ada, grace, body):
    group = ada.begin("group", grace)
    assert ada.patch(f"conversations/{group['id']}/members/{grace.id}/", body).refusal == (400, "invalid")


def test_who_is_no_member_has_no_role_to_change(ada, grace):
    assert ada.make(ada.begin("group"), grace, "admin").refusal == (404, "not_found")


def test_anybody_joins_a_channel_and_again_without_an_event(ada, grace):
    channel = ada.begin("channel")
    answers = [grace.post(f"conversations/{channel['id']}/join/") for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].json["role"] == "member"
    event = ada.log(channel, after=1)
    assert [(entry["kind"], entry["actor"]) for entry in event] == [("member.added", str(grace.id))]


@pytest.mark.parametrize("kind", ["group", "direct"])
def test_a_closed_conversation_can_not_be_joined_and_does_not_show_itself(ada, grace, mallory, kind):
    conversation = ada.begin(kind, grace)
    closed = mallory.post(f"conversations/{conversation['id']}/join/")
    assert closed.refusal == (404, "not_found")
    assert closed.sameness == mallory.post(f"conversations/{uuid4()}/join/").sameness


def test_versions_of_membership_rise_with_each_change(ada, grace, gateway):
    group = ada.begin("group", grace)
    ada.begin("channel", grace)
    ada.remove(group, grace)
    answer = gateway.ask("/internal/heads/", {"conversations": [], "users": [str(grace.id), str(ada.id)]})
    assert answer["membership_versions"] == {str(grace.id): 3, str(ada.id): 2}
