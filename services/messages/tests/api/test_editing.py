"""`messages/{id}/` and its edits: one's own words, changed and taken back."""

from __future__ import annotations

from uuid import uuid4

import pytest
from api_client import outbox


@pytest.fixture
def group(ada, grace):
    return ada.begin("group", grace)


def edit(someone, message, body):
    return someone.patch(f"messages/{message['id']}/", {"body": body})


def test_an_edit_changes_body_and_html_and_says_when(ada, group):
    message = ada.say(group, "one")
    answer = edit(ada, message, "*two*")
    assert answer.status == 200
    assert (answer.json["body"], answer.json["html"]) == ("*two*", "<p><em>two</em></p>")
    assert {**answer.json, "body": "one", "html": message["html"], "edited_at": None} == message
    event = ada.log(group, after=message["seq"])[0]
    assert (event["kind"], event["data"]) == ("message.edited", answer.json)
    assert ada.history(group) == [answer.json]


def test_the_same_body_makes_no_event(ada, group):
    message = ada.say(group, "one")
    assert edit(ada, message, "one").json == message
    assert ada.sees(group)["last_seq"] == message["seq"]


def test_earlier_bodies_are_kept_oldest_first(ada, grace, group):
    message = ada.say(group, "one")
    edit(ada, message, "two")
    last = edit(ada, message, "three").json
    edits = grace.get(f"messages/{message['id']}/edits/").json["edits"]
    assert [entry["body"] for entry in edits] == ["one", "two"]
    assert edits[1]["edited_at"] == last["edited_at"]


def test_what_was_never_edited_has_no_edits(ada, group):
    assert ada.get(f"messages/{ada.say(group, 'x')['id']}/edits/").json == {"edits": []}


@pytest.mark.parametrize("role", ["member", "admin", "owner"])
def test_nobody_edits_anothers_words_not_even_an_owner(ada, grace, group, role):
    message = ada.say(group, "one")
    ada.make(group, grace, role)
    assert edit(grace, message, "two").refusal == (403, "not_author")
    assert ada.bodies(group) == ["one"]


@pytest.mark.parametrize("body", ["", "  ", "x" * 8_001, "a\0", 5, None, {}])
def test_an_edit_that_breaks_the_rules_is_refused(ada, group, body):
    message = ada.say(group, "one")
    assert edit(ada, message, body).refusal == (400, "invalid")
    assert ada.bodies(group) == ["one"]


def test_deleting_leaves_a_tombstone(ada, group):
    message = ada.say(group, "one")
    assert ada.delete(f"messages/{message['id']}/").status == 204
    tombstone = ada.history(group)[0]
    assert tombstone["deleted_at"]
    assert {**tombstone, "deleted_at": None} == {**message, "body": None, "html": None}
    event = ada.log(group, after=message["seq"])[0]
    assert (event["kind"], event["data"]) == ("message.deleted", tombstone)


def test_deleting_takes_the_text_from_everywhere(ada, grace, group):
    message = ada.say(group, "s3cret one")
    edit(ada, message, "s3cret two")
    ada.say(group, "harmless")
    before = grace.log(group)
    ada.delete(f"messages/{message['id']}/")
    after = grace.log(group)
    assert [(event["seq"], event["kind"]) for event in after[:-1]] == [
        (event["seq"], event["kind"]) for event in before
    ]
    everything = str([after, outbox(), grace.history(group), grace.sees(group)])
    assert "s3cret" not in everything
    assert "harmless" in everything
    redacted = [event["data"] for event in after if event["data"].get("id") == message["id"]]
    assert len(redacted) == 3
    assert all(data["body"] is None and data["html"] is None and data["deleted_at"] for data in redacted)
    assert [note["seq"] for note in outbox(group["id"]) if "body" in note] == list(range(1, len(after) + 1))
    from messages_service.timeline.models import MessageEdit

    assert not MessageEdit.objects.exists()


def test_deleting_again_is_done_already(ada, group):
    message = ada.say(group, "one")
    assert [ada.delete(f"messages/{message['id']}/").status for _ in range(2)] == [204, 204]
    assert ada.sees(group)["last_seq"] == message["seq"] + 1


def test_what_is_deleted_can_not_be_edited_and_has_no_edits(ada, group):
    message = ada.say(group, "one")
    edit(ada, message, "two")
    ada.delete(f"messages/{message['id']}/")
    assert edit(ada, message, "three").refusal == (410, "gone")
    assert ada.get(f"messages/{message['id']}/edits/").refusal == (404, "not_found")


@pytest.mark.parametrize(("role", "status"), [("member", 403), ("admin", 204), ("owner", 204)])
def test_staff_deletes_anothers_message_and_members_do_not(ada, grace, group, role, status):
    message = ada.say(group, "one")
    ada.make(group, grace, role)
    assert grace.delete(f"messages/{message['id']}/").status == status


def test_in_a_direct_conversation_everybody_deletes_their_own_only(ada, grace):
    direct = ada.begin("direct", grace)
    message = ada.say(direct, "one")
    assert grace.delete(f"messages/{message['id']}/").refusal == (403, "role_required")
    assert ada.delete(f"messages/{message['id']}/").status == 204


def test_messages_that_one_may_not_see_look_like_none(ada, grace, mallory, group):
    hidden = ada.say(group, "one")
    late = ada.begin("group", history="since_joined")
    before = ada.say(late, "before")
    ada.add(late, grace)
    for someone, message in ((mallory, hidden), (grace, before), (ada, {"id": str(uuid4())})):
        assert edit(someone, message, "x").refusal == (404, "not_found")
        assert someone.delete(f"messages/{message['id']}/").refusal == (404, "not_found")
        assert someone.get(f"messages/{message['id']}/edits/").refusal == (404, "not_found")


def test_who_was_removed_edits_nothing_any_more(ada, grace, group):
    message = grace.say(group, "mine")
    ada.remove(group, grace)
    assert edit(grace, message, "x").refusal == (404, "not_found")
    assert grace.delete(f"messages/{message['id']}/").refusal == (404, "not_found")
