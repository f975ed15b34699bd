"""`events/` and `read/`: the log as a client follows it, and how far it was read."""

from __future__ import annotations

import pytest
from api_client import outbox

from messages_service.conversations.models import Conversation


def test_events_follow_a_cursor_without_a_gap(ada):
    group = ada.begin("group")
    for text in "abc":
        ada.say(group, text)
    answer = ada.get(f"conversations/{group['id']}/events/?after=1&limit=2").json
    assert [event["seq"] for event in answer["events"]] == [2, 3]
    assert answer["last_seq"] == 4
    assert answer["events"][0].keys() == {"conversation", "seq", "kind", "at", "actor", "request_id", "data"}
    assert ada.get(f"conversations/{group['id']}/events/?after=4").json == {"events": [], "last_seq": 4}


def test_a_cursor_below_ones_own_view_counts_as_its_beginning(ada, grace):
    group = ada.begin("group", history="since_joined")
    ada.say(group, "before")
    ada.add(group, grace)
    assert [event["seq"] for event in grace.log(group, after=0)] == [3]


def test_a_cursor_older_than_what_is_kept_is_expired(ada):
    group = ada.begin("group")
    for text in "abc":
        ada.say(group, text)
    Conversation.objects.filter(id=group["id"]).update(first_kept_seq=3)
    assert ada.get(f"conversations/{group['id']}/events/?after=1").refusal == (410, "cursor_expired")
    assert [event["seq"] for event in ada.log(group, after=2)] == [3, 4]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "after=-1", "after=x", "after=9223372036854775808"])
def test_a_cursor_that_is_none_is_refused(ada, query):
    assert ada.get(f"conversations/{ada.begin('group')['id']}/events/?{query}").refusal == (400, "invalid")


def test_the_answer_is_json_and_kept_nowhere(ada):
    answer = ada.get(f"conversations/{ada.begin('group')['id']}/events/")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(("seq", "read_seq"), [(0, 2), (2, 2), (3, 3), (4, 4), (5, 4), (2**63 - 1, 4)])
def test_a_read_marker_is_clamped_and_never_goes_back(ada, grace, seq, read_seq):
    group = ada.begin("group", grace)
    ada.say(group, "one")
    ada.say(group, "two")
    answer = grace.post(f"conversations/{group['id']}/read/", {"seq": seq})
    assert (answer.status, answer.json) == (200, {"read_seq": read_seq})
    assert grace.sees(group)["read_seq"] == read_seq


def test_ones_own_other_sockets_hear_of_a_marker_that_moved_and_only_then(ada, grace):
    group = ada.begin("group", grace)
    ada.say(group, "one")
    for seq in (3, 3, 1):
        grace.post(f"conversations/{group['id']}/read/", {"seq": seq})
    notes = [note for note in outbox() if note["type"] == "chatire.read"]
    assert [(note["topic"], note["user"], note["conversation"], note["seq"], note["origin"]) for note in notes] == [
        (f"user.{grace.id}", str(grace.id), group["id"], 3, None)
    ]


@pytest.mark.parametrize(
    "body", [{}, {"seq": "3"}, {"seq": -1}, {"seq": 1.0}, {"seq": True}, {"seq": None}, {"seq": 2**63}]
)
def test_a_marker_that_is_no_seq_is_refused(ada, body):
    assert ada.post(f"conversations/{ada.begin('group')['id']}/read/", body).refusal == (400, "invalid")


def test_strangers_neither_read_nor_mark(ada, mallory):
    group = ada.begin("group")
    assert mallory.get(f"conversations/{group['id']}/events/").refusal == (404, "not_found")
    assert mallory.post(f"conversations/{group['id']}/read/", {"seq": 1}).refusal == (404, "not_found")
