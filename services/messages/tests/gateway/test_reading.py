"""What the gateway asks for: memberships, ranges of logs, heads; and the read markers it passes on."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from api_client import Someone, outbox
from gateway_client import Gateway

from messages_service.conversations.models import Conversation

RANGES, HEADS, READS = "/internal/events/ranges/", "/internal/heads/", "/internal/reads/"


def memberships(gateway: Gateway, user_id: Any) -> dict[str, Any]:
    return gateway.ask(f"/internal/users/{user_id}/memberships/")


def ranges(gateway: Gateway, *wanted: dict[str, Any]) -> list[dict[str, Any]]:
    return list(gateway.ask(RANGES, {"ranges": list(wanted)})["ranges"])


def test_memberships_say_where_somebody_stands(gateway: Gateway, ada: Someone, grace: Someone) -> None:
    group, direct = ada.begin("group", history="since_joined"), ada.begin("direct", grace)
    ada.say(group, "before")
    ada.add(group, grace)
    ada.say(group, "after")
    gone = ada.begin("group", grace)
    ada.delete(f"conversations/{gone['id']}/")
    answer = memberships(gateway, grace.id)
    assert (answer["user"], answer["membership_version"]) == (str(grace.id), 4)
    found = {one["id"]: one for one in answer["conversations"]}
    assert found.keys() == {group["id"], direct["id"]}
    assert found[group["id"]] == {
        "id": group["id"],
        "kind": "group",
        "epoch": group["epoch"],
        "visible_from_seq": 3,
        "last_seq": 4,
        "read_seq": 3,
    }


def test_who_is_unknown_belongs_to_nothing(gateway: Gateway, unknown_id: str) -> None:
    assert memberships(gateway, unknown_id) == {"user": unknown_id, "membership_version": 0, "conversations": []}


def test_several_people_are_answered_at_once_and_each_as_alone(
    gateway: Gateway, ada: Someone, grace: Someone, unknown_id: str
) -> None:
    ada.begin("group", grace)
    ada.begin("group")
    users = [str(grace.id), unknown_id, str(ada.id)]
    answers = gateway.ask("/internal/memberships/", {"users": users})["memberships"]
    assert [answer["user"] for answer in answers] == users
    assert answers == [memberships(gateway, user) for user in users]
    assert [len(answer["conversations"]) for answer in answers] == [1, 0, 2]


@pytest.mark.parametrize("users", [None, "x", ["x"], [str(uuid4())] * 201])
def test_people_that_cannot_be_are_refused(gateway: Gateway, users: Any) -> None:
    answer = gateway.call("POST", "/internal/memberships/", {"v": 1, "users": users})
    assert (answer.status, answer.json["code"]) == (400, "invalid")


def test_bodies_are_exactly_the_frames_that_were_published(gateway: Gateway, ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace, title="Größe 😀")
    message = ada.say(group, 'quotes " and \\ and \u2028 and </script>')
    ada.patch(f"messages/{message['id']}/", {"body": "edited"})
    ada.patch(f"conversations/{group['id']}/", {"topic": "steam"})
    (answer,) = ranges(gateway, {"conversation": group["id"], "after": 0, "limit": 500})
    published = [note for note in outbox(group["id"]) if note["type"] == "chatire.event"]
    assert [json.loads(body) for body in answer["bodies"]] == [note["body"] for note in published]
    assert [{"type": "event", **event} for event in ada.log(group)] == [json.loads(body) for body in answer["bodies"]]
    assert all(body.startswith('{"type":"event","conversation":') for body in answer["bodies"])
    assert (answer["conversation"], answer["epoch"], answer["last_seq"], answer["expired"]) == (
        group["id"],
        group["epoch"],
        5,
        False,
    )


def test_a_range_is_what_follows_its_cursor_up_to_its_limit(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    for n in range(9):
        ada.say(group, f"{n}")
    wanted = [(0, 3), (4, 100), (10, 5), (99, 5), (2**63 - 1, 500), (3, 0), (8, 10_000)]
    answers = ranges(gateway, *({"conversation": group["id"], "after": a, "limit": n} for a, n in wanted))
    seqs = [[json.loads(body)["seq"] for body in answer["bodies"]] for answer in answers]
    assert seqs == [[1, 2, 3], [5, 6, 7, 8, 9, 10], [], [], [], [], [9, 10]]
    assert {answer["last_seq"] for answer in answers} == {10}


def test_a_conversation_that_there_is_not_has_nothing(gateway: Gateway, unknown_id: str) -> None:
    assert ranges(gateway, {"conversation": unknown_id, "after": 0, "limit": 5}) == [
        {"conversation": unknown_id, "epoch": None, "last_seq": 0, "expired": False, "bodies": []}
    ]


def test_the_end_of_a_deleted_conversation_can_still_be_delivered(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    ada.delete(f"conversations/{group['id']}/")
    (answer,) = ranges(gateway, {"conversation": group["id"], "after": 1, "limit": 5})
    assert [json.loads(body)["kind"] for body in answer["bodies"]] == ["conversation.deleted"]
    heads = gateway.ask(HEADS, {"conversations": [group["id"]], "users": []})["heads"]
    assert heads == {group["id"]: {"last_seq": 2, "epoch": group["epoch"]}}


def test_a_cursor_older_than_what_is_kept_is_expired(gateway: Gateway, ada: Someone) -> None:
    group = ada.begin("group")
    ada.say(group, "x")
    Conversation.objects.filter(id=group["id"]).update(first_kept_seq=2)
    old, kept = ranges(gateway, *({"conversation": group["id"], "after": after, "limit": 5} for after in (0, 1)))
    assert (old["expired"], old["bodies"]) == (True, [])
    assert (kept["expired"], len(kept["bodies"])) == (False, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        {},
        {"conversation": "x", "after": 0},
        {"conversation": None, "after": 0},
        {"conversation": str(uuid4())},
        {"conversation": str(uuid4()), "after": -1},
        {"conversation": str(uuid4()), "after": "0"},
        {"conversation": str(uuid4()), "after": True},
        {"conversation": str(uuid4()), "after": 2**63},
        {"conversation": str(uuid4()), "after": 0, "limit": -1},
        {"conversation": str(uuid4()), "after": 0, "limit": 1.5},
    ],
)
def test_a_range_that_is_none_is_refused(gateway: Gateway, wrong: Any) -> None:
    assert gateway.call("POST", RANGES, {"v": 1, "ranges": [wrong]}).refusal == (400, "invalid")


def test_there_are_at_most_so_many_of_each(gateway: Gateway) -> None:
    ids = [str(uuid4()) for _ in range(2_001)]
    wanted = [{"conversation": id_, "after": 0, "limit": 1} for id_ in ids]
    assert gateway.call("POST", RANGES, {"v": 1, "ranges": wanted[:101]}).refuses("ranges")
    assert len(ranges(gateway, *wanted[:100])) == 100
    assert gateway.call("POST", HEADS, {"v": 1, "conversations": ids, "users": []}).refuses("conversations")
    assert gateway.call("POST", HEADS, {"v": 1, "conversations": [], "users": ids}).refuses("users")
    assert gateway.ask(HEADS, {"conversations": ids[:2_000], "users": ids[:2_000]})["heads"] == {}


def test_heads_are_of_what_there_is(gateway: Gateway, ada: Someone, grace: Someone, unknown_id: str) -> None:
    group = ada.begin("group", grace)
    ada.say(group, "x")
    answer = gateway.ask(HEADS, {"conversations": [group["id"], unknown_id], "users": [str(grace.id), unknown_id]})
    assert answer == {
        "heads": {group["id"]: {"last_seq": 3, "epoch": group["epoch"]}},
        "membership_versions": {str(grace.id): 1},
    }


def test_heads_of_what_is_no_id_are_refused(gateway: Gateway) -> None:
    for wrong in (5, None, "x", str(uuid4()).upper()):
        assert gateway.call("POST", HEADS, {"v": 1, "conversations": [wrong], "users": []}).refuses("conversations")


def test_markers_move_each_in_its_own_users_name(gateway: Gateway, ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    for n in range(3):
        ada.say(group, f"{n}")
    wanted = [(1, 4), (0, 1), (1, 99), (1, 3)]
    results = gateway.mark(
        [ada.token, grace.token], [{"token": t, "conversation": group["id"], "seq": s} for t, s in wanted]
    )
    assert results == [{"ok": True, "read_seq": seq} for seq in (4, 5, 5, 5)]
    assert (ada.sees(group)["read_seq"], grace.sees(group)["read_seq"]) == (5, 5)


def test_the_socket_that_marked_is_named_to_the_others(gateway: Gateway, ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    ada.say(group, "x")
    ada.say(group, "y")
    marks = [{"token": 0, "conversation": group["id"], "seq": 3, "origin": "socket-1"}]
    marks += [{"token": 0, "conversation": group["id"], "seq": 4, "origin": origin} for origin in (5, "x" * 65)]
    gateway.mark([grace.token], marks)
    notes = [note for note in outbox(grace.id) if note["type"] == "chatire.read"]
    assert notes == [
        {
            "type": "chatire.read",
            "v": 1,
            "topic": f"user.{grace.id}",
            "user": str(grace.id),
            "conversation": group["id"],
            "seq": seq,
            "origin": origin,
        }
        for seq, origin in ((3, "socket-1"), (4, None))
    ]


def test_an_origin_that_is_no_text_harms_no_mark(gateway: Gateway, ada: Someone, grace: Someone) -> None:
    group = ada.begin("group", grace)
    ada.say(group, "x")
    mark = {"token": 0, "conversation": group["id"], "seq": 3, "origin": "\ud800"}
    assert gateway.mark([grace.token], [mark]) == [{"ok": True, "read_seq": 3}]


def test_a_bad_mark_harms_no_other(gateway: Gateway, ada: Someone, grace: Someone, mallory: Someone) -> None:
    group = ada.begin("group", grace)
    ada.say(group, "x")
    good = {"token": 0, "conversation": group["id"], "seq": 3}
    marks = [
        5,
        {**good, "token": 3},
        {**good, "token": 1},
        {**good, "token": 2},
        {**good, "conversation": "x"},
        {**good, "conversation": str(uuid4())},
        {**good, "seq": -1},
        {**good, "seq": "3"},
        {**good, "seq": True},
        {**good, "seq": 2**63},
        good,
    ]
    results = gateway.mark([grace.token, mallory.token, "rubbish"], marks)
    assert [result.get("code") for result in results] == [
        *("unauthenticated", "unauthenticated", "not_found", "unauthenticated", "invalid", "not_found"),
        *("invalid", "invalid", "invalid", "invalid", None),
    ]
    assert not any(result["retryable"] for result in results[:-1])
    assert results[-1] == {"ok": True, "read_seq": 3}


def test_lists_that_are_none_are_refused(gateway: Gateway) -> None:
    for field in ("tokens", "items"):
        for wrong in (None, 5, {}, [1] * 501):
            body = {"v": 1, "tokens": [], "items": [], field: wrong}
            assert gateway.call("POST", READS, body).refuses(field)
