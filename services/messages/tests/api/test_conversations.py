"""`conversations/`: beginning, listing, reading, changing, deleting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from api_client import Someone

from chatire_shared.testing.fake_auth import FakeAuth
from messages_service.conversations.models import Conversation, Event
from messages_service.people.models import Person

URL = "/api/conversations/"
FIELDS = {
    *("id", "kind", "title", "topic", "history", "archived", "created_at", "member_count", "role", "peer", "epoch"),
    *("visible_from_seq", "last_seq", "read_seq", "unread_count", "mention_count", "last_message"),
}


def roles(someone: Someone, conversation: dict[str, Any]) -> dict[str, str]:
    members = someone.get(f"{URL}{conversation['id']}/members/").json["members"]
    return {member["user"]["username"]: member["role"] for member in members}


def test_a_group_begins_with_its_creator_as_owner(ada: Someone, grace: Someone) -> None:
    answer = ada.post(URL, {"kind": "group", "title": "Engines", "topic": "steam", "member_ids": [str(grace.id)]})
    assert answer.status == 201
    group = answer.json
    assert set(group) == FIELDS
    assert (group["kind"], group["title"], group["topic"], group["history"]) == ("group", "Engines", "steam", "all")
    assert (group["role"], group["member_count"], group["last_seq"], group["peer"]) == ("owner", 2, 2, None)
    assert (group["unread_count"], group["mention_count"], group["last_message"]) == (0, 0, None)
    assert group["archived"] is False
    assert roles(ada, group) == {"ada": "owner", "grace": "member"}
    assert grace.sees(group)["role"] == "member"


def test_its_log_begins_with_one_member_added_each_creator_first(ada: Someone, grace: Someone, linus: Someone) -> None:
    group = ada.begin("group", grace, linus)
    events = ada.log(group)
    assert [(e["seq"], e["kind"], e["data"]) for e in events] == [
        (1, "member.added", {"user_id": str(ada.id), "username": "ada", "role": "owner"}),
        (2, "member.added", {"user_id": str(grace.id), "username": "grace", "role": "member"}),
        (3, "member.added", {"user_id": str(linus.id), "username": "linus", "role": "member"}),
    ]
    assert {e["actor"] for e in events} == {str(ada.id)}


def test_a_person_named_twice_and_oneself_are_members_once(ada: Someone, grace: Someone) -> None:
    group = ada.post(URL, {"kind": "group", "member_ids": [str(grace.id), str(ada.id), str(grace.id)]}).json
    assert group["member_count"] == 2


def test_a_direct_conversation_has_a_peer_and_exists_once_for_both(ada: Someone, grace: Someone) -> None:
    first = ada.post(URL, {"kind": "direct", "member_ids": [str(grace.id)]})
    assert first.status == 201
    assert first.json["peer"] == grace.named
    assert first.json["role"] == "member"
    again = ada.post(URL, {"kind": "direct", "member_ids": [str(grace.id)]})
    assert (again.status, again.json) == (200, first.json)
    other_side = grace.post(URL, {"kind": "direct", "member_ids": [str(ada.id)]})
    assert other_side.status == 200
    assert other_side.json["id"] == first.json["id"]
    assert other_side.json["peer"] == ada.named
    assert Event.objects.count() == 2


def test_a_direct_conversation_stays_reachable_when_the_other_account_is_disabled(ada: Someone, grace: Someone) -> None:
    direct = ada.begin("direct", grace)
    Person.objects.filter(id=grace.id).update(active=False)
    answer = ada.post(URL, {"kind": "direct", "member_ids": [str(grace.id)]})
    assert (answer.status, answer.json["id"]) == (200, direct["id"])


def test_a_channel_needs_a_title(ada: Someone) -> None:
    assert ada.post(URL, {"kind": "channel"}).refuses("title", "required")
    assert ada.post(URL, {"kind": "channel", "title": ""}).refuses("title", "required")
    assert ada.post(URL, {"kind": "channel", "title": None}).refuses("title", "required")
    assert ada.post(URL, {"kind": "channel", "title": "harbour"}).status == 201


def test_a_group_may_have_no_title_and_an_empty_one_is_none(ada: Someone) -> None:
    assert ada.post(URL, {"kind": "group"}).json["title"] is None
    assert ada.post(URL, {"kind": "group", "title": ""}).json["title"] is None


def test_somebody_new_is_asked_for_at_auth_once(ada: Someone, auth: FakeAuth) -> None:
    barbara = {"id": str(uuid4()), "username": "barbara", "display_name": "Barbara", "active": True, "change_id": 7}
    auth.accounts[barbara["id"]] = barbara
    for _ in range(2):
        answer = ada.post(URL, {"kind": "group", "member_ids": [barbara["id"]]})
        assert answer.status == 201
    assert auth.asked == [("GET", "/internal/users/")]
    assert Person.objects.get(id=barbara["id"]).change_id == 7


def test_nobody_that_auth_does_not_know_can_be_added(ada: Someone, auth: FakeAuth, unknown_id: str) -> None:
    assert ada.post(URL, {"kind": "group", "member_ids": [unknown_id]}).refuses("member_ids", "unknown_user")
    assert Conversation.objects.count() == 0


def test_a_disabled_account_can_not_be_added(ada: Someone, grace: Someone) -> None:
    Person.objects.filter(id=grace.id).update(active=False)
    assert ada.post(URL, {"kind": "group", "member_ids": [str(grace.id)]}).refuses("member_ids", "unknown_user")


def test_while_auth_is_away_only_people_known_here_can_be_added(
    ada: Someone, grace: Someone, auth: FakeAuth, unknown_id: str
) -> None:
    auth.away = True
    refused = ada.post(URL, {"kind": "group", "member_ids": [unknown_id]})
    assert refused.refusal == (503, "unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert ada.post(URL, {"kind": "group", "member_ids": [str(grace.id)]}).status == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": 5}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": ["group"]}, "kind"),
        ({"kind": "Group"}, "kind"),
        ({"kind": "group", "title": 5}, "title"),
        ({"kind": "group", "title": "x" * 81}, "title"),
        ({"kind": "group", "title": "  "}, "title"),
        ({"kind": "group", "title": "a\0b"}, "title"),
        ({"kind": "group", "title": "a\nb"}, "title"),
        ({"kind": "group", "topic": None}, "topic"),
        ({"kind": "group", "topic": "x" * 251}, "topic"),
        ({"kind": "group", "topic": "a\0b"}, "topic"),
        ({"kind": "group", "history": "some"}, "history"),
        ({"kind": "group", "history": True}, "history"),
        ({"kind": "group", "member_ids": "grace"}, "member_ids"),
        ({"kind": "group", "member_ids": None}, "member_ids"),
        ({"kind": "group", "member_ids": {}}, "member_ids"),
        ({"kind": "group", "member_ids": [str(uuid4())] * 201}, "member_ids"),
        ({"kind": "direct", "member_ids": [str(uuid4())], "title": "us"}, "title"),
        ({"kind": "direct", "member_ids": [str(uuid4())], "topic": "us"}, "topic"),
        ({"kind": "direct"}, "member_ids"),
        ({"kind": "direct", "member_ids": []}, "member_ids"),
        ({"kind": "direct", "member_ids": [str(uuid4()), str(uuid4())]}, "member_ids"),
    ],
)
def test_what_is_no_conversation_is_refused_by_field(ada: Someone, auth: FakeAuth, body: Any, field: str) -> None:
    assert ada.post(URL, body).refuses(field)
    assert Conversation.objects.count() == 0


@pytest.mark.parametrize("wrong", [5, None, True, "grace", "{uuid}", "URN", {}, []])
def test_only_canonical_ids_name_people(ada: Someone, grace: Someone, wrong: Any) -> None:
    spelled = {"{uuid}": "{" + str(grace.id) + "}", "URN": str(grace.id).upper()}
    wrong = spelled.get(wrong, wrong) if isinstance(wrong, str) else wrong
    assert ada.post(URL, {"kind": "group", "member_ids": [str(grace.id), wrong]}).refuses("member_ids.1")


def test_nobody_has_a_direct_conversation_with_themselves(ada: Someone) -> None:
    assert ada.post(URL, {"kind": "direct", "member_ids": [str(ada.id)]}).refuses("member_ids")


def test_the_list_holds_ones_own_most_recently_active_first(ada: Someone, grace: Someone) -> None:
    quiet, busy = ada.begin("group"), ada.begin("group")
    grace.begin("group")
    ada.say(quiet, "hello")
    listed = ada.get(URL).json
    assert [one["id"] for one in listed["conversations"]] == [quiet["id"], busy["id"]]
    assert listed["next"] is None
    assert listed["conversations"][0] == ada.sees(quiet)


def test_the_list_comes_in_pages_that_miss_and_repeat_nothing(ada: Someone) -> None:
    begun = [ada.begin("group")["id"] for _ in range(5)]
    found, cursor = [], ""
    for _ in range(3):
        page = ada.get(f"{URL}?limit=2{cursor}").json
        found += [one["id"] for one in page["conversations"]]
        cursor = f"&cursor={page['next']}"
    assert found == begun[::-1]
    assert page["next"] is None


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "", "1.0", "٣", "9" * 30])
def test_a_limit_out_of_range_is_refused(ada: Someone, limit: str) -> None:
    assert ada.get(f"{URL}?limit={limit}").refuses("limit")


@pytest.mark.parametrize(
    "position",
    [
        "rubbish",
        "",
        '["2026-01-01T00:00:00Z"]',
        '["2026-01-01T00:00:00Z", 5]',
        '["x", "{id}"]',
        '["2026-01-01T00:00:00", "{id}"]',
        '["2026-01-01T00:00:00+00:00:00.5", "{id}"]',
        '["2026-01-01T00:00:00+23:59", "{id}"]',
        '["0001-01-01T00:00:00+14:00", "{id}"]',
        '["9999-12-31T23:59:59-14:00", "{id}"]',
        '[{}, "{id}"]',
        '["\\ud800", "{id}"]',
        '["a\\u0000", "{id}"]',
    ],
)
def test_a_made_up_cursor_does_no_harm(ada: Someone, position: str, unknown_id: str) -> None:
    import base64

    raw = base64.urlsafe_b64encode(position.replace("{id}", unknown_id).encode()).decode().rstrip("=")
    for url in (URL, "/api/channels/"):
        answer = ada.get(f"{url}?cursor={raw}")
        assert answer.status in {200, 400}, (url, answer.text)
    assert ada.get(f"{URL}?cursor=%00%F0").status == 400


def test_unread_messages_are_others_undeleted_ones_after_the_marker(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    ada.say(group, "one")
    gone = ada.say(group, "two")
    assert grace.sees(group)["unread_count"] == 2
    ada.delete(f"/api/messages/{gone['id']}/")
    assert grace.sees(group)["unread_count"] == 1
    assert ada.sees(group)["unread_count"] == 0
    grace.say(group, "three")
    assert grace.sees(group)["unread_count"] == 0
    assert ada.sees(group)["unread_count"] == 1


def test_the_last_message_is_there_as_it_is_now(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    message = ada.say(group, "**hi**")
    assert grace.sees(group)["last_message"] == message
    ada.delete(f"/api/messages/{message['id']}/")
    assert grace.sees(group)["last_message"]["body"] is None


def test_who_sees_only_from_their_joining_sees_no_earlier_message_or_count(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", history="since_joined")
    ada.say(group, "before your time")
    ada.post(f"{URL}{group['id']}/members/", {"user_ids": [str(grace.id)]})
    seen = grace.sees(group)
    assert (seen["visible_from_seq"], seen["last_message"], seen["unread_count"]) == (3, None, 0)


def test_title_and_topic_change_by_an_event_that_says_what_changed(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace, title="Engines")
    answer = ada.patch(f"{URL}{group['id']}/", {"title": "Looms", "topic": ""})
    assert answer.status == 200
    assert (answer.json["title"], answer.json["last_seq"]) == ("Looms", 3)
    event = grace.log(group)[-1]
    assert (event["kind"], event["data"], event["actor"]) == ("conversation.updated", {"title": "Looms"}, str(ada.id))


def test_the_same_title_again_makes_no_event(ada: Someone) -> None:
    group = ada.begin("group", title="Engines")
    for body in ({"title": "Engines"}, {}):
        answer = ada.patch(f"{URL}{group['id']}/", body)
        assert (answer.status, answer.json) == (200, ada.sees(group))
    assert len(ada.log(group)) == 1


def test_a_group_loses_its_title_and_a_channel_does_not(ada: Someone) -> None:
    group, channel = ada.begin("group", title="Engines"), ada.begin("channel")
    assert ada.patch(f"{URL}{group['id']}/", {"title": ""}).json["title"] is None
    assert ada.log(group)[-1]["data"] == {"title": None}
    for nothing in ("", None, "   "):
        assert ada.patch(f"{URL}{channel['id']}/", {"title": nothing}).refuses("title")


@pytest.mark.parametrize(
    "body", [{"title": 5}, {"title": "x" * 81}, {"title": "a\0"}, {"topic": 5}, {"topic": None}, {"topic": "x" * 251}]
)
def test_a_wrong_change_changes_nothing(ada: Someone, body: Any) -> None:
    group = ada.begin("group", title="Engines")
    assert ada.patch(f"{URL}{group['id']}/", body).refusal == (400, "invalid")
    assert ada.sees(group) == group


def test_kind_and_history_are_fixed(ada: Someone) -> None:
    group = ada.begin("group")
    for field, value in (("kind", "channel"), ("history", "since_joined"), ("archived", True)):
        assert ada.patch(f"{URL}{group['id']}/", {field: value}).refusal == (400, "unknown_field")


def test_members_may_not_rename_and_admins_may(ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    assert grace.patch(f"{URL}{group['id']}/", {"title": "Mine"}).refusal == (403, "role_required")
    ada.make(group, grace, "admin")
    assert grace.patch(f"{URL}{group['id']}/", {"title": "Ours"}).status == 200


def test_nobody_renames_or_deletes_a_direct_conversation(ada: Someone, grace: Someone) -> None:
    direct = ada.begin("direct", grace)
    assert ada.patch(f"{URL}{direct['id']}/", {"title": "Us"}).refusal == (403, "role_required")
    assert ada.delete(f"{URL}{direct['id']}/").refusal == (403, "role_required")


def test_an_archived_conversation_does_not_change(ada: Someone) -> None:
    group = ada.begin("group", title="Engines")
    Conversation.objects.filter(id=group["id"]).update(archived=True)
    assert ada.patch(f"{URL}{group['id']}/", {"title": "Looms"}).refusal == (409, "archived")
    assert ada.sees(group)["title"] == "Engines"


def test_only_owners_delete_and_then_it_exists_for_nobody(ada: Someone, grace: Someone, unknown_id: str) -> None:
    group = ada.begin("group", grace)
    message = ada.say(group, "hello")
    ada.make(group, grace, "admin")
    assert grace.delete(f"{URL}{group['id']}/").refusal == (403, "role_required")
    assert ada.delete(f"{URL}{group['id']}/").status == 204
    for person in (ada, grace):
        gone, never = person.get(f"{URL}{group['id']}/"), person.get(f"{URL}{unknown_id}/")
        assert gone.sameness == never.sameness
        assert person.get(URL).json["conversations"] == []
        assert person.get(f"{URL}{group['id']}/events/").refusal == (404, "not_found")
        assert person.patch(f"/api/messages/{message['id']}/", {"body": "x"}).refusal == (404, "not_found")
    assert ada.delete(f"{URL}{group['id']}/").refusal == (404, "not_found")


def test_a_deleted_channel_is_no_channel_any_more(ada: Someone, grace: Someone) -> None:
    channel = ada.begin("channel")
    ada.delete(f"{URL}{channel['id']}/")
    assert grace.get(f"{URL}{channel['id']}/").refusal == (404, "not_found")
    assert grace.post(f"{URL}{channel['id']}/join/").refusal == (404, "not_found")
    assert grace.get("/api/channels/").json["channels"] == []


def test_who_is_no_member_sees_a_channels_summary_and_nothing_said_in_it(ada: Someone, grace: Someone) -> None:
    channel = ada.begin("channel", title="harbour", topic="ships")
    ada.say(channel, "secret")
    answer = grace.get(f"{URL}{channel['id']}/")
    seen = answer.json
    assert set(seen) == FIELDS
    assert (seen["title"], seen["topic"], seen["member_count"]) == ("harbour", "ships", 1)
    assert (seen["role"], seen["read_seq"], seen["visible_from_seq"], seen["last_message"]) == (None,) * 4
    assert "secret" not in answer.text


def test_a_callers_first_request_makes_them_known(newcomer: Callable[[str], Someone]) -> None:
    barbara = newcomer("barbara")
    assert barbara.begin("group")["role"] == "owner"
    assert Person.objects.get(id=barbara.id).username == "barbara"


def test_a_sane_request_id_is_taken_over_into_the_event(ada: Someone) -> None:
    answer = ada.post(URL, {"kind": "group"}, X_Request_ID="ada-began-this")
    assert answer.headers["X-Request-ID"] == "ada-began-this"
    assert ada.log(answer.json)[0]["request_id"] == "ada-began-this"
    insane = ada.post(URL, {"kind": "group"}, X_Request_ID="no spaces!")
    assert insane.headers["X-Request-ID"] != "no spaces!"
