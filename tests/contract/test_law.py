"""Snapshot + events = later snapshot, on a story recorded from the messages service (services/messages/tests/recording.py).

The web client's reducer is held against the same file in web/tests/realtime/recordedLaw.test.ts.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from chatire_shared.testing.event_law import ConversationState, apply_events, folded_kinds

STORY: dict[str, Any] = json.loads((Path(__file__).parent / "samples" / "law.json").read_text(encoding="utf-8"))
NAMES = sorted(STORY["people"])


def state_of(view: dict[str, Any]) -> ConversationState:
    """What somebody knows who has fetched everything over HTTP."""
    conversation = view["conversation"]
    return ConversationState(
        seq=conversation["last_seq"],
        fields={name: conversation[name] for name in ("title", "topic")},
        roles={member["user"]["id"]: member["role"] for member in view["members"]},
        messages={message["id"]: message for message in view["page"]["messages"]},
    )


def stays(name: str) -> list[list[ConversationState]]:
    """The snapshots of each time that somebody was a member without a break."""
    found: list[list[ConversationState]] = [[]]
    for step in STORY["steps"]:
        view = step["views"][name]
        if view is not None:
            found[-1].append(state_of(view))
        elif found[-1]:
            found.append([])
    return [stay for stay in found if stay]


@pytest.mark.parametrize("name", NAMES)
def test_any_snapshot_and_the_events_after_it_make_every_later_one(name: str) -> None:
    pairs = 0
    for stay in stays(name):
        for place, early in enumerate(stay):
            for late in stay[place:]:
                assert apply_events(early, STORY["events"][early.seq : late.seq]) == late
                pairs += 1
    assert pairs > 10


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_with_every_event_twice_and_whatever_was_known_already(name: str) -> None:
    for stay in stays(name):
        for early, late in pairwise(stay):
            twice = [event for event in STORY["events"][: late.seq] for _ in range(2)]
            assert apply_events(early, twice) == late


def test_it_holds_with_the_log_as_it_is_when_later_deletions_have_redacted_it() -> None:
    end = stays("grace")[-1][-1]
    for early in stays("grace")[-1]:
        assert apply_events(early, STORY["log"][: end.seq]) == end


def test_nothing_that_was_deleted_is_left_in_the_log() -> None:
    gone = [event["data"]["id"] for event in STORY["events"] if event["kind"] == "message.deleted"]
    assert gone
    left = [event for event in STORY["log"] if event["data"].get("id") in gone]
    assert all(event["data"]["body"] is None for event in left)


def test_the_deletion_of_the_conversation_ends_it_for_all() -> None:
    end = apply_events(stays("ada")[-1][-1], STORY["log"])
    assert (end.deleted, end.roles, end.seq) == (True, {}, len(STORY["log"]))


def test_every_kind_that_the_law_knows_is_recorded() -> None:
    """That every kind which the service can write is recorded, its own tests see to."""
    assert {event["kind"] for event in STORY["events"]} == folded_kinds()
