"""Calculations with `seq`, and the JSON text of an event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind, History
from messages_service.conversations.rules.positions import clamp_cursor, direct_key, next_read_marker, visible_from
from messages_service.timeline.rules.shapes import message_shape, redacted, sender_shape

seqs = st.integers(0, 2**63 - 1)
ADA, GRACE = UUID(int=0xADA), UUID(int=0x6ACE)
MOMENT = datetime(2026, 11, 23, 9, 30, 0, 7, UTC)


def test_a_view_begins_with_the_log_or_with_joining() -> None:
    assert visible_from(History.ALL, 7) == 1
    assert visible_from(History.SINCE_JOINED, 7) == 7


@given(seqs, seqs, seqs)
def test_a_read_marker_goes_neither_back_nor_past_the_end(current: int, wanted: int, last_seq: int) -> None:
    marker = next_read_marker(current, wanted, last_seq)
    assert marker >= current
    assert marker <= max(current, last_seq)
    assert marker in {current, wanted, last_seq}
    assert next_read_marker(marker, wanted, last_seq) == marker


@given(seqs, st.integers(1, 2**63 - 1))
def test_a_cursor_is_never_before_ones_view(after: int, visible_from_seq: int) -> None:
    cursor = clamp_cursor(after, visible_from_seq)
    assert cursor >= visible_from_seq - 1
    assert cursor == after or after < visible_from_seq


@given(st.uuids(), st.uuids(), st.uuids())
def test_two_people_have_one_key_whoever_begins(one: UUID, other: UUID, third: UUID) -> None:
    assert direct_key(one, other) == direct_key(other, one)
    assert (direct_key(one, third) == direct_key(one, other)) == (third == other)
    assert len(direct_key(one, other)) == 73


@given(st.text(), st.none() | st.from_regex(r"[A-Za-z0-9._-]{8,64}", fullmatch=True), seqs)
def test_an_events_text_is_json_that_says_all(text: str, request_id: str | None, seq: int) -> None:
    event = event_json(
        conversation=ADA,
        seq=seq,
        kind=EventKind.MESSAGE_CREATED,
        at=MOMENT,
        actor=GRACE,
        request_id=request_id,
        data=json.dumps({"body": text}),
    )
    assert json.loads(event) == {
        "conversation": str(ADA),
        "seq": seq,
        "kind": "message.created",
        "at": "2026-11-23T09:30:00.000007Z",
        "actor": str(GRACE),
        "request_id": request_id,
        "data": {"body": text},
    }
    framed = frame(event)
    assert framed.startswith('{"type":"event",')
    assert json.loads(framed) == {"type": "event", **json.loads(event)}


@pytest.mark.parametrize("kind", EventKind)
def test_kinds_are_written_as_the_contract_spells_them(kind: EventKind) -> None:
    event = event_json(conversation=ADA, seq=1, kind=kind, at=MOMENT, actor=ADA, request_id=None, data="{}")
    assert json.loads(event)["kind"] == kind.value == str(kind)


def test_a_message_has_all_its_fields_and_times_in_utc() -> None:
    shape = message_shape(
        message_id=ADA,
        conversation=GRACE,
        seq=3,
        client_id=ADA,
        sender=sender_shape(ADA, "ada", "Ada"),
        body="hi",
        html="<p>hi</p>",
        reply_to=GRACE,
        created_at=MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45))),
        edited_at=MOMENT,
    )
    assert shape == {
        "id": str(ADA),
        "conversation": str(GRACE),
        "seq": 3,
        "client_id": str(ADA),
        "sender": {"id": str(ADA), "username": "ada", "display_name": "Ada"},
        "body": "hi",
        "html": "<p>hi</p>",
        "reply_to": str(GRACE),
        "attachments": [],
        "reactions": [],
        "mentions": [],
        "pinned": False,
        "created_at": "2026-11-23T09:30:00.000007Z",
        "edited_at": "2026-11-23T09:30:00.000007Z",
        "deleted_at": None,
    }
    gone = redacted(shape, MOMENT)
    assert gone == {**shape, "body": None, "html": None, "deleted_at": "2026-11-23T09:30:00.000007Z"}
    assert shape["body"] == "hi"
