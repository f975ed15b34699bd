"""`GET conversations/{id}/messages/`: pages of what one may see."""

from __future__ import annotations

import pytest


@pytest.fixture
def group(ada, grace):
    """Ten messages, seq 3 to 12, that say their own seq."""
    group = ada.begin("group", grace)
    for seq in range(3, 13):
        ada.say(group, str(seq))
    return group


@pytest.mark.parametrize(
    ("query", "seqs", "has_before", "has_after"),
    [
        ("", range(3, 13), False, False),
        ("limit=3", range(10, 13), True, False),
        ("before=6", range(3, 6), False, True),
        ("before=6&limit=2", range(4, 6), True, True),
        ("before=3", [], False, True),
        ("after=10", range(11, 13), True, False),
        ("after=5&limit=2", range(6, 8), True, True),
        ("after=12", [], True, False),
        ("after=0&limit=200", range(3, 13), False, False),
        ("after=9223372036854775807", [], True, False),
        ("before=9223372036854775807&limit=1", [12], True, False),
        ("around=7&limit=5", range(5, 10), True, True),
        ("around=7&limit=1", [7], True, True),
        ("around=3&limit=4", range(3, 7), False, True),
        ("around=12&limit=4", range(10, 13), True, False),
        ("around=0", range(3, 13), False, False),
    ],
)
def test_a_page_is_in_rising_order_between_exclusive_bounds(grace, group, query, seqs, has_before, has_after):
    answer = grace.get(f"conversations/{group['id']}/messages/?{query}").json
    assert [message["seq"] for message in answer["messages"]] == list(seqs)
    assert (answer["has_before"], answer["has_after"]) == (has_before, has_after)
    assert [message["body"] for message in answer["messages"]] == [str(seq) for seq in seqs]


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=201", "limit=1e1", "limit=٣", "before=-1", "before=x", "after=", "around=1.5"),
        *("before=9223372036854775808", "before=1&after=2", "after=1&around=2", "before=99999999999999999999999"),
    ],
)
def test_a_bound_that_is_none_is_refused(ada, group, query):
    assert ada.get(f"conversations/{group['id']}/messages/?{query}").refusal == (400, "invalid")


def test_an_empty_conversation_has_an_empty_page(ada):
    answer = ada.get(f"conversations/{ada.begin('group')['id']}/messages/")
    assert answer.json == {"messages": [], "has_before": False, "has_after": False}


def test_the_time_before_one_joined_is_as_if_it_were_not_there(ada, linus):
    group = ada.begin("group", history="since_joined")
    ada.say(group, "before")
    ada.add(group, linus)
    ada.say(group, "after")
    for query in ("", "before=4", "after=0", "around=2"):
        answer = linus.get(f"conversations/{group['id']}/messages/?{query}").json
        assert [message["body"] for message in answer["messages"]] == (["after"] if query != "before=4" else [])
        assert not answer["has_before"]


def test_a_sender_is_called_as_now_over_http_and_as_then_in_events(ada, grace, auth):
    from messages_service.following import read_changes
    from messages_service.people.services.changes import catch_up

    group = ada.begin("group", grace)
    ada.say(group, "x")
    for _ in range(2):  # The feed's second change is newer than what the fixture stored.
        auth.change("user.updated", user_id=str(ada.id), username="ada", display_name="Countess", active=True)
    catch_up(read_page=read_changes)
    assert grace.history(group)[0]["sender"]["display_name"] == "Countess"
    assert grace.log(group, after=2)[0]["data"]["sender"]["display_name"] == "Ada"


def test_strangers_see_no_history(group, mallory):
    assert mallory.get(f"conversations/{group['id']}/messages/").refusal == (404, "not_found")
