"""The services and the independent client read and write the same bytes."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from samples import CLIENT_FRAMES, EVENTS, SERVER_FRAMES

from chatire_client.events import Arrival, Cursors, Event
from chatire_client.wire import decode, encode
from chatire_shared.contracts.strict_json import dumps
from gateway_service.realtime import frames as gateway_frames
from gateway_service.realtime import protocol as gateway_protocol
from messages_service.conversations.rules.frames import event_json, frame
from messages_service.conversations.rules.kinds import EventKind

PROTOCOL = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
NOT_BUILT_YET = {"presence"}  # docs/protocol.md lists it at its end.


def named(samples: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(sample, id=f"{sample.get('type') or sample['kind']}-{n}") for n, sample in enumerate(samples)]


def text_of(sample: dict[str, Any]) -> str:
    return json.dumps(sample, ensure_ascii=False, separators=(",", ":"))


def frames_in_protocol(heading: str) -> set[str]:
    """The types in the first column of the table below a line."""
    table = PROTOCOL[PROTOCOL.index(heading) :].split("\n\n")[1]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_every_frame_of_the_protocol_has_a_sample() -> None:
    assert frames_in_protocol("You send:") <= {sample["type"] for sample in CLIENT_FRAMES}
    assert frames_in_protocol("You get, and") <= {sample["type"] for sample in SERVER_FRAMES}
    assert len(frames_in_protocol("You get, and")) > 10


def test_every_kind_of_event_has_a_sample() -> None:
    kinds = [sample["kind"] for sample in EVENTS]
    assert set(kinds) == {kind.value for kind in EventKind}
    assert all(f"`{kind}`" in PROTOCOL for kind in kinds)


@pytest.mark.parametrize("sample", named(EVENTS))
def test_messages_writes_each_event_as_sampled(sample: dict[str, Any]) -> None:
    written = event_json(
        conversation=UUID(sample["conversation"]),
        seq=sample["seq"],
        kind=sample["kind"],
        at=datetime.fromisoformat(sample["at"]),
        actor=UUID(sample["actor"]),
        request_id=sample["request_id"],
        data=dumps(sample["data"]),
    )
    assert written == text_of(sample)
    assert frame(written) == text_of({"type": "event"} | sample)


@pytest.mark.parametrize("sample", named(SERVER_FRAMES))
def test_the_gateway_writes_each_frame_as_sampled(sample: dict[str, Any]) -> None:
    if sample["type"] in NOT_BUILT_YET:
        assert not hasattr(gateway_frames, sample["type"]), "it is built now: take it off the list"
        return
    if sample["type"] == "event":
        written = frame(text_of({name: value for name, value in sample.items() if name != "type"})).encode()
    elif sample["type"] == "events":
        bodies = [frame(text_of(event)).encode() for event in sample["events"]]
        written = gateway_frames.events(sample["conversation"], bodies).payload
        sample = sample | {"events": [{"type": "event"} | event for event in sample["events"]]}
    else:
        fields = {name: value for name, value in sample.items() if name != "type"}
        written = getattr(gateway_frames, sample["type"])(**fields).payload
    assert json.loads(written) == sample
    assert written.decode().startswith(f'{{"type":"{sample["type"]}"')


@pytest.mark.parametrize("sample", named(CLIENT_FRAMES))
def test_the_gateway_reads_each_frame_as_sampled(sample: dict[str, Any]) -> None:
    read = gateway_protocol.parse(text_of(sample))
    assert type(read).__name__.lower() == sample["type"], read
    for name, value in sample.items():
        if name != "type":
            field = getattr(read, name)
            assert (list(field) if isinstance(field, tuple) else field) == value


@pytest.mark.parametrize("sample", named(CLIENT_FRAMES))
def test_the_gateway_refuses_each_frame_with_a_field_more_or_one_less(sample: dict[str, Any]) -> None:
    more = gateway_protocol.parse(text_of(sample | {"surprise": 1}))
    assert isinstance(more, gateway_protocol.Refusal)
    optional = {"cursors", "epochs", "reply_to", "attachment_ids"} - (
        {"cursors"} if sample["type"] == "resume" else set()
    )
    for name in sample.keys() - optional:
        less = gateway_protocol.parse(text_of({key: value for key, value in sample.items() if key != name}))
        assert isinstance(less, gateway_protocol.Refusal), name


@pytest.mark.parametrize("sample", named(CLIENT_FRAMES))
def test_the_client_writes_each_frame_as_sampled(sample: dict[str, Any]) -> None:
    fields = {name: value for name, value in sample.items() if name != "type"}
    assert encode(sample["type"], fields | {"left_out": None}) == text_of(sample)


@pytest.mark.parametrize("sample", named(SERVER_FRAMES))
def test_the_client_reads_each_frame_as_sampled(sample: dict[str, Any]) -> None:
    assert decode(text_of(sample)) == sample


def test_the_client_takes_the_sampled_log_in_order() -> None:
    cursors = Cursors()
    cursors.place(EVENTS[0]["conversation"], 0)
    assert {cursors.arrive(Event.read(sample)) for sample in EVENTS} == {Arrival.NEXT}
