"""How much one person may post: 120 messages a minute, 40 at once; and what an archived conversation still allows."""

from __future__ import annotations

from uuid import uuid4

import pytest
from api_client import JSON, Answer, Someone

from messages_service.conversations.models import Conversation
from messages_service.people.models import Person


def post(someone: Someone, conversation: JSON, client_id: str | None = None) -> Answer:
    body = {"client_id": client_id or str(uuid4()), "body": "x"}
    return someone.post(f"conversations/{conversation['id']}/messages/", body)


def test_forty_at_once_are_posted_and_then_one_has_to_wait(ada: Someone, grace: Someone, limits: None) -> None:
    group = ada.begin("group", grace)
    answers = [post(ada, group) for _ in range(40)]
    assert {answer.status for answer in answers} == {201}
    # Two come back each second: however slow the machine, some of so many more must wait.
    refused = next(answer for answer in (post(ada, group) for _ in range(2_000)) if answer.status != 201)
    assert refused.refusal == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "1"
    assert post(grace, group).status == 201


def test_the_limit_is_a_persons_over_all_conversations(ada: Someone, limits: None) -> None:
    groups = [ada.begin("group") for _ in range(2)]
    statuses = [post(ada, groups[n % 2]).status for n in range(60)]
    assert 429 in statuses


def test_reading_and_repairing_are_not_limited(ada: Someone, limits: None) -> None:
    group = ada.begin("group")
    message = ada.say(group, "x")
    for n in range(60):
        assert ada.patch(f"messages/{message['id']}/", {"body": f"{n}"}).status == 200
        assert ada.get(f"conversations/{group['id']}/messages/").status == 200


@pytest.fixture
def archived(ada: Someone, grace: Someone) -> JSON:
    """An archived group of Ada's and Grace's with a message of Ada's."""
    group = ada.begin("group", grace, title="Engines")
    message = ada.say(group, "first")
    Conversation.objects.filter(id=group["id"]).update(archived=True)
    return {**group, "message": message}


def test_nothing_new_comes_into_an_archived_conversation(ada: Someone, linus: Someone, archived: JSON) -> None:
    for answer in (
        post(ada, archived),
        ada.patch(f"conversations/{archived['id']}/", {"title": "Looms"}),
        ada.patch(f"messages/{archived['message']['id']}/", {"body": "second"}),
        ada.add(archived, linus),
        ada.post(f"conversations/{archived['id']}/invites/"),
    ):
        assert answer.refusal == (409, "archived")
    assert ada.sees(archived)["last_seq"] == 3


def test_what_changes_nothing_is_answered_in_an_archived_conversation_too(
    ada: Someone, grace: Someone, archived: JSON
) -> None:
    repeated = post(ada, archived, archived["message"]["client_id"])
    assert (repeated.status, repeated.json) == (200, archived["message"])
    assert ada.add(archived, grace).status == 200
    assert ada.patch(f"messages/{archived['message']['id']}/", {"body": "first"}).status == 200
    assert grace.post(f"conversations/{archived['id']}/read/", {"seq": 3}).json == {"read_seq": 3}


def test_words_are_taken_back_and_people_leave_an_archived_conversation(
    ada: Someone, grace: Someone, archived: JSON
) -> None:
    assert ada.delete(f"messages/{archived['message']['id']}/").status == 204
    assert grace.remove(archived, grace).status == 204


def test_an_archived_channel_is_neither_offered_nor_joined(ada: Someone, grace: Someone) -> None:
    channel = ada.begin("channel")
    invite = ada.post(f"conversations/{channel['id']}/invites/").json
    Conversation.objects.filter(id=channel["id"]).update(archived=True)
    assert grace.get("channels/").json["channels"] == []
    assert grace.post(f"conversations/{channel['id']}/join/").refusal == (409, "archived")
    assert grace.post(f"invites/{invite['code']}/accept/").refusal == (409, "archived")


def test_a_disabled_account_posts_nothing_even_with_a_token(ada: Someone) -> None:
    group = ada.begin("group")
    Person.objects.filter(id=ada.id).update(active=False)
    assert post(ada, group).refusal == (401, "token_revoked")
