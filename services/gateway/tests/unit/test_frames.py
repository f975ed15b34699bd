from __future__ import annotations

import json

import pytest
from websockets.frames import Frame as ReferenceFrame
from websockets.frames import Opcode

from gateway_service.realtime import frames
from gateway_service.realtime.frames import Frame


@pytest.mark.parametrize("length", [1, 125, 126, 127, 65_535, 65_536, 200_000])
def test_the_wire_form_is_what_another_implementation_writes(length: int) -> None:
    payload = b"x" * length
    assert Frame(payload).wire == ReferenceFrame(Opcode.TEXT, payload).serialize(mask=False)


def test_forms_of_a_frame_are_made_once() -> None:
    frame = frames.pong(n=1)
    assert frame.wire is frame.wire
    assert frame.text is frame.text
    assert json.loads(frame.text) == {"type": "pong", "n": 1}


def test_the_type_comes_first_in_every_frame() -> None:
    made = [
        frames.ready(user={}, session={}, connection="c", server_time="t", heartbeat=25, conversations=[{"id": "1"}]),
        frames.events("c", [b'{"type":"event"}', b"{}"]),
        frames.ack(id="i", conversation="c", seq=1, message_id="m"),
        frames.error(code="invalid", detail="d", retryable=False),
        frames.error(code="unavailable", detail="d", retryable=True, id="i", retry_after_ms=5),
        frames.joined(conversation="c", last_seq=1, visible_from_seq=1),
        frames.left(conversation="c"),
        frames.left(conversation="c", seq=3),
        frames.read(conversation="c", user="u", seq=1),
        frames.typing(conversation="c", user="u", state=True),
        frames.resync(conversation="c", last_seq=1),
        frames.session(expires_at="t"),
        frames.pong(n=1),
        frames.bye(reason="restarting", reconnect_after_ms=10),
    ]
    assert all(frame.payload.startswith(b'{"type":"') for frame in made)
    assert [json.loads(frame.payload)["type"] for frame in made] == [
        *("ready", "events", "ack", "error", "error", "joined", "left", "left", "read", "typing", "resync"),
        *("session", "pong", "bye"),
    ]


def test_what_is_optional_is_left_out_and_not_null() -> None:
    assert json.loads(frames.left(conversation="c").payload) == {"type": "left", "conversation": "c"}
    assert json.loads(frames.error(code="x", detail="d", retryable=False).payload) == {
        "type": "error",
        "code": "x",
        "detail": "d",
        "retryable": False,
    }


def test_only_typing_may_be_dropped() -> None:
    assert frames.typing(conversation="c", user="u", state="x").droppable
    assert not frames.events("c", [b"{}"]).droppable


def test_text_travels_unescaped_so_that_eight_thousand_emoji_fit() -> None:
    frame = frames.error(code="x", detail="🎉" * 8_000, retryable=False)
    assert len(frame.payload) < 33_000
