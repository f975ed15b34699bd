"""`channels/`: what one may join, found by words and parts of words."""

from __future__ import annotations

import pytest


def titles(someone, query=""):
    answer = someone.get(f"channels/?{query}")
    assert answer.status == 200, answer.text
    return [row["title"] for row in answer.json["channels"]]


def test_channels_show_their_summary_to_anybody(ada, grace, mallory):
    channel = ada.begin("channel", grace, title="Library", topic="books")
    row = {"id": channel["id"], "title": "Library", "topic": "books", "member_count": 2}
    assert grace.get("channels/").json == {"channels": [{**row, "joined": True}], "next": None}
    assert mallory.get("channels/").json == {"channels": [{**row, "joined": False}], "next": None}


def test_groups_direct_and_deleted_ones_are_not_among_them(ada, grace):
    ada.begin("group", title="Library")
    ada.begin("direct", grace)
    ada.delete(f"conversations/{ada.begin('channel')['id']}/")
    assert titles(grace) == []


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("lib", ["Library"]),
        ("BRAR", ["Library"]),
        ("books", ["Library"]),
        ("lib%20ook", ["Library"]),
        ("lib%20garden", []),
        ("%25", []),
        ("_", []),
        ("%5C", []),
        ("", ["Garden", "Library"]),
        ("%20%20", ["Garden", "Library"]),
        ("%27%20OR%201=1", []),
    ],
)
def test_every_word_has_to_occur_somewhere(ada, search, found):
    ada.begin("channel", title="Library", topic="books")
    ada.begin("channel", title="Garden")
    assert titles(ada, f"search={search}") == found


def test_pages_of_channels_follow_each_other(ada):
    for number in range(5):
        ada.begin("channel", title=f"{number}")
    first = ada.get("channels/?limit=3").json
    second = ada.get(f"channels/?limit=3&cursor={first['next']}").json
    assert [row["title"] for row in first["channels"] + second["channels"]] == list("01234")
    assert second["next"] is None


@pytest.mark.parametrize("query", ["search=a%00b", "search=" + "x" * 201, "limit=0", "cursor=zzz"])
def test_a_search_that_can_not_be_made_is_refused(ada, query):
    assert ada.get(f"channels/?{query}").refusal == (400, "invalid")


def test_a_channel_that_is_not_joined_shows_its_summary_and_no_more(ada, grace):
    channel = ada.begin("channel", title="Library", topic="books")
    ada.say(channel, "quiet, please")
    seen = grace.sees(channel)
    assert (seen["title"], seen["topic"], seen["member_count"], seen["unread_count"]) == ("Library", "books", 1, 0)
    assert (seen["role"], seen["visible_from_seq"], seen["read_seq"], seen["last_message"]) == (None,) * 4
    for path in ("members/", "messages/", "events/"):
        assert grace.get(f"conversations/{channel['id']}/{path}").refusal == (404, "not_found")
    assert grace.post(f"conversations/{channel['id']}/read/", {"seq": 1}).refusal == (404, "not_found")
    assert grace.patch(f"conversations/{channel['id']}/", {"title": "x"}).refusal == (404, "not_found")
